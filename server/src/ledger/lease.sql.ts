import { sql } from "./sql.ts";

/** Leases with their fences, one array per part, all of the same length. */
export type FenceColumns = readonly [
  tenants: string[],
  jobIds: string[],
  epochs: number[],
  tokens: string[],
];

const FENCES = `unnest($1::text[], $2::uuid[], $3::bigint[], $4::text[]) with ordinality
    as i (tenant, job_id, lease_epoch, token, position)`;

const SAME_FENCE = `l.tenant = i.tenant and l.job_id = i.job_id
    and l.lease_epoch = i.lease_epoch and l.token = i.token`;

/** What became of an accept. `state` is null when the job has no lease at all. */
export interface AcceptRow {
  readonly verdict: "applied" | "already_applied" | "stale_lease";
}

/** Turns offers into active leases; an answer per input row, in order. */
export const acceptOffers = sql<FenceColumns, AcceptRow>(
  "accept_offers",
  `
with input as materialized (select * from ${FENCES}),
accepted as (
  update lease l set state = 'running', started_at = now(),
    expires_at = now() + l.ttl_ms * interval '1 ms',
    deadline_at = now() + l.deadline_ms * interval '1 ms'
  from input i where ${SAME_FENCE} and l.state = 'offered'
  returning l.*, i.position
),
events as (
  insert into job_event (tenant, job_id, kind, from_state, to_state, attempt, lease_epoch,
    worker_id, actor)
  select tenant, job_id, 'started', 'offered', 'running', attempt, lease_epoch, worker_id, 'worker'
  from accepted
)
select case when a.position is not null then 'applied'
    when l.state = 'running' then 'already_applied' else 'stale_lease' end as verdict
from input i
left join accepted a on a.position = i.position
left join lease l on ${SAME_FENCE}
order by i.position`,
);

/** What became of a renewal. */
export interface RenewRow {
  readonly verdict: "renewed" | "superseded" | "cancelled" | "unknown";
  readonly cancel_reason: "user" | "deadline" | "preempted" | "drain" | null;
  /** What is left of a cancelled lease, in milliseconds. */
  readonly left_ms: number | null;
  readonly job_type: string | null;
}

/**
 * Renews active leases and binds them to the session that renews them; an answer per input row, in
 * order. A lease that is to be cancelled keeps its end. One that stands twice in a batch (two
 * heartbeats that waited for a slow ledger) is renewed once, and both are told so.
 */
export const renewLeases = sql<
  readonly [...fences: FenceColumns, sessionIds: (string | null)[]],
  RenewRow
>(
  "renew_leases",
  `
with input as materialized (
  select i.*, s.session_id from ${FENCES}
  join unnest($5::uuid[]) with ordinality as s (session_id, position) using (position)
),
renewed as (
  update lease l set
    expires_at = case when l.cancel_reason is null
      then now() + l.ttl_ms * interval '1 ms' else l.expires_at end,
    session_id = coalesce(i.session_id, l.session_id)
  from input i where ${SAME_FENCE} and l.state = 'running'
  returning l.tenant, l.job_id, l.lease_epoch, l.token, l.cancel_reason, l.expires_at, l.job_type
)
select case when r.job_id is null and j.id is null then 'unknown'
    when r.job_id is null then 'superseded'
    when r.cancel_reason is not null then 'cancelled' else 'renewed' end as verdict,
  r.cancel_reason,
  case when r.cancel_reason is not null
    then greatest(0, extract(epoch from r.expires_at - now()) * 1000)::integer end as left_ms,
  r.job_type
from input i
left join renewed r on r.tenant = i.tenant and r.job_id = i.job_id
  and r.lease_epoch = i.lease_epoch and r.token = i.token
left join job j on r.job_id is null and j.tenant = i.tenant and j.id = i.job_id
order by i.position`,
);

/** Whether a lease is current. */
export interface CheckRow {
  readonly current: boolean;
  readonly newest_epoch: number;
  readonly expires_in_ms: number | null;
}

/** Looks at one lease; no row if the tenant has no such job. */
export const checkLease = sql<
  readonly [tenant: string, jobId: string, epoch: number, token: string],
  CheckRow
>(
  "check_lease",
  `
select coalesce(l.state = 'running' and l.lease_epoch = $3 and l.token = $4, false) as current,
  coalesce(l.lease_epoch, r.lease_epoch - 1, s.lease_epoch - 1,
    greatest(j.lease_epoch, a.lease_epoch)) as newest_epoch,
  case when l.lease_epoch = $3 and l.token = $4
    then greatest(0, extract(epoch from l.expires_at - now()) * 1000)::integer end as expires_in_ms
from job j
left join lease l on l.tenant = j.tenant and l.job_id = j.id
left join ready r on r.tenant = j.tenant and r.job_id = j.id
left join scheduled s on s.tenant = j.tenant and s.job_id = j.id
left join lateral (
  select lease_epoch from attempt where tenant = j.tenant and job_id = j.id
  order by attempt desc limit 1
) a on true
where j.tenant = $1 and j.id = $2`,
);

/** A lane that got a job back. */
export interface ReturnedRow {
  readonly verdict: "applied" | "stale_lease";
  readonly queue: string | null;
  readonly job_type: string | null;
  readonly priority: number | null;
  readonly seq: number | null;
}

/**
 * Gives leases back to the head of their lanes at no cost: offers that nobody accepted, and jobs
 * whose handler never began. Leases that are to be cancelled are left alone. An answer per input
 * row, in order.
 */
export const returnLeases = sql<
  readonly [...fences: FenceColumns, actor: string, reason: string, onlyOffered: boolean],
  ReturnedRow
>(
  "return_leases",
  `
with input as materialized (select * from ${FENCES}),
gone as (
  delete from lease l using input i
  where ${SAME_FENCE} and l.cancel_reason is null and (not $7 or l.state = 'offered')
  returning l.*, i.position
),
ready_rows as (
  insert into ready (tenant, queue, job_type, priority, seq, job_id, attempt, lease_epoch,
    payload_bytes, in_run)
  select tenant, queue, job_type, priority, seq, job_id, attempt, lease_epoch + 1,
    payload_bytes, in_run from gone
),
events as (
  insert into job_event (tenant, job_id, kind, from_state, to_state, attempt, lease_epoch,
    worker_id, actor, reason)
  select tenant, job_id, case when state = 'offered' then 'offer_returned' else 'released' end,
    state, 'ready', attempt, lease_epoch, worker_id, $5, $6 from gone
)
select case when g.position is null then 'stale_lease' else 'applied' end as verdict,
  g.queue, g.job_type, g.priority, g.seq
from input i left join gone g on g.position = i.position
order by i.position`,
);

/** A lease of a worker's stream that its newest Hello did not name. */
export interface UnnamedLease {
  readonly job_id: string;
  readonly attempt: number;
  readonly lease_epoch: number;
  readonly token: string;
  readonly state: "offered" | "running";
}

/** The stream leases of a worker other than the ones named. */
export const unnamedLeases = sql<
  readonly [tenant: string, workerId: string, sessionId: string, namedJobIds: string[]],
  UnnamedLease
>(
  "unnamed_leases",
  `
select job_id, attempt, lease_epoch, token, state from lease
where tenant = $1 and worker_id = $2 and session_id is not null and session_id <> $3
  and job_id <> all ($4::uuid[])`,
);

/** Progress under leases, one array per part. */
export type ProgressColumns = readonly [
  ...fences: FenceColumns,
  fractions: number[],
  messages: string[],
  checkpoints: (Buffer | null)[],
];

/**
 * Stores progress under active leases; no checkpoint leaves the one that is there. The leases are
 * held until the commit (renewals pass, ends wait): a late writer could otherwise overwrite what
 * the next attempt has stored meanwhile.
 */
export const storeProgress = sql<ProgressColumns, { readonly applied: boolean }>(
  "store_progress",
  `
with input as materialized (
  select i.*, p.fraction, p.message, p.checkpoint from ${FENCES}
  join unnest($5::double precision[], $6::text[], $7::bytea[]) with ordinality
    as p (fraction, message, checkpoint, position) using (position)
),
held as materialized (
  select i.position, i.tenant, i.job_id, l.attempt, i.fraction, i.message, i.checkpoint
  from input i join lease l on ${SAME_FENCE} and l.state = 'running'
  order by l.tenant, l.job_id for key share of l
),
stored as (
  insert into progress as p (tenant, job_id, attempt, fraction, message, checkpoint)
  select tenant, job_id, attempt, fraction, message, checkpoint from held
  on conflict (tenant, job_id) do update set attempt = excluded.attempt,
    fraction = excluded.fraction, message = excluded.message,
    checkpoint = coalesce(excluded.checkpoint, p.checkpoint), updated_at = now()
)
select h.position is not null as applied
from input i left join held h on h.position = i.position order by i.position`,
);
