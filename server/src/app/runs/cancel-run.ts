import type { Audit } from "../audit.ts";
import type { OperationView } from "../operations/operation-view.ts";

/** Somebody cancels a run. */
export interface RunCancel extends Audit {
  readonly tenant: string;
  readonly runId: string;
  /** The operation's id. */
  readonly requestId: string;
  /** How long running jobs may take to stop; the lease policy's drain_grace if undefined. */
  readonly graceMs: number | undefined;
}

/** What became of a request to cancel a run. */
export type CancelRunResult =
  | { readonly kind: "cancelling"; readonly operation: OperationView }
  | { readonly kind: "run_not_found" }
  | { readonly kind: "request_id_conflict" };
