import type { JobState } from "../domain/job-machine.ts";
import type { Aftermath } from "./aftermath.ts";
import type { StopRequest } from "./operate.ts";
import { insertOperation, operationDigest } from "./operation.sql.ts";
import { recordAction } from "./operator-actions.ts";
import type { Transaction } from "./transaction.ts";

/** What an operation does. */
export type OperationKind =
  | "retry"
  | "cancel"
  | "discard"
  | "reprioritise"
  | "move"
  | "extend_deadline"
  | "cancel_run"
  | "replay_run";

/** An operation on its way into the ledger. */
export interface NewOperation {
  readonly tenant: string;
  readonly id: string;
  readonly kind: OperationKind;
  /** Target and action, as the kind's step reads them; becomes JSON. */
  readonly request: object;
  /** SHA-256 of what "the same request" means for a repeated id. */
  readonly requestDigest: Uint8Array;
  readonly actor: string;
  readonly reason: string;
  readonly ticket: string;
  readonly runId: string | undefined;
  readonly matching: number;
}

/** An operation that a step goes on with; its row is locked. */
export interface OperationRow {
  readonly tenant: string;
  readonly id: string;
  readonly kind: OperationKind;
  readonly request: unknown;
  /** What the step before left; `{}` at first. */
  readonly progress: unknown;
  readonly actor: string;
  readonly reason: string;
  readonly ticket: string;
  readonly run_id: string | null;
}

/** What became of one job. */
export interface OperationResult {
  readonly jobId: string;
  readonly outcome: "applied" | "unchanged" | "refused";
  /** Why it was refused, such as JOB_FINISHED; empty otherwise. */
  readonly reason: string;
  readonly state: JobState;
}

/** What a step did, and what the rest of the system should know. */
export interface StepAnswer extends Aftermath {
  readonly results: readonly OperationResult[];
  /** For the next step. */
  readonly progress: object;
  /** Whether the operation has looked at everything. */
  readonly done: boolean;
  /** Attempts whose workers must be asked to stop. */
  readonly stops: readonly StopRequest[];
}

/**
 * Does the next bounded part of an operation, a thousand jobs at most, in the transaction that
 * notes its results and progress: what a replica that dies did not commit, another does again.
 */
export type OperationStep = (tx: Transaction, operation: OperationRow) => Promise<StepAnswer>;

/** Notes an operation, to be done by the loop; "conflict": the id was used for something else. */
export async function createOperation(
  tx: Transaction,
  operation: NewOperation,
): Promise<"created" | "existing" | "conflict"> {
  const { tenant, id, kind, actor, reason, ticket, runId, matching } = operation;
  const digest = Buffer.from(operation.requestDigest);
  const request = JSON.stringify(operation.request);
  const said = [actor, reason, ticket] as const;
  const rest = [runId ?? null, matching] as const;
  const rows = await tx.run(insertOperation, tenant, id, kind, request, digest, ...said, ...rest);
  if (rows.length > 0) {
    const target = { targetKind: "operation", targetName: id } as const;
    const detail = { kind, runId };
    await recordAction(tx, {
      ...{ tenant, kind: "operation_started", ...target, actor, reason, ticket, detail },
    });
    return "created";
  }
  const [existing] = await tx.run(operationDigest, tenant, id);
  return existing?.request_digest.equals(digest) ? "existing" : "conflict";
}
