import type { FailureClass } from "../domain/lease.ts";
import type { Transaction } from "./transaction.ts";

/** A job that died just now, and why. */
export interface DiedJob {
  readonly tenant: string;
  readonly jobId: string;
  readonly failureClass: FailureClass;
  readonly message: string;
}

/** Puts jobs among the dead letters, in the transaction in which they died. */
export async function recordDeadLetters(
  _tx: Transaction,
  _died: readonly DiedJob[],
): Promise<void> {}
