import type { JobState } from "../../domain/job-machine.ts";
import type { OperationKind, OperationOutcome, OperationState } from "../../domain/operation.ts";
import type { Audit } from "../audit.ts";

/** An operation as it stands. */
export interface OperationView extends Audit {
  readonly tenant: string;
  readonly id: string;
  readonly kind: OperationKind;
  readonly state: OperationState;
  /** The run that it is about. */
  readonly runId: string | undefined;
  readonly matching: number;
  readonly applied: number;
  readonly unchanged: number;
  readonly refused: number;
  readonly createdAt: Date;
  /** The same in microseconds since 1970, which is what orders operations. */
  readonly createdUs: number;
  readonly finishedAt: Date | undefined;
}

/** What became of one job. */
export interface OperationResultView {
  readonly jobId: string;
  readonly outcome: OperationOutcome;
  /** Why it was refused, such as JOB_FINISHED; empty otherwise. */
  readonly reason: string;
  /** Where it stood afterwards; undefined: there is no such job. */
  readonly state: JobState | undefined;
}

/** Somebody stops an operation. */
export interface OperationStop extends Audit {
  readonly tenant: string;
  readonly id: string;
}

/** What became of that; one that is about a run goes on to its end. */
export type StopResult =
  | { readonly kind: "ok"; readonly operation: OperationView }
  | { readonly kind: "not_stoppable"; readonly runId: string }
  | { readonly kind: "not_found" };
