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
 * or blocked one has none; and no token is without its job. Runs have as many jobs as they say, and
 * the dead letters are the dead jobs that nobody gave up.
 */
export const nothingLost: Invariant = {
  number: "9",
  title: "conservation: every job in one place",
  check(history) {
    const { jobs, attempts, tokens } = history;
    const succeeded = new Set(
      attempts.filter(({ outcome }) => outcome === "succeeded").map(({ jobId }) => jobId),
    );
    const places = byJob(tokens);
    const known = new Set(jobs.map(({ id }) => id));
    const violations: Violation[] = [...miscountedRuns(history), ...misdirected(history)];
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

function miscountedRuns({ jobs, runs }: History): Violation[] {
  const counts = Map.groupBy(jobs, ({ runId }) => runId);
  return runs.flatMap(({ id, jobCount }) => {
    const count = counts.get(id)?.length ?? 0;
    return count === jobCount
      ? []
      : [{ text: `run ${id} says ${jobCount} jobs, and has ${count}` }];
  });
}

function misdirected({ jobs, events, letters }: History): Violation[] {
  const givenUp = new Set(
    events.filter(({ kind }) => kind === "discarded").map(({ jobId }) => jobId),
  );
  const has = new Set(letters.map(({ jobId }) => jobId));
  return jobs.flatMap(({ id, baseState }) => {
    const should = baseState === "dead" && !givenUp.has(id);
    if (should === has.has(id)) return [];
    return [{ jobId: id, text: should ? "dead without a letter" : "a letter of a job that lives" }];
  });
}
