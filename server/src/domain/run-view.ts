import type { OnFailure } from "./graph.ts";
import type { JobState } from "./job-machine.ts";
import type { JobView } from "./job-view.ts";

/** A dependency between two jobs of a run. */
export interface EdgeView {
  readonly fromJobId: string;
  readonly toJobId: string;
  readonly onFailure: OnFailure;
}

/** The sum of a run's jobs. */
export type RunState = "active" | "succeeded" | "failed" | "cancelled";

/** A run with everything in it. */
export interface RunView {
  readonly tenant: string;
  readonly runId: string;
  readonly displayName: string;
  readonly project: string;
  readonly correlationId: string;
  readonly createdAt: Date;
  readonly state: RunState;
  /** How many jobs stand where; states without a job are left out. */
  readonly counts: ReadonlyMap<JobState, number>;
  /** In the order of the request that made the run. */
  readonly jobs: readonly JobView[];
  readonly edges: readonly EdgeView[];
}

/** Counts states. */
export function countStates(states: Iterable<JobState>): Map<JobState, number> {
  const counts = new Map<JobState, number>();
  for (const state of states) counts.set(state, (counts.get(state) ?? 0) + 1);
  return counts;
}

/** Sums up a run: active while a job is unfinished, then as bad as its worst job. */
export function runState(counts: ReadonlyMap<JobState, number>): RunState {
  const { succeeded, dead, cancelled, all } = tally(counts);
  if (succeeded + dead + cancelled < all) return "active";
  if (dead > 0) return "failed";
  return cancelled > 0 ? "cancelled" : "succeeded";
}

function tally(counts: ReadonlyMap<JobState, number>) {
  const of = (state: JobState) => counts.get(state) ?? 0;
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
  return { succeeded: of("succeeded"), dead: of("dead"), cancelled: of("cancelled"), all };
}
