import type { AttemptRow, History, JobRow } from "../history.ts";
import { byJob, type Invariant, type Violation } from "./invariant.ts";

/** 6: attempts are numbered without a gap, and stay within the budgets. */
export const attemptsInBudget: Invariant = {
  number: "6",
  title: "attempts contiguous, within both budgets",
  check(history) {
    const jobs = new Map(history.jobs.map((job) => [job.id, job]));
    const violations: Violation[] = [];
    for (const [jobId, rows] of byJob(history.attempts)) {
      const attempts = [...rows].sort((a, b) => a.attempt - b.attempt);
      const job = jobs.get(jobId);
      const text = gapIn(attempts) ?? (job && overdrawn(job, attempts, history));
      if (text !== undefined) violations.push({ jobId, text });
    }
    return { checked: history.attempts.length, violations };
  },
  leastChecked: () => 1,
};

function gapIn(attempts: readonly AttemptRow[]): string | undefined {
  for (const [index, { attempt, leaseEpoch }] of attempts.entries()) {
    if (attempt !== index + 1) return `attempt ${attempt} stands where ${index + 1} should`;
    const before = attempts[index - 1];
    if (before !== undefined && leaseEpoch <= before.leaseEpoch) {
      return `attempt ${attempt} has epoch ${leaseEpoch}, the one before ${before.leaseEpoch}`;
    }
  }
  return undefined;
}

function overdrawn(
  job: JobRow,
  attempts: readonly AttemptRow[],
  { terms }: History,
): string | undefined {
  const current = attempts.filter(({ attempt }) => attempt > job.budgetFromAttempt);
  const failures = current.filter(({ outcome }) => outcome === "failed").length;
  const interruptions = current.filter(isCostly).length;
  if (failures > job.maxAttempts) return `failed ${failures} times of ${job.maxAttempts}`;
  if (interruptions > terms.maxInterruptions + 1) {
    return `interrupted ${interruptions} times, allowed are ${terms.maxInterruptions} + 1`;
  }
  const last = current.at(-1);
  if (job.baseState !== "dead" || last === undefined) return undefined;
  const isSpent =
    last.outcome === "interrupted"
      ? interruptions === terms.maxInterruptions + 1
      : last.terminal || failures === job.maxAttempts;
  return isSpent
    ? undefined
    : `dead after ${failures} of ${job.maxAttempts} failures and ${interruptions} interruptions`;
}

/** An interruption of class "cancelled" costs nothing: its worker was taken out. */
export const isCostly = ({ outcome, failureClass }: AttemptRow): boolean =>
  outcome === "interrupted" && failureClass !== "cancelled";
