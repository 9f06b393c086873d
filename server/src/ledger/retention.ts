import type { Pool } from "pg";
import type { Kept, PruneStep } from "../app/retention/pruner.ts";
import {
  goOnRemoving,
  lockJobsOver,
  lockRunJobs,
  markRun,
  removeEdges,
  removeJobs,
  removeReuses,
  removeRun,
  runPageOver,
  runsToLookAt,
  unmarkRun,
} from "./retention.sql.ts";
import {
  closeLostSessions,
  firstReplica,
  lockBackfillsOver,
  lockOperationsOver,
  removeBackfills,
  removeFirings,
  removeOperations,
  removeResults,
  removeSessions,
  removeTakeOuts,
  removeWindows,
} from "./retention-leftovers.sql.ts";
import { inTransaction, type Transaction } from "./transaction.ts";

const JOBS_A_PAGE = 500;
const RUNS_A_PAGE = 100;
const RUN_JOBS_A_PAGE = 1_000;

const keptParams = ({ finishedMs, deadLettersMs }: Kept) => [finishedMs, deadLettersMs] as const;

/** Whether this replica is the one that prunes: the first of those that are alive. */
export const prunesIn = (loopsPool: Pool, serverId: string) => (): Promise<boolean> =>
  inTransaction(loopsPool, [], async (tx) => {
    const [first] = await tx.run(firstReplica);
    return first?.server_id === serverId;
  });

/** Removes those of the next 500 jobs without a run that are over their time. */
export const pruneJobsIn =
  (pool: Pool, kept: Kept) =>
  (tenant: string, after: string, beforeId: string): Promise<PruneStep> =>
    inTransaction(pool, [tenant], async (tx) => {
      const [page] = await tx.run(lockJobsOver, tenant, after, beforeId, ...keptParams(kept));
      const over = page?.over ?? [];
      if (over.length > 0) await tx.run(removeJobs, tenant, over);
      const next = page?.seen === JOBS_A_PAGE ? (page.last ?? undefined) : undefined;
      return { removed: over.length, next };
    });

/** The next runs of a tenant that may be over their time, by their ids. */
export const runsToPruneIn =
  (pool: Pool, kept: Kept) =>
  (
    tenant: string,
    after: string,
    beforeId: string,
  ): Promise<{ readonly runIds: readonly string[]; readonly next: string | undefined }> =>
    inTransaction(pool, [tenant], async (tx) => {
      const keptMs = Math.min(...keptParams(kept));
      const rows = await tx.run(runsToLookAt, tenant, after, beforeId, keptMs);
      const runIds = rows.filter(({ removable }) => removable).map(({ id }) => id);
      return { runIds, next: rows.length === RUNS_A_PAGE ? rows.at(-1)?.id : undefined };
    });

/**
 * Whether a page of a run's jobs is over its time, and where the next one begins. If it is not, a
 * run that was marked is there again.
 */
export const runPageOverIn =
  (pool: Pool, kept: Kept) =>
  (
    tenant: string,
    runId: string,
    after: number,
  ): Promise<{ readonly over: boolean; readonly next: number | undefined }> =>
    inTransaction(pool, [tenant], async (tx) => {
      const [page] = await tx.run(runPageOver, tenant, runId, after, ...keptParams(kept));
      if (page?.over !== true) {
        await tx.run(unmarkRun, tenant, runId);
        return { over: false, next: undefined };
      }
      return {
        over: true,
        next: page.seen === RUN_JOBS_A_PAGE ? (page.last ?? undefined) : undefined,
      };
    });

/** Hides a run that is to be removed: nobody can use it or its jobs; false if somebody does. */
export const markRunIn =
  (pool: Pool) =>
  (tenant: string, runId: string): Promise<boolean> =>
    inTransaction(pool, [tenant], async (tx) => (await tx.run(markRun, tenant, runId)).length > 0);

/** What a step of removing a run did; "kept": it is not marked, or is used after all. */
export type RunRemoval = { readonly kind: "more" | "removed" | "kept"; readonly removed: number };

/**
 * Does the next bounded part of removing a run that is marked and has been looked at since: its
 * edges, then its jobs, then what is left. A replica that dies in between leaves a run that the
 * next pass goes on with.
 */
export const pruneRunIn =
  (pool: Pool) =>
  (tenant: string, runId: string): Promise<RunRemoval> =>
    inTransaction(pool, [tenant], async (tx) => {
      if ((await tx.run(goOnRemoving, tenant, runId)).length === 0) {
        await tx.run(unmarkRun, tenant, runId);
        return { kind: "kept", removed: 0 };
      }
      if ((await tx.run(removeEdges, tenant, runId)).length > 0) {
        return { kind: "more", removed: 0 };
      }
      const jobs = await tx.run(lockRunJobs, tenant, runId);
      if (jobs.length > 0) {
        await tx.run(
          removeJobs,
          tenant,
          jobs.map(({ id }) => id),
        );
        return { kind: "more", removed: jobs.length };
      }
      if ((await tx.run(removeReuses, tenant, runId)).length > 0) {
        return { kind: "more", removed: 0 };
      }
      await tx.run(removeRun, tenant, runId);
      return { kind: "removed", removed: 0 };
    });

/** Removes a page of what operators did long ago; `more`: there may be more of it. */
export const pruneLeftoversIn =
  (pool: Pool, { operationsMs }: Kept) =>
  (tenant: string): Promise<{ readonly removed: number; readonly more: boolean }> =>
    inTransaction(pool, [tenant], async (tx) => {
      const counts = [
        await removeOld(tx, tenant, operationsMs, {
          lock: lockOperationsOver,
          removeParts: removeResults,
          remove: removeOperations,
        }),
        await removeOld(tx, tenant, operationsMs, {
          lock: lockBackfillsOver,
          removeParts: removeWindows,
          remove: removeBackfills,
        }),
        (await tx.run(removeFirings, tenant, operationsMs)).length,
        (await tx.run(removeTakeOuts, tenant, operationsMs)).length,
        (await tx.run(removeSessions, tenant)).length,
      ];
      await tx.run(closeLostSessions, tenant);
      const removed = counts.reduce((sum, count) => sum + count, 0);
      return { removed, more: removed > 0 };
    });

/** Removes up to 20 things that have many parts, the parts first. */
async function removeOld(
  tx: Transaction,
  tenant: string,
  keptMs: number,
  statements: {
    readonly lock: typeof lockOperationsOver;
    readonly removeParts: typeof removeResults | typeof removeWindows;
    readonly remove: typeof removeOperations;
  },
): Promise<number> {
  const ids = (await tx.run(statements.lock, tenant, keptMs)).map(({ id }) => id);
  if (ids.length === 0) return 0;
  const parts = await tx.run(statements.removeParts as typeof removeWindows, tenant, ids);
  if (parts.length > 0) return parts.length;
  return (await tx.run(statements.remove, tenant, ids)).length;
}
