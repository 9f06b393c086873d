import type { JobState } from "../domain/job-machine.ts";
import type { OperationKind, OperationOutcome } from "../domain/operation.ts";
import type { Aftermath } from "./aftermath.ts";
import type { StopRequest } from "./operate.ts";
import { insertOperation, operationDigest } from "./operation.sql.ts";
import { recordAction } from "./operator-actions.ts";
import type { Transaction } from "./transaction.ts";

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
  /** What the history says about it; kind and run if it does not say. Becomes JSON. */
  readonly detail?: object;
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
  readonly outcome: OperationOutcome;
  /** Why it was refused, such as JOB_FINISHED; empty otherwise. */
  readonly reason: string;
  /** Undefined: there is no such job. */
  readonly state: JobState | undefined;
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
  /** How long those may take, in milliseconds; the policy's drain_grace if it does not say. */
  readonly stopGraceMs?: number;
  /** Call it once the transaction is over, with whether it was committed. */
  readonly settle?: (committed: boolean) => void;
  /** How long to rest before the next step, in milliseconds, so that a rate is kept. */
  readonly restMs?: number;
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
    const detail = operation.detail ?? { kind, runId };
    await recordAction(tx, {
      ...{ tenant, kind: "operation_started", ...target, actor, reason, ticket, detail },
    });
    return "created";
  }
  const [existing] = await tx.run(operationDigest, tenant, id);
  return existing?.request_digest.equals(digest) ? "existing" : "conflict";
}
