import { sql } from "./sql.ts";

/**
 * Waits for the tenant's turn to claim under limits, until the end of the transaction. What the
 * next statement reads was committed by everybody who had the turn before.
 */
export const takeClaimTurn = sql<readonly [tenant: string], never>(
  "take_claim_turn",
  "select pg_advisory_xact_lock(hashtextextended('orch.claim:' || $1, 0))",
);

/** How many leases of a kind of jobs are out. */
export interface ActiveRow {
  readonly queue: string;
  readonly job_type: string;
  readonly source: string;
  readonly concurrency_key: string;
  readonly count: number;
}

/**
 * The leases of a tenant, counted. There is no counter to keep in step with them: a slot is taken
 * exactly while its lease is there. One range of the primary key, as long as the fleet's slots.
 */
export const activeLeases = sql<readonly [tenant: string], ActiveRow>(
  "active_leases",
  `
select queue, job_type, source, concurrency_key, count(*)::integer as count
from lease where tenant = $1 group by queue, job_type, source, concurrency_key`,
);

/** The window of a quota: "jobsPerHour" or "jobsPerDay", by UTC. */
const WINDOW = (quota: string) =>
  `date_trunc(case ${quota} when 'jobsPerHour' then 'hour' else 'day' end, now(), 'UTC')`;

/** What was used of quotas in their current windows; one that is missing was not used. */
export const quotaUse = sql<
  readonly [tenant: string, quotas: string[]],
  { readonly quota: string; readonly used: number }
>(
  "quota_use",
  `
select u.quota, u.used from unnest($2::text[]) as i (quota)
join flow_usage u on u.tenant = $1 and u.quota = i.quota and u.window_start = ${WINDOW("i.quota")}`,
);

/** Counts jobs handed out against quotas. */
export const spendQuota = sql<readonly [tenant: string, quotas: string[], jobs: number], never>(
  "spend_quota",
  `
insert into flow_usage as u (tenant, quota, window_start, used)
select $1, i.quota, ${WINDOW("i.quota")}, $3::bigint from unnest($2::text[]) as i (quota)
on conflict (tenant, quota, window_start) do update set used = u.used + excluded.used`,
);
