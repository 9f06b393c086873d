import type { Transaction } from "./transaction.ts";

/** A job that succeeded, and the attempt that did. */
export interface SucceededJob {
  readonly tenant: string;
  readonly job_id: string;
  readonly attempt: number;
}

/**
 * Covers the windows that jobs declare which succeeded just now, and moves the watermarks over what
 * is covered without a gap, in the same transaction.
 */
export async function coverWindows(
  _tx: Transaction,
  _succeeded: readonly SucceededJob[],
): Promise<void> {}
