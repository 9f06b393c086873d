import type { EventRow, History, JobRow } from "../history.ts";
import { byJob, type Invariant, type Violation } from "./invariant.ts";

const TERMINAL = new Set(["succeeded", "dead", "cancelled"]);

/** 4: a job ends once, and stays ended; only an operator brings a dead one back. */
export const oneTerminalState: Invariant = {
  number: "4",
  title: "one terminal state, and it absorbs",
  check(history) {
    const events = byJob(history.events);
    const succeeded = new Set(
      history.attempts.filter((row) => row.outcome === "succeeded").map((row) => row.jobId),
    );
    const violations: Violation[] = [];
    let checked = 0;
    for (const job of history.jobs) {
      const steps = events.get(job.id) ?? [];
      const broken = brokenIn(steps) ?? disagreement(job, steps, succeeded.has(job.id));
      if (broken !== undefined) violations.push({ jobId: job.id, text: broken });
      if (TERMINAL.has(steps.at(-1)?.toState ?? "")) checked++;
    }
    violations.push(...doubleSuccesses(history));
    return { checked, violations };
  },
  leastChecked: () => 1,
};

function brokenIn(steps: readonly EventRow[]): string | undefined {
  for (const [index, step] of steps.entries()) {
    const before = steps[index - 1];
    if (before === undefined || !TERMINAL.has(before.toState)) continue;
    if (before.toState === "dead" && (step.kind === "retried" || step.kind === "discarded"))
      continue;
    return `was ${before.toState} (event ${before.id}) and then ${step.kind} (event ${step.id})`;
  }
  return undefined;
}

/** Whether the job's row and attempts say something else than the end of its history. */
function disagreement(
  job: JobRow,
  steps: readonly EventRow[],
  hasSucceeded: boolean,
): string | undefined {
  const last = steps.at(-1)?.toState;
  if (last === undefined) return "has no history";
  if (last === "succeeded" && !hasSucceeded) return "its history succeeded, no attempt did";
  if (last !== "succeeded" && hasSucceeded) return `an attempt succeeded, its history is ${last}`;
  const isAtRest = job.baseState === "dead" || job.baseState === "cancelled";
  if (isAtRest && last !== job.baseState) return `its row is ${job.baseState}, its history ${last}`;
  if (!isAtRest && (last === "dead" || last === "cancelled")) {
    return `its history is ${last}, its row ${job.baseState}`;
  }
  return undefined;
}

function doubleSuccesses({ attempts }: History): Violation[] {
  const seen = new Set<string>();
  return attempts
    .filter(({ outcome }) => outcome === "succeeded")
    .filter(({ jobId }) => seen.size === seen.add(jobId).size)
    .map(({ jobId }) => ({ jobId, text: "succeeded twice" }));
}
