import type { RetryOverrides } from "../domain/retry.ts";
import { LANE, type LaneRow } from "./lane.sql.ts";
import type { FenceColumns } from "./lease.sql.ts";
import { sql } from "./sql.ts";

/** A locked lease with what decides about its job's future. */
export interface EndingLease {
  readonly position: number;
  readonly tenant: string;
  readonly job_id: string;
  readonly queue: string;
  readonly job_type: string;
  readonly source: string;
  /** Since the attempt started, in milliseconds. */
  readonly attempt_ms: number;
  readonly attempt: number;
  readonly lease_epoch: number;
  readonly cancel_reason: "user" | "deadline" | "preempted" | "drain" | null;
  readonly cancel_note: string | null;
  readonly retry: RetryOverrides | null;
  /** Ended attempts of the current budget that failed. */
  readonly failures: number;
  /** When attempts of the current budget were interrupted, newest first, in ms before now. */
  readonly interruption_ages_ms: number[];
  /** Time since the first attempt of the current budget started, in milliseconds. */
  readonly elapsed_ms: number;
}

/** Locks active leases by fence, in one order for everybody; stale fences are left out. */
export const lockLeases = sql<FenceColumns, EndingLease>(
  "lock_leases",
  `
select i.position::integer, l.tenant, l.job_id, l.queue, l.job_type, l.source, l.attempt,
  l.lease_epoch, (extract(epoch from now() - l.started_at) * 1000)::double precision as attempt_ms,
  l.cancel_reason, l.cancel_note, j.retry, past.failures, past.interruption_ages_ms,
  (extract(epoch from now() - least(past.first_started_at, l.started_at)) * 1000)::bigint
    as elapsed_ms
from unnest($1::text[], $2::uuid[], $3::bigint[], $4::text[]) with ordinality
  as i (tenant, job_id, lease_epoch, token, position)
join lease l on l.tenant = i.tenant and l.job_id = i.job_id
  and l.lease_epoch = i.lease_epoch and l.token = i.token and l.state = 'running'
join job j on j.tenant = l.tenant and j.id = l.job_id
cross join lateral (
  select count(*) filter (where a.outcome = 'failed')::integer as failures,
    coalesce(array_agg((extract(epoch from now() - a.ended_at) * 1000)::double precision
      order by a.attempt desc)
      -- One that had to make way for a blackout costs nothing.
      filter (where a.outcome = 'interrupted' and a.failure_class <> 'cancelled'), '{}')
      as interruption_ages_ms,
    min(a.started_at) as first_started_at
  from attempt a
  where a.tenant = j.tenant and a.job_id = j.id and a.attempt > j.budget_from_attempt
) past
order by l.tenant, l.job_id for update of l`,
);

/** Attempts that did not succeed, one array per part, all of the same length. */
export type EndingColumns = readonly [
  tenants: string[],
  jobIds: string[],
  outcomes: ("failed" | "interrupted" | "cancelled")[],
  failureClasses: string[],
  failureMessages: string[],
  terminals: boolean[],
  retriesAfterMs: (number | null)[],
  completionIds: (string | null)[],
  next: ("scheduled" | "ready" | "dead" | "cancelled")[],
  delaysMs: number[],
  actors: string[],
  reasons: string[],
];

/** An ended attempt's job, and its place in its lane if it is ready again. */
export interface EndedAttempt extends LaneRow {
  readonly tenant: string;
  readonly job_id: string;
  readonly next: "scheduled" | "ready" | "dead" | "cancelled";
  readonly seq: number;
  readonly linked: boolean;
}

/** Ends attempts whose leases this transaction holds locked, and puts their jobs where they go. */
export const endAttempts = sql<EndingColumns, EndedAttempt>(
  "end_attempts",
  `
with input as materialized (
  select * from unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::boolean[],
    $7::bigint[], $8::uuid[], $9::text[], $10::bigint[], $11::text[], $12::text[])
    as i (tenant, job_id, outcome, failure_class, failure_message, terminal, retry_after_ms,
      completion_id, next, delay_ms, actor, reason)
),
gone as (
  delete from lease l using input i where l.tenant = i.tenant and l.job_id = i.job_id
  returning l.*, i.outcome, i.failure_class, i.failure_message, i.terminal, i.retry_after_ms,
    i.completion_id, i.next, i.delay_ms, i.actor, i.reason
),
attempts as (
  insert into attempt (tenant, job_id, attempt, lease_epoch, worker_id, offered_at, started_at,
    outcome, failure_class, failure_message, terminal, retry_after_ms, completion_id)
  select tenant, job_id, attempt, lease_epoch, worker_id, offered_at, started_at, outcome,
    failure_class, failure_message, terminal, retry_after_ms, completion_id
  from gone
),
ready_rows as (
  insert into ready (tenant, ${LANE}, seq, job_id, attempt, lease_epoch,
    payload_bytes, linked, prev_token)
  select tenant, ${LANE}, seq, job_id, attempt + 1, lease_epoch + 1,
    payload_bytes, linked, token
  from gone where next = 'ready'
),
scheduled_rows as (
  insert into scheduled (tenant, job_id, run_at, attempt, lease_epoch)
  select tenant, job_id, now() + delay_ms * interval '1 ms', attempt + 1, lease_epoch + 1
  from gone where next = 'scheduled'
),
jobs as (
  update job j set base_state = g.next, attempt = g.attempt, lease_epoch = g.lease_epoch,
    ended_at = case when g.next in ('dead', 'cancelled') then now() end,
    end_reason = case when g.next in ('dead', 'cancelled') then g.reason end
  from gone g where j.tenant = g.tenant and j.id = g.job_id and g.next <> 'ready'
),
events as (
  insert into job_event (tenant, job_id, kind, from_state, to_state, attempt, lease_epoch,
    worker_id, actor, reason)
  select g.tenant, g.job_id, e.kind, e.from_state, e.to_state, g.attempt, g.lease_epoch,
    g.worker_id, e.actor, e.reason
  from gone g cross join lateral (
    select 1 as step, 'failed' as kind, 'running' as from_state, 'failed' as to_state,
      g.actor, g.failure_message as reason where g.outcome = 'failed'
    union all
    select 2, case g.next when 'scheduled' then 'retry_scheduled' when 'dead' then 'died'
        else 'cancelled' end,
      'failed', g.next, 'ledger', g.reason where g.outcome = 'failed'
    union all
    select 1, case g.next when 'ready' then 'interrupted' when 'dead' then 'quarantined'
        else 'cancelled' end,
      'running', g.next, g.actor, g.reason where g.outcome <> 'failed'
  ) e
  order by g.tenant, g.job_id, e.step
)
select tenant, job_id, next, ${LANE}, seq, linked from gone`,
);
