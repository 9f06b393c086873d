import type { Pool } from "pg";
import type { EndRequest } from "../app/bridge/lease-writes.ts";
import type { Outcome } from "../app/flow/outcomes.ts";
import type { LeaseRef } from "../domain/lease.ts";
import { type Aftermath, aftermathOf, mergeLanes } from "./aftermath.ts";
import { type DecideEnding, endInTransaction } from "./end.ts";
import { forgetUsage } from "./flow-usage.sql.ts";
import { returnInTransaction } from "./leases.ts";
import type { StopRequest } from "./operate.ts";
import {
  cancelOverdue,
  type ExpiredLease,
  expiredLeases,
  forgetKeys,
  forgetReceipts,
  nextDue,
  promoteDue,
  tenantsWithDueJobs,
  tenantsWithDueLeases,
  tick,
} from "./reap.sql.ts";
import type { Statement } from "./sql.ts";
import { inTransaction } from "./transaction.ts";

/** Runs one statement as orch_loops, which sees clocks and owners of all tenants. */
const asLoops = <Params extends readonly unknown[], Row>(
  pool: Pool,
  statement: Statement<Params, Row>,
  ...params: Params
): Promise<Row[]> => inTransaction(pool, [], (tx) => tx.run(statement, ...params));

/** Ticks; answers how long an outage that just ended was (0: none), and how many others tick. */
export const tickIn =
  (loopsPool: Pool, serverId: string) =>
  async (gapMs: number): Promise<{ outageMs: number; otherReplicas: number }> => {
    const [row] = await asLoops(loopsPool, tick, serverId, gapMs);
    return { outageMs: row?.outage_ms ?? 0, otherReplicas: row?.others ?? 0 };
  };

/** The tenants that have expired leases or overdue attempts. */
export const findTenantsWithDueLeases = (loopsPool: Pool) => async (): Promise<string[]> =>
  (await asLoops(loopsPool, tenantsWithDueLeases)).map((row) => row.tenant);

/** The tenants that have scheduled jobs whose moment came. */
export const findTenantsWithDueJobs = (loopsPool: Pool) => async (): Promise<string[]> =>
  (await asLoops(loopsPool, tenantsWithDueJobs)).map((row) => row.tenant);

/** How long until the next scheduled job is due, in milliseconds; undefined: there is none. */
export const findNextDue = (loopsPool: Pool) => async (): Promise<number | undefined> => {
  const [row] = await asLoops(loopsPool, nextDue);
  return row?.due_in_ms === null || row === undefined ? undefined : Math.max(0, row.due_in_ms);
};

/** Forgets keys, receipts and used quotas that are over their time; answers how many. */
export const forgetOld = (loopsPool: Pool) => async (): Promise<number> => {
  const keys = await asLoops(loopsPool, forgetKeys);
  const receipts = await asLoops(loopsPool, forgetReceipts);
  const usage = await asLoops(loopsPool, forgetUsage);
  return keys.length + receipts.length + usage.length;
};

/** What a sweep did. */
export interface Reaped extends Aftermath {
  /** Offers that went back, at no cost. */
  readonly returned: number;
  /** Attempts that were interrupted, timed out or cancelled. */
  readonly ended: number;
  readonly outcomes: readonly Outcome[];
}

/**
 * Takes back up to 500 expired leases of these tenants that no other replica is looking at. They
 * are found, locked and ended in one transaction: a renewal either comes first and saves its
 * lease, or comes late.
 */
export const reapExpiredIn =
  (pool: Pool, decide: DecideEnding) =>
  (tenants: readonly string[]): Promise<Reaped> =>
    inTransaction(pool, tenants, async (tx) => {
      const rows = await tx.run(expiredLeases);
      const leasesIn = (state: ExpiredLease["state"]) =>
        rows.filter((row) => row.state === state).map(leaseOf);
      const offered = leasesIn("offered");
      const running = leasesIn("running");
      const reason = "not accepted in time";
      const returned =
        offered.length === 0
          ? NOTHING
          : await returnInTransaction(tx, {
              leases: offered,
              actor: "reaper",
              reason,
              onlyOffered: true,
            });
      const ended =
        running.length === 0 ? NOTHING : await endInTransaction(tx, running.map(expiry), decide);
      return {
        returned: offered.length,
        ended: running.length,
        outcomes: ended.outcomes,
        ...aftermathOf(
          rows.map((row) => row.tenant),
          [...returned.lanes, ...ended.lanes],
          ended.scheduled,
        ),
      };
    });

const NOTHING = { ...aftermathOf([], []), outcomes: [] };

const leaseOf = (row: ExpiredLease): LeaseRef => ({
  tenant: row.tenant,
  jobId: row.job_id,
  attempt: row.attempt,
  leaseEpoch: row.lease_epoch,
  leaseToken: row.token,
});

const expiry = (lease: LeaseRef): EndRequest => ({
  lease,
  cause: { kind: "interrupted", failureClass: "lease_expired", message: "the lease ran out" },
  completionId: undefined,
  actor: "reaper",
});

/** Marks attempts of these tenants that ran past their deadline; they must be told to stop. */
export const cancelOverdueIn =
  (pool: Pool) =>
  (tenants: readonly string[], graceMs: number): Promise<StopRequest[]> =>
    inTransaction(pool, tenants, async (tx) => {
      const rows = await tx.run(cancelOverdue, graceMs);
      return rows.map((row) => ({
        tenant: row.tenant,
        jobId: row.job_id,
        leaseEpoch: row.lease_epoch,
      }));
    });

/** Makes up to 500 scheduled jobs of these tenants ready whose moment came. */
export const promoteDueIn =
  (pool: Pool) =>
  (tenants: readonly string[]): Promise<Aftermath & { readonly count: number }> =>
    inTransaction(pool, tenants, async (tx) => {
      const rows = await tx.run(promoteDue);
      return {
        count: rows.length,
        ...aftermathOf(
          rows.map((row) => row.tenant),
          mergeLanes(rows),
        ),
      };
    });
