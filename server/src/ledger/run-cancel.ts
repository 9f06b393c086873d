import type { Pool } from "pg";
import type { CancelRunResult, RunCancel } from "../app/runs/cancel-run.ts";
import { contentHash } from "../domain/digest.ts";
import { aftermathOf } from "./aftermath.ts";
import { cancelInTransaction } from "./operate.ts";
import { createOperation, type OperationResult, type OperationStep } from "./operation-steps.ts";
import { findOperation } from "./operations.ts";
import { recordAction } from "./operator-actions.ts";
import { lockRun } from "./run.sql.ts";
import { requestCancel, runJobPage } from "./run-cancel.sql.ts";
import { inTransaction } from "./transaction.ts";

/** What the operation keeps. */
interface CancelRequest {
  readonly graceMs?: number | undefined;
}

/** How far it came. */
interface CancelProgress {
  readonly position?: number;
}

/**
 * Marks a run as cancelled and notes the operation that cancels its jobs. From then on nothing is
 * appended to it, and the end of one of its jobs lets no other go.
 */
export const cancelRunIn =
  (pool: Pool) =>
  (cancel: RunCancel): Promise<CancelRunResult> =>
    inTransaction(pool, [cancel.tenant], async (tx) => {
      const { tenant, runId, requestId: id, graceMs, actor, reason, ticket } = cancel;
      const [run] = await tx.run(lockRun, tenant, runId);
      if (run === undefined) return { kind: "run_not_found" };
      const request: CancelRequest = { graceMs };
      // What "the same request" means: all that was said, except by whom.
      const requestDigest = contentHash({ runId, graceMs, reason, ticket });
      const said = { actor, reason, ticket };
      const what = { tenant, id, kind: "cancel_run", request, requestDigest } as const;
      const created = await createOperation(tx, {
        ...{ ...what, ...said, runId, matching: run.job_count },
      });
      if (created === "conflict") return { kind: "request_id_conflict" };
      if (created === "created") {
        await tx.run(requestCancel, tenant, runId);
        const target = { targetKind: "run", targetName: runId } as const;
        await recordAction(tx, { tenant, kind: "run_cancelled", ...target, ...said });
      }
      const operation = await findOperation(tx, tenant, id);
      if (operation === undefined) throw new Error("an operation vanished in its transaction");
      return { kind: "cancelling", operation };
    });

/** Cancels the next jobs of a run, in their order. */
export const cancelRunStep =
  (drainGraceMs: number): OperationStep =>
  async (tx, { tenant, run_id: runId, request, progress, reason }) => {
    if (runId === null) throw new Error("an operation that cancels a run has no run");
    const { graceMs = drainGraceMs } = request as CancelRequest;
    const { position = -1 } = progress as CancelProgress;
    const page = await tx.run(runJobPage, tenant, runId, position);
    const last = page.at(-1);
    if (last === undefined) {
      return { ...aftermathOf([tenant], []), results: [], stops: [], progress: {}, done: true };
    }
    const ids = page.map((row) => row.job_id);
    const why = reason === "" ? "its run was cancelled" : reason;
    const answer = await cancelInTransaction(tx, tenant, ids, why, graceMs);
    const results = answer.results.map(({ jobId, kind, state }): OperationResult => {
      if (kind === "not_found") {
        return { jobId, outcome: "refused", reason: "JOB_NOT_FOUND", state };
      }
      return {
        jobId,
        outcome: kind === "already_finished" ? "unchanged" : "applied",
        reason: "",
        state,
      };
    });
    const next: CancelProgress = { position: last.run_position };
    return { ...answer, results, progress: next, done: false, stopGraceMs: graceMs };
  };
