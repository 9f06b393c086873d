import type { Pool } from "pg";
import type { CancelOutcome, RetryOutcome } from "../app/jobs/operate-jobs.ts";
import { isTerminal, type JobState } from "../domain/job-machine.ts";
import { type Aftermath, aftermathOf, mergeLanes } from "./aftermath.ts";
import { tellDependants } from "./cascade.ts";
import {
  askToStop,
  cancelBlocked,
  cancelOffered,
  cancelReady,
  cancelScheduled,
  jobStates,
  type OperatedRow,
  retryDead,
  retryScheduled,
} from "./operate.sql.ts";
import { inTransaction, type Transaction } from "./transaction.ts";

/** An attempt that its worker must be asked to stop. */
export interface StopRequest {
  readonly tenant: string;
  readonly jobId: string;
  readonly leaseEpoch: number;
}

/** What cancelling answers, and what the rest of the system should know. */
export interface CancelAnswer extends Aftermath {
  readonly results: readonly CancelOutcome[];
  readonly stops: readonly StopRequest[];
}

/**
 * Jobs move while we look for them: from ready to leased, from leased to scheduled. One that was
 * on the move in a round is found in the next; more rounds than this it never takes, because each
 * move needs a commit of its own.
 */
const MAX_ROUNDS = 5;

/** Cancels jobs of one tenant in one transaction; a result per job, in order. */
export const cancelJobsIn =
  (pool: Pool) =>
  (
    tenant: string,
    jobIds: readonly string[],
    reason: string,
    graceMs: number,
  ): Promise<CancelAnswer> =>
    inTransaction(pool, [tenant], async (tx) => {
      const cancelled = new Set<string>();
      const stops = new Map<string, StopRequest>();
      const left = () =>
        [...new Set(jobIds)].filter((id) => !cancelled.has(id) && !stops.has(id)).sort();
      for (let round = 0; round < MAX_ROUNDS; round++) {
        for (const row of await cancelWaiting(tx, tenant, left(), reason))
          cancelled.add(row.job_id);
        for (const row of await tx.run(askToStop, tenant, left(), reason, graceMs)) {
          stops.set(row.job_id, { tenant, jobId: row.job_id, leaseEpoch: row.lease_epoch });
        }
        const open = await tx.run(jobStates, tenant, left());
        if (open.every((row) => isTerminal(row.state))) break;
      }
      const states = await statesOf(tx, tenant, jobIds);
      const results = jobIds.map((jobId): CancelOutcome => {
        const state = states.get(jobId);
        if (state === undefined) return { jobId, kind: "not_found", state };
        if (cancelled.has(jobId)) return { jobId, kind: "cancelled", state };
        if (stops.has(jobId)) return { jobId, kind: "requested", state };
        return { jobId, kind: "already_finished", state };
      });
      return { results, stops: [...stops.values()], ...aftermathOf([tenant], []) };
    });

async function cancelWaiting(
  tx: Transaction,
  tenant: string,
  jobIds: string[],
  reason: string,
): Promise<OperatedRow[]> {
  const rows: OperatedRow[] = [];
  for (const statement of [cancelReady, cancelOffered, cancelScheduled, cancelBlocked]) {
    rows.push(...(await tx.run(statement, tenant, jobIds, reason)));
  }
  const linked = rows.filter((row) => row.linked);
  if (linked.length > 0) {
    await tellDependants(
      tx,
      linked.map((row) => ({ tenant, jobId: row.job_id, outcome: "failed" })),
    );
  }
  return rows;
}

async function statesOf(
  tx: Transaction,
  tenant: string,
  jobIds: readonly string[],
): Promise<Map<string, JobState>> {
  const rows = await tx.run(jobStates, tenant, [...new Set(jobIds)]);
  return new Map(rows.map((row) => [row.job_id, row.state]));
}

/** What retrying answers, and what the rest of the system should know. */
export interface RetryAnswer extends Aftermath {
  readonly results: readonly RetryOutcome[];
}

/** Makes dead and scheduled jobs of one tenant ready; a result per job, in order. */
export const retryJobsIn =
  (pool: Pool) =>
  (tenant: string, jobIds: readonly string[], reason: string): Promise<RetryAnswer> =>
    inTransaction(pool, [tenant], async (tx) => {
      const ids = [...new Set(jobIds)].sort();
      const retried = [
        ...(await tx.run(retryDead, tenant, ids, reason)),
        ...(await tx.run(retryScheduled, tenant, ids, reason)),
      ];
      const ready = new Set(retried.map((row) => row.job_id));
      const states = await statesOf(tx, tenant, jobIds);
      const results = jobIds.map((jobId): RetryOutcome => {
        const state = states.get(jobId);
        if (state === undefined) return { jobId, kind: "not_found", state };
        if (ready.has(jobId)) return { jobId, kind: "ready", state };
        return { jobId, kind: isTerminal(state) ? "not_retryable" : "already_active", state };
      });
      return { results, ...aftermathOf([tenant], mergeLanes(retried)) };
    });
