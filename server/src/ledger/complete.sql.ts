import type { FenceColumns } from "./lease.sql.ts";
import { sql } from "./sql.ts";

/** Completions, one array per part, all of the same length. */
export type CompletionColumns = readonly [
  ...fences: FenceColumns,
  completionIds: string[],
  results: (Buffer | null)[],
];

/** A completion that was applied; one that is missing was not. */
export interface CompletedRow {
  readonly position: number;
  readonly tenant: string;
  readonly job_id: string;
  readonly attempt: number;
  readonly lease_epoch: number;
  readonly worker_id: string;
  readonly from_state: "running" | "ready";
  readonly linked: boolean;
  /** Whether its job declares a window: its event is still to be written. */
  readonly windowed: boolean;
  /** What it was, for limits; null if its lease had run out: how long it took says nothing then. */
  readonly queue: string | null;
  readonly job_type: string | null;
  readonly source: string | null;
  readonly elapsed_ms: number | null;
}

const INPUT = `
  unnest($1::text[], $2::uuid[], $3::bigint[], $4::text[], $5::uuid[], $6::bytea[])
    with ordinality as i (tenant, job_id, lease_epoch, token, completion_id, result, position)`;

// A scalar look-up: the planner would read all jobs for an "exists" of many rows.
const windowed = (row: string) => `(case when ${row}.linked then (
      select j.window_start is not null from job j
      where j.tenant = ${row}.tenant and j.id = ${row}.job_id
    ) else false end) as windowed`;

/** Ends attempts that succeeded: the lease goes, the attempt comes. */
export const completeAttempts = sql<CompletionColumns, CompletedRow>(
  "complete_attempts",
  `
with held as (
  delete from lease l using ${INPUT}
  where l.tenant = i.tenant and l.job_id = i.job_id and l.lease_epoch = i.lease_epoch
    and l.token = i.token and l.state = 'running'
  returning i.position, l.tenant, l.job_id, l.attempt, l.lease_epoch, l.worker_id, l.offered_at,
    l.started_at, l.linked, l.queue, l.job_type, l.source, i.completion_id, i.result,
    ${windowed("l")}
),
attempts as (
  insert into attempt (tenant, job_id, attempt, lease_epoch, worker_id, offered_at, started_at,
    outcome, completion_id, result)
  select tenant, job_id, attempt, lease_epoch, worker_id, offered_at, started_at, 'succeeded',
    completion_id, result
  from held
),
events as (
  insert into job_event (tenant, job_id, kind, from_state, to_state, attempt, lease_epoch,
    worker_id, actor)
  select tenant, job_id, 'succeeded', 'running', 'succeeded', attempt, lease_epoch, worker_id,
    'worker' from held where not windowed
)
select position::integer, tenant, job_id, attempt, lease_epoch, worker_id, 'running' as from_state,
  linked, windowed, queue, job_type, source,
  (extract(epoch from now() - started_at) * 1000)::double precision as elapsed_ms
from held`,
);

/**
 * Ends attempts whose lease ran out and was swept, as long as nobody else got the job: its token is
 * on the ready row then, and the attempt that was written as interrupted becomes the one that
 * succeeded.
 */
export const completeLateAttempts = sql<CompletionColumns, CompletedRow>(
  "complete_late_attempts",
  `
with late as (
  delete from ready r using ${INPUT}
  where r.tenant = i.tenant and r.job_id = i.job_id and r.lease_epoch = i.lease_epoch + 1
    and r.prev_token = i.token
  returning i.position, r.tenant, r.job_id, r.attempt - 1 as attempt, i.lease_epoch, r.linked,
    i.completion_id, i.result, ${windowed("r")}
),
attempts as (
  update attempt a set outcome = 'succeeded', failure_class = null, failure_message = null,
    terminal = null, retry_after_ms = null, ended_at = now(), completion_id = l.completion_id,
    result = l.result
  from late l where a.tenant = l.tenant and a.job_id = l.job_id and a.attempt = l.attempt
  returning l.position, l.tenant, l.job_id, l.attempt, l.lease_epoch, l.linked, l.windowed,
    a.worker_id
),
events as (
  insert into job_event (tenant, job_id, kind, from_state, to_state, attempt, lease_epoch,
    worker_id, actor)
  select tenant, job_id, 'succeeded', 'ready', 'succeeded', attempt, lease_epoch, worker_id,
    'worker' from attempts where not windowed
)
select position::integer, tenant, job_id, attempt, lease_epoch, worker_id, 'ready' as from_state,
  linked, windowed, null as queue,
  null as job_type, null as source, null::double precision as elapsed_ms
from attempts`,
);

/** Writes the events of successes whose jobs declare windows. */
export const noteSucceeded = sql<
  readonly [
    tenants: string[],
    jobIds: string[],
    attempts: number[],
    epochs: number[],
    workerIds: string[],
    fromStates: string[],
    reasons: (string | null)[],
  ],
  never
>(
  "note_succeeded",
  `
insert into job_event (tenant, job_id, kind, from_state, to_state, attempt, lease_epoch, worker_id,
  actor, reason)
select tenant, job_id, 'succeeded', from_state, 'succeeded', attempt, lease_epoch, worker_id,
  'worker', reason
from unnest($1::text[], $2::uuid[], $3::integer[], $4::bigint[], $5::text[], $6::text[], $7::text[])
  as i (tenant, job_id, attempt, lease_epoch, worker_id, from_state, reason)`,
);

/** Binds artifacts to attempts that have just succeeded. */
export const bindArtifacts = sql<
  readonly [
    tenants: string[],
    jobIds: string[],
    attempts: number[],
    epochs: number[],
    names: string[],
    digests: Buffer[],
  ],
  never
>(
  "bind_artifacts",
  `
insert into job_artifact (tenant, job_id, attempt, lease_epoch, name, digest)
select * from unnest($1::text[], $2::uuid[], $3::integer[], $4::bigint[], $5::text[], $6::bytea[])`,
);
