import type { ReadyLane } from "../domain/offer.ts";
import { mergeLanes } from "./aftermath.ts";
import { lockDependants, unblockDependants } from "./complete.sql.ts";
import { cancelDependants } from "./end.sql.ts";
import type { Transaction } from "./transaction.ts";

/** A job of a run that ended, as those see it that depend on it. */
export interface EndedJob {
  readonly tenant: string;
  readonly jobId: string;
  readonly outcome: "succeeded" | "failed" | "skipped";
}

/** What the end of jobs let go. */
export interface LetGo {
  readonly ready: readonly ReadyLane[];
  readonly scheduled: boolean;
}

/** Tells those that depend on jobs what the jobs' end means for them, in the same transaction. */
export async function tellDependants(tx: Transaction, ended: readonly EndedJob[]): Promise<LetGo> {
  const lost = ended.filter((job) => job.outcome !== "succeeded");
  if (lost.length > 0) await tx.run(cancelDependants, ...columns(lost));
  const parents = ended.filter((job) => job.outcome === "succeeded");
  if (parents.length === 0) return NOTHING;
  const waiting = await tx.run(lockDependants, ...columns(parents));
  if (waiting.length === 0) return NOTHING;
  const free = await tx.run(unblockDependants, ...columns(parents));
  return { ready: mergeLanes(free), scheduled: free.some((row) => row.seq === null) };
}

const NOTHING: LetGo = { ready: [], scheduled: false };

const columns = (jobs: readonly EndedJob[]) =>
  [jobs.map((job) => job.tenant), jobs.map((job) => job.jobId)] as const;

/**
 * Takes back what the death of jobs told those that depend on them and still wait: called where
 * dead jobs are made ready again, before they are.
 */
export async function takeBack(
  _tx: Transaction,
  _tenant: string,
  _jobIds: readonly string[],
): Promise<void> {}
