import type { Pool } from "pg";
import type { StopRequest } from "./operate.ts";
import { preemptLeases, runningSources } from "./preempt.sql.ts";
import { inTransaction } from "./transaction.ts";

/** The sources that running jobs of a tenant read from; '' stands for none. */
export const runningSourcesIn =
  (pool: Pool) =>
  (tenant: string): Promise<string[]> =>
    inTransaction(pool, [tenant], async (tx) => {
      const rows = await tx.run(runningSources, tenant);
      return rows.map((row) => row.source);
    });

/**
 * Asks running jobs of a tenant to make way: those of `sources`, or all of them. They are ready
 * again when they have stopped, or when the grace is over, and it costs them nothing.
 */
export const preemptIn =
  (pool: Pool) =>
  (
    tenant: string,
    sources: readonly string[] | undefined,
    note: string,
    graceMs: number,
  ): Promise<StopRequest[]> =>
    inTransaction(pool, [tenant], async (tx) => {
      const named = sources === undefined ? null : [...sources];
      const rows = await tx.run(preemptLeases, tenant, named, note, graceMs);
      return rows.map((row) => ({
        tenant: row.tenant,
        jobId: row.job_id,
        leaseEpoch: row.lease_epoch,
      }));
    });
