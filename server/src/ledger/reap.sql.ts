import { LANE, type LaneRow } from "./lane.sql.ts";
import { sql } from "./sql.ts";

/** What a tick of the control plane found out. */
export interface TickRow {
  /** How long nobody ticked, if that was an outage; 0 if it was not. In milliseconds. */
  readonly outage_ms: number;
  /** How many other replicas ticked within the last 10 s. */
  readonly others: number;
}

/**
 * Runs as orch_loops: a sign of life of this replica and so of the control plane. A gap of more
 * than $2 ms since the last tick of any replica means that no renewal could have been taken, so
 * the clock of availability starts again.
 */
export const tick = sql<readonly [serverId: string, gapMs: number], TickRow>(
  "loops_tick",
  `
with alive as (
  insert into replica (server_id) values ($1)
  on conflict (server_id) do update set last_seen = now()
),
gone as (delete from replica where last_seen < now() - interval '1 hour'),
ticked as (
  update control_plane c set last_tick = clock_timestamp(),
    available_since = case
      when clock_timestamp() - before.last_tick > $2::integer * interval '1 ms'
      then clock_timestamp() else c.available_since end
  from (select last_tick from control_plane for update) before
  returning extract(epoch from c.last_tick - before.last_tick)::double precision * 1000 as gap_ms
)
select case when gap_ms > $2::integer then gap_ms else 0 end as outage_ms,
  (select count(*)::integer from replica
   where server_id <> $1 and last_seen > now() - interval '10 s') as others
from ticked`,
);

/**
 * After an outage a lease lives for a TTL, in which its worker can renew it, and an offer for as
 * long as it had. A lease that is to be cancelled is renewed by nobody: it ends when its grace is
 * over, unless that was while nobody could have been told.
 */
const EXPIRED = `
greatest(l.expires_at, case
    when l.state = 'offered' then c.available_since + (l.expires_at - l.offered_at)
    when l.cancel_reason is not null and l.expires_at > c.available_since then l.expires_at
    else c.available_since + l.ttl_ms * interval '1 ms' end) < now()
  and c.last_tick > now() - interval '10 s'`;

/**
 * Runs as orch_loops: the tenants that may have expired leases (an outage is not considered) or
 * have attempts past their deadline.
 */
export const tenantsWithDueLeases = sql<readonly [], { readonly tenant: string }>(
  "loops_tenants_with_due_leases",
  `
select distinct l.tenant from lease l
where l.expires_at < now() or (l.deadline_at < now() and l.cancel_reason is null)`,
);

/** An expired lease. */
export interface ExpiredLease {
  readonly tenant: string;
  readonly job_id: string;
  readonly attempt: number;
  readonly lease_epoch: number;
  readonly token: string;
  readonly state: "offered" | "running";
}

/** Up to 500 expired leases of the visible tenants; those another replica looks at are left out. */
export const expiredLeases = sql<readonly [], ExpiredLease>(
  "expired_leases",
  `
select l.tenant, l.job_id, l.attempt, l.lease_epoch, l.token, l.state
from lease l cross join control_plane c where ${EXPIRED}
order by l.expires_at limit 500 for update of l skip locked`,
);

/** An attempt that was asked to stop. */
export interface CancelledLease {
  readonly tenant: string;
  readonly job_id: string;
  readonly lease_epoch: number;
  readonly session_id: string | null;
}

/** Marks attempts of the visible tenants that ran past their deadline; they get a grace. */
export const cancelOverdue = sql<readonly [graceMs: number], CancelledLease>(
  "cancel_overdue",
  `
update lease set cancel_reason = 'deadline',
  expires_at = now() + $1::integer * interval '1 ms'
where state = 'running' and deadline_at < now() and cancel_reason is null
returning tenant, job_id, lease_epoch, session_id`,
);

/** Runs as orch_loops: when the next scheduled job of each tenant is due, soonest first. */
export const tenantsWithDueJobs = sql<readonly [], { readonly tenant: string }>(
  "loops_tenants_with_due_jobs",
  `
select distinct tenant from (
  select tenant from scheduled where run_at <= now() order by run_at limit 1000
) due`,
);

/** Runs as orch_loops: how long until the next scheduled job is due, in milliseconds. */
export const nextDue = sql<readonly [], { readonly due_in_ms: number | null }>(
  "loops_next_due",
  `
select (extract(epoch from min(run_at) - now()) * 1000)::double precision as due_in_ms
from scheduled`,
);

/** A job whose moment came. */
export interface PromotedRow extends LaneRow {
  readonly tenant: string;
  readonly seq: number;
}

/** Makes up to 500 scheduled jobs of the visible tenants ready whose moment came. */
export const promoteDue = sql<readonly [], PromotedRow>(
  "promote_due",
  `
with due as materialized (
  select tenant, job_id from scheduled where run_at <= now()
  order by run_at limit 500 for update skip locked
),
gone as (
  delete from scheduled s using due d where s.tenant = d.tenant and s.job_id = d.job_id
  returning s.*
),
jobs as (
  update job j set base_state = 'ready' from gone g where j.tenant = g.tenant and j.id = g.job_id
  returning j.*, g.attempt as next_attempt, g.lease_epoch as next_epoch, g.run_at
),
ready_rows as (
  insert into ready (tenant, ${LANE}, job_id, attempt, lease_epoch,
    payload_bytes, linked)
  select tenant, ${LANE}, id, next_attempt, next_epoch,
    coalesce(length(payload), 0), run_id is not null or window_start is not null
  from jobs order by run_at, id
  returning tenant, ${LANE}, seq, job_id
),
events as (
  insert into job_event (tenant, job_id, kind, from_state, to_state, actor)
  select tenant, job_id, 'due', 'scheduled', 'ready', 'promoter' from ready_rows
)
select tenant, ${LANE}, seq from ready_rows`,
);

/** Runs as orch_loops: forgets idempotency keys that are over their time, 1,000 at most. */
export const forgetKeys = sql<readonly [], { readonly tenant: string }>(
  "loops_forget_keys",
  `
delete from idempotency_key where ctid = any (array(
  select ctid from idempotency_key where expires_at < now() limit 1000))
returning tenant`,
);

/** Runs as orch_loops: forgets receipts of claims that nobody can still be repeating. */
export const forgetReceipts = sql<readonly [], { readonly tenant: string }>(
  "loops_forget_receipts",
  `
delete from claim_receipt where ctid = any (array(
  select ctid from claim_receipt where created_at < now() - interval '1 day' limit 1000))
returning tenant`,
);
