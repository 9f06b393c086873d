import { LANE } from "./lane.sql.ts";
import type { RelanedRow } from "./operate-lane.sql.ts";
import { sql } from "./sql.ts";

/** Which jobs get which attempt deadline. */
export type DeadlineChange = readonly [
  tenant: string,
  jobIds: string[],
  deadlineMs: number,
  reason: string,
];

/**
 * Gives attempts so long from now on, or from when they start: their workers learn of it with the
 * next renewal. Whoever was asked to stop because the time was over may go on.
 */
export const extendHeld = sql<DeadlineChange, { readonly job_id: string }>(
  "extend_held",
  `
with held as (
  update lease l set deadline_ms = $3, deadline_moved = true,
    deadline_at = case when l.state = 'running' then now() + $3::integer * interval '1 ms' end,
    expires_at = case when l.cancel_reason = 'deadline' then now() + l.ttl_ms * interval '1 ms'
      else l.expires_at end,
    cancel_reason = nullif(l.cancel_reason, 'deadline')
  where l.tenant = $1 and l.job_id = any ($2::uuid[])
  returning l.job_id, l.state, l.attempt, l.lease_epoch, l.worker_id
),
jobs as (
  update job j set attempt_deadline_ms = $3 from held h where j.tenant = $1 and j.id = h.job_id
),
events as (
  insert into job_event (tenant, job_id, kind, from_state, to_state, attempt, lease_epoch,
    worker_id, actor, reason)
  select $1, job_id, 'updated', state, state, attempt, lease_epoch, worker_id, 'operator', $4
  from held
)
select job_id from held`,
);

/**
 * Gives the attempts of ready jobs so long. Their tokens are replaced, in their old places: a claim
 * that began before would otherwise hand out the job as it was.
 */
export const extendReady = sql<DeadlineChange, RelanedRow>(
  "extend_ready",
  `
with gone as (
  delete from ready r using job j
  where r.tenant = $1 and r.job_id = any ($2::uuid[]) and j.tenant = r.tenant and j.id = r.job_id
    and j.attempt_deadline_ms is distinct from $3::integer
  returning r.*
),
jobs as (
  update job j set attempt_deadline_ms = $3 from gone g where j.tenant = $1 and j.id = g.job_id
),
ready_rows as (
  insert into ready (tenant, ${LANE}, seq, job_id, attempt, lease_epoch, payload_bytes, linked,
    prev_token)
  select tenant, ${LANE}, seq, job_id, attempt, lease_epoch, payload_bytes, linked, prev_token
  from gone
  returning tenant, job_id, ${LANE}, seq
),
events as (
  insert into job_event (tenant, job_id, kind, from_state, to_state, actor, reason)
  select tenant, job_id, 'updated', 'ready', 'ready', 'operator', $4 from ready_rows
)
select * from ready_rows`,
);

/** Gives the attempts of blocked and scheduled jobs so long. */
export const extendWaiting = sql<DeadlineChange, { readonly job_id: string }>(
  "extend_waiting",
  `
with locked as materialized (
  select j.id, j.base_state from job j
  where j.tenant = $1 and j.id = any ($2::uuid[]) and j.base_state in ('blocked', 'scheduled')
    and j.attempt_deadline_ms is distinct from $3::integer
  order by j.id for update
),
jobs as (
  update job j set attempt_deadline_ms = $3 from locked l
  where j.tenant = $1 and j.id = l.id and j.base_state = l.base_state
  returning j.id as job_id, j.base_state
),
events as (
  insert into job_event (tenant, job_id, kind, from_state, to_state, actor, reason)
  select $1, job_id, 'updated', base_state, base_state, 'operator', $4 from jobs
)
select job_id from jobs`,
);
