import type { LeaseRef, WriteVerdict } from "../domain/lease.ts";
import type { Transaction } from "./transaction.ts";
import { lookUpUnapplied } from "./unapplied.sql.ts";

/**
 * Fills in the verdicts of writes that found no current lease: ALREADY_APPLIED when the attempt
 * under that epoch ended with the same completion id, STALE_LEASE otherwise. Runs after the
 * writes, so that it sees what others committed while they waited.
 */
export async function settleUnapplied(
  tx: Transaction,
  leases: readonly LeaseRef[],
  completionIds: readonly (string | undefined)[],
  verdicts: readonly (WriteVerdict | undefined)[],
): Promise<WriteVerdict[]> {
  const open = [...verdicts.keys()].filter((index) => verdicts[index] === undefined);
  if (open.length === 0) return verdicts as WriteVerdict[];
  const asked = open.map((index) => leases[index] as LeaseRef);
  const rows = await tx.run(
    lookUpUnapplied,
    asked.map((lease) => lease.tenant),
    asked.map((lease) => lease.jobId),
    asked.map((lease) => lease.leaseEpoch),
  );
  const byPosition = new Map(rows.map((row) => [row.position, row]));
  const settled = [...verdicts];
  open.forEach((index, position) => {
    const row = byPosition.get(position + 1);
    const completionId = completionIds[index];
    settled[index] =
      row !== undefined && completionId !== undefined && row.completion_id === completionId
        ? { kind: "already_applied", state: row.state }
        : { kind: "stale_lease", state: row?.state };
  });
  return settled as WriteVerdict[];
}
