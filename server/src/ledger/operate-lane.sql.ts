import { LANE, type LaneRow } from "./lane.sql.ts";
import { sql } from "./sql.ts";

/** Which jobs get which priority or queue; null leaves what is there. */
export type LaneChange = readonly [
  tenant: string,
  jobIds: string[],
  priority: number | null,
  queue: string | null,
  reason: string,
];

const differs = (alias: string): string =>
  `(${alias}.priority <> $3::smallint or ${alias}.queue <> $4::text)`;

/** A ready job in its new lane. */
export interface RelanedRow extends LaneRow {
  readonly tenant: string;
  readonly job_id: string;
  readonly seq: number;
}

/** Puts ready jobs at the end of other lanes. */
export const relaneReady = sql<LaneChange, RelanedRow>(
  "relane_ready",
  `
with gone as (
  delete from ready r where r.tenant = $1 and r.job_id = any ($2::uuid[]) and ${differs("r")}
  returning *
),
jobs as (
  update job j set priority = coalesce($3, j.priority), queue = coalesce($4, j.queue)
  from gone g where j.tenant = $1 and j.id = g.job_id
),
ready_rows as (
  insert into ready (tenant, ${LANE}, job_id, attempt, lease_epoch, payload_bytes, linked,
    prev_token)
  select tenant, coalesce($4, queue), job_type, coalesce($3, priority), source, concurrency_key,
    job_id, attempt, lease_epoch, payload_bytes, linked, prev_token
  from gone order by seq
  returning tenant, job_id, ${LANE}, seq
),
events as (
  insert into job_event (tenant, job_id, kind, from_state, to_state, actor, reason)
  select tenant, job_id, 'updated', 'ready', 'ready', 'operator', $5 from ready_rows
)
select * from ready_rows`,
);

/** Changes the lanes in which blocked and scheduled jobs will stand. */
export const relaneWaiting = sql<LaneChange, { readonly job_id: string }>(
  "relane_waiting",
  `
with locked as materialized (
  select j.id, j.base_state from job j
  where j.tenant = $1 and j.id = any ($2::uuid[]) and j.base_state in ('blocked', 'scheduled')
    and ${differs("j")}
  order by j.id for update
),
jobs as (
  update job j set priority = coalesce($3, j.priority), queue = coalesce($4, j.queue)
  from locked l where j.tenant = $1 and j.id = l.id and j.base_state = l.base_state
  returning j.id as job_id, j.base_state
),
events as (
  insert into job_event (tenant, job_id, kind, from_state, to_state, actor, reason)
  select $1, job_id, 'updated', base_state, base_state, 'operator', $5 from jobs
)
select job_id from jobs`,
);
