import { LANE, type LaneRow } from "./lane.sql.ts";
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

/** The place of an input row that a statement is about, from 1. */
export interface PositionRow {
  readonly position: number;
}

/** Turns offers into active leases; the input rows to which that applied. */
export const acceptOffers = sql<FenceColumns, PositionRow>(
  "accept_offers",
  `
with accepted as (
  update lease l set state = 'running', started_at = now(),
    expires_at = now() + l.ttl_ms * interval '1 ms',
    deadline_at = now() + l.deadline_ms * interval '1 ms'
  from ${FENCES} where ${SAME_FENCE} and l.state = 'offered'
  returning l.tenant, l.job_id, l.attempt, l.lease_epoch, l.worker_id, i.position
),
events as (
  insert into job_event (tenant, job_id, kind, from_state, to_state, attempt, lease_epoch,
    worker_id, actor)
  select tenant, job_id, 'started', 'offered', 'running', attempt, lease_epoch, worker_id, 'worker'
  from accepted
)
select position::integer from accepted`,
);

/** The input rows whose leases are current and active. */
export const activeAmong = sql<FenceColumns, PositionRow>(
  "active_among",
  `
select i.position::integer from ${FENCES} join lease l on ${SAME_FENCE} and l.state = 'running'`,
);

/** A renewed lease. */
export interface RenewRow extends PositionRow {
  /** Set: it is to be cancelled and was not made longer. */
  readonly cancel_reason: "user" | "deadline" | "preempted" | "drain" | null;
  /** What is left of a cancelled lease, in milliseconds. */
  readonly left_ms: number | null;
  /** How long the attempt may still run, in milliseconds, if an operator moved its deadline. */
  readonly attempt_left_ms: number | null;
  readonly job_type: string;
}

/**
 * Renews active leases and binds them to the session that renews them. A lease that is to be
 * cancelled keeps its end. One that stands twice in the input is answered once.
 */
export const renewLeases = sql<
  readonly [...fences: FenceColumns, sessionIds: (string | null)[]],
  RenewRow
>(
  "renew_leases",
  `
update lease l set
  expires_at = case when l.cancel_reason is null
    then now() + l.ttl_ms * interval '1 ms' else l.expires_at end,
  session_id = coalesce(i.session_id, l.session_id)
from unnest($1::text[], $2::uuid[], $3::bigint[], $4::text[], $5::uuid[]) with ordinality
  as i (tenant, job_id, lease_epoch, token, session_id, position)
where ${SAME_FENCE} and l.state = 'running'
returning i.position::integer, l.cancel_reason, l.job_type,
  case when l.cancel_reason is not null
    then greatest(0, extract(epoch from l.expires_at - now()) * 1000)::integer end as left_ms,
  case when l.deadline_moved and l.cancel_reason is null
    then greatest(0, extract(epoch from l.deadline_at - now()) * 1000)::integer
    end as attempt_left_ms`,
);

/** The input rows whose jobs exist. */
export const knownJobs = sql<readonly [tenants: string[], jobIds: string[]], PositionRow>(
  "known_jobs",
  `
select i.position::integer
from unnest($1::text[], $2::uuid[]) with ordinality as i (tenant, job_id, position)
join job j on j.tenant = i.tenant and j.id = i.job_id`,
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

/** A lease that went back, and its job's place. */
export interface ReturnedRow extends LaneRow, PositionRow {
  readonly seq: number;
}

/**
 * Gives leases back to the head of their lanes at no cost: offers that nobody accepted, and jobs
 * whose handler never began. Leases that are to be cancelled are left alone. Answers those that
 * went back.
 */
export const returnLeases = sql<
  readonly [...fences: FenceColumns, actor: string, reason: string, onlyOffered: boolean],
  ReturnedRow
>(
  "return_leases",
  `
with gone as (
  delete from lease l using ${FENCES}
  where ${SAME_FENCE} and l.cancel_reason is null and (not $7 or l.state = 'offered')
  returning l.*, i.position
),
ready_rows as (
  insert into ready (tenant, ${LANE}, seq, job_id, attempt, lease_epoch,
    payload_bytes, linked)
  select tenant, ${LANE}, seq, job_id, attempt, lease_epoch + 1,
    payload_bytes, linked from gone
),
events as (
  insert into job_event (tenant, job_id, kind, from_state, to_state, attempt, lease_epoch,
    worker_id, actor, reason)
  select tenant, job_id, case when state = 'offered' then 'offer_returned' else 'released' end,
    state, 'ready', attempt, lease_epoch, worker_id, $5, $6 from gone
)
select position::integer, ${LANE}, seq from gone`,
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
 * Stores progress under active leases and answers where that applied; no checkpoint leaves the one
 * that is there. The leases are held until the commit (renewals pass, ends wait): a late writer
 * could otherwise overwrite what the next attempt has stored meanwhile.
 */
export const storeProgress = sql<ProgressColumns, PositionRow>(
  "store_progress",
  `
with held as materialized (
  select i.position, i.tenant, i.job_id, l.attempt, i.fraction, i.message, i.checkpoint
  from unnest($1::text[], $2::uuid[], $3::bigint[], $4::text[], $5::double precision[],
      $6::text[], $7::bytea[]) with ordinality
    as i (tenant, job_id, lease_epoch, token, fraction, message, checkpoint, position)
  join lease l on ${SAME_FENCE} and l.state = 'running'
  order by l.tenant, l.job_id for key share of l
),
stored as (
  insert into progress as p (tenant, job_id, attempt, fraction, message, checkpoint)
  select tenant, job_id, attempt, fraction, message, checkpoint from held
  on conflict (tenant, job_id) do update set attempt = excluded.attempt,
    fraction = excluded.fraction, message = excluded.message,
    checkpoint = coalesce(excluded.checkpoint, p.checkpoint), updated_at = now()
)
select position::integer from held`,
);
