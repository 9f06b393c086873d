import type { AttemptRow, EventRow, FencedWrite, History } from "../history.ts";
import { byJob, type Invariant, type Violation } from "./invariant.ts";

/** What only the holder of the current lease may bring about. */
const HOLDERS = new Set(["started", "succeeded", "failed", "released"]);
const LONG_RUN_MS = 120_000;

/** 5: a write under an epoch that is no longer the newest changes nothing. */
export const staleNeverWrites: Invariant = {
  number: "5",
  title: "a stale epoch never writes",
  check(history) {
    const violations: Violation[] = [];
    for (const [jobId, steps] of byJob(history.events)) {
      const text = staleStepIn(steps);
      if (text !== undefined) violations.push({ jobId, text });
    }
    const attempts = byJob(history.attempts);
    for (const write of history.writes) {
      const text = wronglyAnswered(write, attempts.get(write.jobId) ?? []);
      if (text !== undefined) violations.push({ jobId: write.jobId, text });
    }
    violations.push(...refusedAndStored(history, attempts));
    return { checked: refusals(history), violations };
  },
  // A run in which nobody stale tried to write has proved nothing.
  leastChecked: ({ terms }) => (terms.runMs >= LONG_RUN_MS ? 1 : 0),
};

/** How many writes were refused because their lease was stale. */
const refusals = ({ writes, work }: History): number =>
  writes.filter(({ verdict }) => verdict === "stale_lease").length +
  work.filter(({ event }) => event === "refused").length;

function staleStepIn(steps: readonly EventRow[]): string | undefined {
  let newest = 0;
  for (const { kind, id, leaseEpoch } of steps) {
    if (kind === "offered" || (kind === "started" && leaseEpoch > newest)) {
      if (leaseEpoch <= newest) return `epoch ${leaseEpoch} was given out again (event ${id})`;
      newest = leaseEpoch;
    } else if (HOLDERS.has(kind) && leaseEpoch < newest) {
      return `${kind} under epoch ${leaseEpoch} (event ${id}) although ${newest} was given out`;
    }
  }
  return undefined;
}

function wronglyAnswered(write: FencedWrite, attempts: readonly AttemptRow[]): string | undefined {
  const { operation, verdict, leaseEpoch, newestEpoch, completionId } = write;
  const isApplied = verdict === "applied" || verdict === "already_applied";
  if (isApplied && leaseEpoch < newestEpoch) {
    const stale = `${operation} under epoch ${leaseEpoch}`;
    return `${stale} was ${verdict} although ${newestEpoch} had begun`;
  }
  if (completionId === undefined) return undefined;
  const stored = attempts.find((row) => row.completionId === completionId);
  if (verdict === "stale_lease" && stored !== undefined) {
    return `${operation} under epoch ${leaseEpoch} was refused, and stored`;
  }
  if (isApplied && stored?.leaseEpoch !== leaseEpoch) {
    return `${operation} under epoch ${leaseEpoch} was answered ${verdict}, and is not stored`;
  }
  return undefined;
}

/** An SDK that was told that its result is stale, although the ledger has it as a success. */
function refusedAndStored(
  { work }: History,
  attempts: ReadonlyMap<string, readonly AttemptRow[]>,
): Violation[] {
  return work
    .filter(({ event }) => event === "refused")
    .filter(({ jobId, leaseEpoch, process }) =>
      (attempts.get(jobId) ?? []).some(
        (row) =>
          row.leaseEpoch === leaseEpoch &&
          row.outcome === "succeeded" &&
          row.workerId === process.split("#")[0],
      ),
    )
    .map(({ jobId, leaseEpoch }) => ({
      jobId,
      text: `epoch ${leaseEpoch} was refused as stale, and stored as a success`,
    }));
}
