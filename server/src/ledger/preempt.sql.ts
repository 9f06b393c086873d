import { sql } from "./sql.ts";

/** A running job that was asked to make way. */
export interface PreemptedRow {
  readonly tenant: string;
  readonly job_id: string;
  readonly lease_epoch: number;
}

/**
 * Asks running jobs of a tenant to make way: those of these sources, or all of them if $2 is null.
 * Who was asked to stop before is not asked again.
 */
export const preemptLeases = sql<
  readonly [tenant: string, sources: string[] | null, note: string, graceMs: number],
  PreemptedRow
>(
  "preempt_leases",
  `
update lease set cancel_reason = 'preempted', cancel_note = $3,
  expires_at = now() + $4::integer * interval '1 ms'
where tenant = $1 and state = 'running' and cancel_reason is null
  and ($2::text[] is null or source = any ($2))
returning tenant, job_id, lease_epoch`,
);

/** The sources that running jobs of a tenant read from. */
export const runningSources = sql<readonly [tenant: string], { readonly source: string }>(
  "running_sources",
  "select distinct source from lease where tenant = $1 and state = 'running'",
);
