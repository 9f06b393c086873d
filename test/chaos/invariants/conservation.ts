import type { History, JobRow } from "../history.ts";
import { byJob, type Invariant, type Violation } from "./invariant.ts";

/** How many jobs stand where. */
export interface Balance {
  readonly enqueued: number;
  readonly succeeded: number;
  readonly dead: number;
  readonly cancelled: number;
  readonly unfinished: number;
}

/** Counts the jobs of a history by how they ended. */
export function balanceOf({ jobs, attempts }: History): Balance {
  const succeeded = new Set(
    attempts.filter(({ outcome }) => outcome === "succeeded").map(({ jobId }) => jobId),
  );
  const count = (state: string) =>
    jobs.filter(({ id, baseState }) => baseState === state && !succeeded.has(id)).length;
  const dead = count("dead");
  const cancelled = count("cancelled");
  const won = jobs.filter(({ id }) => succeeded.has(id)).length;
  const unfinished = jobs.length - won - dead - cancelled;
  return { enqueued: jobs.length, succeeded: won, dead, cancelled, unfinished };
}

/**
 * 9: enqueued = succeeded + dead + cancelled + unfinished. Which says little as a sum, so it is
 * asked of each job: an unfinished one has one token, in the place that its row says; a finished
 * or blocked one has none; and no token is without its job.
 */
export const nothingLost: Invariant = {
  number: "9",
  title: "conservation: every job in one place",
  check({ jobs, attempts, tokens }) {
    const succeeded = new Set(
      attempts.filter(({ outcome }) => outcome === "succeeded").map(({ jobId }) => jobId),
    );
    const places = byJob(tokens);
    const known = new Set(jobs.map(({ id }) => id));
    const violations: Violation[] = [];
    for (const job of jobs) {
      const at = (places.get(job.id) ?? []).map(({ place }) => place);
      const text = misplaced(job, succeeded.has(job.id), at);
      if (text !== undefined) violations.push({ jobId: job.id, text });
    }
    for (const { jobId, place } of tokens) {
      if (!known.has(jobId)) violations.push({ jobId, text: `a token in ${place} without a job` });
    }
    return { checked: jobs.length, violations };
  },
  leastChecked: () => 1,
};

function misplaced(
  { baseState }: JobRow,
  hasSucceeded: boolean,
  places: readonly string[],
): string | undefined {
  const state = hasSucceeded ? "succeeded" : baseState;
  const isWaiting = state === "ready" || state === "scheduled";
  if (!isWaiting) return places.length === 0 ? undefined : `${state} and in ${places.join(", ")}`;
  if (places.length !== 1) return `${state} with ${places.length} tokens (${places.join(", ")})`;
  const isScheduled = places[0] === "scheduled";
  return isScheduled === (state === "scheduled") ? undefined : `${state} and in ${places[0]}`;
}
