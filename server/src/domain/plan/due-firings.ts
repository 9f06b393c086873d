import {
  countFirings,
  jitterOf,
  nextFiring,
  previousFiring,
  type ScheduleTiming,
} from "./schedule-timing.ts";

/**
 * What happens to firings that could not happen in time, as the scheduler was down or the schedule
 * was paused.
 *
 * - `none`: nothing.
 * - `latest`: if nothing is on time, the newest of them fires.
 * - `all`: they fire as long as no more than `max` fire at once, the newest first chosen.
 */
export type CatchUp =
  | { readonly kind: "none" }
  | { readonly kind: "latest" }
  | { readonly kind: "all"; readonly max: number };

/** What the scheduler knows when it asks. */
export interface DueQuestion {
  /** One without faults. */
  readonly timing: ScheduleTiming;
  /** The nominal time up to which firings are settled, or when the schedule was made. */
  readonly lastNominal: Date;
  readonly now: Date;
  readonly catchUp: CatchUp;
  /** Of the jitter. */
  readonly seed: string;
  /**
   * A firing that is late by less is on time, whatever the policy says. Has to be more than what
   * passes between two questions.
   */
  readonly graceMs: number;
}

/** Which firings happen now. Those that were due are settled by it, fired or missed. */
export interface DueFirings {
  /** Nominal times, oldest first: the newest of those that were due. */
  readonly fire: readonly Date[];
  /** How many were due and do not fire; all are older than those that do. */
  readonly missed: number;
  /** The nominal time up to which firings are settled now: the next question's `lastNominal`. */
  readonly settled: Date;
  /** The first nominal firing that is not settled; it happens {@link jitterOf} later. */
  readonly next: Date | undefined;
}

/**
 * Which firings of a schedule happen now: those whose nominal time plus jitter has come. Never one
 * before another one whose nominal time is older.
 *
 * The work is bounded by what fires (`max`, or what the grace covers) and by the days that passed,
 * not by what was missed: firings are listed from the newest back, only as far as they can fire,
 * and the rest is counted by {@link countFirings}, 4 ms for a year of every second.
 */
export function dueFirings(question: DueQuestion): DueFirings {
  const { timing, lastNominal, now, seed, graceMs } = question;
  const settled = lastDue(question);
  const next = nextFiring(timing, settled);
  if (settled <= lastNominal) return { fire: [], missed: 0, settled: lastNominal, next };
  const due = countFirings(timing, lastNominal, settled);
  const quota = quotaOf(question.catchUp);
  // What is as old as that is late, whatever its jitter.
  const lateMs = now.getTime() - graceMs - timing.jitterMs;
  const isOnTime = (nominal: Date) =>
    now.getTime() - nominal.getTime() - jitterOf(seed, nominal, timing.jitterMs) < graceMs;
  const newest: Date[] = [];
  let onTime = 0;
  let at = previousFiring(timing, settled);
  while (at !== undefined && at > lastNominal) {
    if (newest.length >= quota && at.getTime() <= lateMs) break;
    newest.push(at);
    if (isOnTime(at)) onTime = newest.length;
    at = previousFiring(timing, new Date(at.getTime() - 1));
  }
  const count = Math.max(onTime, Math.min(quota, newest.length));
  return { fire: newest.slice(0, count).reverse(), missed: due - count, settled, next };
}

/** The nominal time of the newest firing that is due, or `lastNominal` if none is. */
function lastDue({ timing, lastNominal, now, seed }: DueQuestion): Date {
  // At that age a firing is due with any jitter. What is younger has to be asked, in order.
  const certain = previousFiring(timing, new Date(now.getTime() - timing.jitterMs));
  let last = certain !== undefined && certain > lastNominal ? certain : lastNominal;
  for (;;) {
    const next = nextFiring(timing, last);
    if (next === undefined) return last;
    if (next.getTime() + jitterOf(seed, next, timing.jitterMs) > now.getTime()) return last;
    last = next;
  }
}

function quotaOf(catchUp: CatchUp): number {
  switch (catchUp.kind) {
    case "none":
      return 0;
    case "latest":
      return 1;
    case "all":
      return catchUp.max;
  }
}
