import { createHash } from "node:crypto";
import { newId } from "../lib/ids.ts";
import { type Aftermath, aftermathOf } from "./aftermath.ts";
import { cancelInTransaction, type StopRequest } from "./operate.ts";
import { createOperation } from "./operation-steps.ts";
import { lockRun } from "./run.sql.ts";
import { requestCancel } from "./run-cancel.sql.ts";
import type { Transaction } from "./transaction.ts";

/** Why, and how long running jobs get to stop, in milliseconds. */
export interface CancelHow {
  readonly reason: string;
  readonly graceMs: number;
}

/** What cancelling did, and what the rest of the system should know. */
export interface MadeCancelled extends Aftermath {
  readonly stops: readonly StopRequest[];
  /** Whether there is an operation to work on. */
  readonly operation: boolean;
}

/**
 * Cancels the job or the run that a schedule made, in the transaction that makes the next one. A
 * run may be large, so nothing more starts in it from now on, and an operation cancels its jobs.
 */
export async function cancelMade(
  tx: Transaction,
  tenant: string,
  made: { readonly jobId: string | undefined; readonly runId: string | undefined },
  { reason, graceMs }: CancelHow,
): Promise<MadeCancelled> {
  const { jobId, runId } = made;
  const nothing = { stops: [], operation: false, ...aftermathOf([], []) };
  if (jobId !== undefined) {
    const { results: _, ...rest } = await cancelInTransaction(tx, tenant, [jobId], reason, graceMs);
    return { ...rest, operation: false };
  }
  const [run] = runId === undefined ? [] : await tx.run(lockRun, tenant, runId);
  if (run === undefined || runId === undefined) return nothing;
  await createOperation(tx, {
    ...{ tenant, id: newId(), kind: "cancel_run", request: { graceMs }, runId },
    requestDigest: createHash("sha256").update(`cancel_run\0${runId}\0${graceMs}`).digest(),
    ...{ actor: "scheduler", reason, ticket: "", matching: run.job_count },
  });
  await tx.run(requestCancel, tenant, runId);
  return { ...nothing, operation: true };
}
