import type { EdgeCondition, OnFailure } from "./graph.ts";
import type { JobState } from "./job-machine.ts";
import type { JobView } from "./job-view.ts";

/** A dependency between two jobs of a run. */
export interface EdgeView {
  readonly fromJobId: string;
  readonly toJobId: string;
  readonly condition: EdgeCondition;
  readonly onFailure: OnFailure;
  readonly includeFanOut: boolean;
}

/** The sum of a run's jobs. */
export type RunState = "active" | "succeeded" | "failed" | "cancelled";

/** A run without its jobs. */
export interface RunHead {
  readonly tenant: string;
  readonly runId: string;
  readonly displayName: string;
  readonly project: string;
  readonly correlationId: string;
  readonly createdAt: Date;
  /** Whether jobs can be appended. */
  readonly open: boolean;
  readonly cancelRequested: boolean;
  /** A replay whose jobs are still being written. */
  readonly building: boolean;
  readonly replayOf: string | undefined;
  readonly pipeline: { readonly name: string; readonly version: number } | undefined;
  readonly schedule: string | undefined;
}

/** A run and the sum of its jobs. */
export interface RunSummary extends RunHead {
  readonly state: RunState;
  /** How many jobs stand where; states without a job are left out. */
  readonly counts: ReadonlyMap<JobState, number>;
  /** How many of the cancelled ones were not needed. */
  readonly skipped: number;
}

/** A run with everything in it. */
export interface RunView extends RunSummary {
  /** In their order; of a replay also what it reuses, behind them. */
  readonly jobs: readonly JobView[];
  readonly edges: readonly EdgeView[];
  /** There are so many jobs that they and the edges are left out. */
  readonly truncated: boolean;
}

/** Counts states. */
export function countStates(states: Iterable<JobState>): Map<JobState, number> {
  const counts = new Map<JobState, number>();
  for (const state of states) counts.set(state, (counts.get(state) ?? 0) + 1);
  return counts;
}

/**
 * Sums up a run: active while a job is unfinished or more can come, then as bad as its worst job.
 * Jobs that were not needed do not count against it.
 */
export function runState(
  counts: ReadonlyMap<JobState, number>,
  skipped: number,
  isGrowing: boolean,
): RunState {
  const of = (state: JobState) => counts.get(state) ?? 0;
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
  if (isGrowing || of("succeeded") + of("dead") + of("cancelled") < all) return "active";
  if (of("dead") > 0) return "failed";
  return of("cancelled") > skipped ? "cancelled" : "succeeded";
}
