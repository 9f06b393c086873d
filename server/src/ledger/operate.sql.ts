import type { JobState } from "../domain/job-machine.ts";
import { LANE, type LaneRow } from "./lane.sql.ts";
import { sql } from "./sql.ts";
import { STATE, STATE_JOINS } from "./state.sql.ts";

/** A job that an operation moved, and its place in its lane where that matters. */
export interface OperatedRow {
  readonly job_id: string;
  readonly linked: boolean;
}

type CancelParams = readonly [tenant: string, jobIds: string[], reason: string];

/**
 * The end that all cancellations share, over a CTE `gone` with job_id, attempt, worker_id, epoch
 * and linked: of the lease that was taken back, or 0 and the newest epoch if there was none.
 */
const cancelGone = (from: string) => `
jobs as (
  update job j set base_state = 'cancelled', ended_at = now(), end_reason = $3,
    lease_epoch = greatest(j.lease_epoch, g.lease_epoch)
  from gone g where j.tenant = g.tenant and j.id = g.job_id
),
events as (
  insert into job_event (tenant, job_id, kind, from_state, to_state, attempt, lease_epoch,
    worker_id, actor, reason)
  select $1, job_id, 'cancelled', '${from}', 'cancelled', attempt,
    case when attempt > 0 then lease_epoch else 0 end, worker_id, 'operator', $3 from gone
)
select job_id, linked from gone`;

/** Cancels jobs that are ready. */
export const cancelReady = sql<CancelParams, OperatedRow>(
  "cancel_ready",
  `
with gone as (
  delete from ready where tenant = $1 and job_id = any ($2::uuid[])
  returning tenant, job_id, 0 as attempt, null::text as worker_id,
    lease_epoch - 1 as lease_epoch, linked
),${cancelGone("ready")}`,
);

/** Cancels jobs that are offered: whoever accepts now is late. */
export const cancelOffered = sql<CancelParams, OperatedRow>(
  "cancel_offered",
  `
with gone as (
  delete from lease where tenant = $1 and job_id = any ($2::uuid[]) and state = 'offered'
  returning tenant, job_id, attempt, worker_id, lease_epoch, linked
),${cancelGone("offered")}`,
);

/** Cancels jobs that wait for a moment. */
export const cancelScheduled = sql<CancelParams, OperatedRow>(
  "cancel_scheduled",
  `
with gone as (
  delete from scheduled where tenant = $1 and job_id = any ($2::uuid[])
  returning tenant, job_id, 0 as attempt, null::text as worker_id, lease_epoch - 1 as lease_epoch,
    true as linked
),${cancelGone("scheduled")}`,
);

/** Cancels jobs that wait for others. */
export const cancelBlocked = sql<CancelParams, OperatedRow>(
  "cancel_blocked",
  `
with locked as materialized (
  select tenant, id from job
  where tenant = $1 and id = any ($2::uuid[]) and base_state = 'blocked' order by id for update
),
jobs as (
  update job j set base_state = 'cancelled', ended_at = now(), end_reason = $3
  from locked l where j.tenant = l.tenant and j.id = l.id and j.base_state = 'blocked'
  returning j.id as job_id
),
events as (
  insert into job_event (tenant, job_id, kind, from_state, to_state, actor, reason)
  select $1, job_id, 'cancelled', 'blocked', 'cancelled', 'operator', $3 from jobs
)
select job_id, true as linked from jobs`,
);

/** A running job that was asked to stop. */
export interface AskedRow {
  readonly job_id: string;
  readonly lease_epoch: number;
  readonly session_id: string | null;
}

/**
 * Asks the workers of running jobs to stop; asked twice, the shorter grace counts. The lease lasts
 * for the grace even if it would have ended before: it is not renewed any more.
 */
export const askToStop = sql<readonly [...cancel: CancelParams, graceMs: number], AskedRow>(
  "ask_to_stop",
  `
update lease set cancel_reason = 'user', cancel_note = coalesce(cancel_note, $3),
  expires_at = least(case when cancel_reason is not null then expires_at end,
    now() + $4::bigint * interval '1 ms')
where tenant = $1 and job_id = any ($2::uuid[]) and state = 'running'
returning job_id, lease_epoch, session_id`,
);

/** Where a job stands, and what an operator can set about it. */
export interface StandingRow {
  readonly job_id: string;
  readonly state: JobState;
  readonly priority: number;
  readonly queue: string;
  readonly attempt_deadline_ms: number | null;
  /** Dead, and not given up. */
  readonly is_letter: boolean;
}

/**
 * Where jobs stand; those that the tenant does not have are left out, and those of runs that
 * retention is about to remove.
 */
export const jobStates = sql<readonly [tenant: string, jobIds: string[]], StandingRow>(
  "job_states",
  `
select j.id as job_id, ${STATE} as state, j.priority, j.queue, j.attempt_deadline_ms,
  exists (select from dead_letter d where d.tenant = j.tenant and d.job_id = j.id) as is_letter
from job j ${STATE_JOINS} where j.tenant = $1 and j.id = any ($2::uuid[])
  and not exists (
    select from run r where r.tenant = j.tenant and r.id = j.run_id and r.removing offset 0)`,
);

/** A job that is ready again. */
export interface RetriedRow extends LaneRow {
  readonly tenant: string;
  readonly job_id: string;
  readonly seq: number;
}

/** The end that all retries share, over a CTE `jobs` with the job's row and next_*. */
const readyAgain = (from: string) => `
ready_rows as (
  insert into ready (tenant, ${LANE}, job_id, attempt, lease_epoch,
    payload_bytes, linked)
  select tenant, ${LANE}, id, next_attempt, next_epoch,
    coalesce(length(payload), 0), run_id is not null or window_start is not null
  from jobs order by id
  returning tenant, job_id, ${LANE}, seq
),
events as (
  insert into job_event (tenant, job_id, kind, from_state, to_state, actor, reason)
  select tenant, job_id, 'retried', '${from}', 'ready', 'operator', $3 from ready_rows
)
select * from ready_rows`;

/** Makes dead jobs ready again, with fresh budgets; their letters are the caller's to remove. */
export const retryDead = sql<CancelParams, RetriedRow>(
  "retry_dead",
  `
with jobs as (
  update job set base_state = 'ready', ended_at = null, end_reason = null,
    budget_from_attempt = attempt
  where tenant = $1 and id = any ($2::uuid[]) and base_state = 'dead'
  returning *, attempt + 1 as next_attempt, lease_epoch + 1 as next_epoch
),${readyAgain("dead")}`,
);

/** Makes scheduled jobs ready now. */
export const retryScheduled = sql<CancelParams, RetriedRow>(
  "retry_scheduled_now",
  `
with gone as (
  delete from scheduled where tenant = $1 and job_id = any ($2::uuid[]) returning *
),
jobs as (
  update job j set base_state = 'ready' from gone g where j.tenant = g.tenant and j.id = g.job_id
  returning j.*, g.attempt as next_attempt, g.lease_epoch as next_epoch
),${readyAgain("scheduled")}`,
);
