import { createHash } from "node:crypto";
import { isTimeZone } from "../flow/zone-clock.ts";
import {
  countCronFirings,
  nextCronFiring,
  previousCronFiring,
  type ZonedCron,
} from "./cron-firings.ts";
import type { PlanFault } from "./fault.ts";
import { patternFault, wallPattern } from "./wall-pattern.ts";

/**
 * When a schedule fires: by the clock on the wall of a time zone, or every so often.
 *
 * **Cron**: five fields, or six with seconds in front; names, `L`, `W`, `#`, `?`, `+` and the
 * nicknames (`@daily`) as the croner library reads them. Where the clock changes there are two
 * kinds of pattern:
 *
 * - A *fixed time* has neither `*` nor `/` in its seconds, minutes and hours, such as
 *   `30 2 * * *` or `0,30 9-17 * * *`. It fires once for each time that it names. Times that the
 *   clock skips in spring fire together, once, at the instant of the jump: half past two in Berlin
 *   at 01:00 UTC, when the clock goes from 02:00 to 03:00. A time that is shown twice in autumn
 *   fires the first time only.
 * - Any *other* pattern follows elapsed time: it fires whenever the clock shows one of its times.
 *   Every quarter of an hour stays just that; `0-59/15 2 * * *` fires eight times in autumn and not
 *   at all in the night of the spring in which there is no such hour.
 *
 * Croner 11.0.1 by itself, measured over 63 patterns at 31 changes in 8 zones: it differs from that
 * in 300 of 1,953 cases, as it treats lists and ranges as elapsed time (`0,30 2 * * *` is lost in
 * spring and doubled in autumn); told not to, in 10, as it never fires a fixed time whose gap ends
 * at midnight (`30 23 * * *` in America/Scoresbysund, 28 March 2026: the jump is on the next day).
 * So its patterns are read on a clock without changes, and the zone's changes are handled here.
 *
 * **Interval**: every `everyMs` of elapsed time, on the grid through the anchor, which extends
 * before the anchor as well as after it. Without one the anchor is the epoch.
 */
export type ScheduleTiming = (
  | { readonly kind: "cron"; readonly expression: string; readonly timeZone: string }
  | { readonly kind: "interval"; readonly everyMs: number; readonly anchor?: Date | undefined }
) & {
  /** The first moment at which it may fire; undefined: no bound. */
  readonly start?: Date | undefined;
  /** The first moment from which on it does not fire any more; undefined: no bound. */
  readonly end?: Date | undefined;
  /** Firings happen up to so much after their nominal time, see {@link jitterOf}; 0: none. */
  readonly jitterMs: number;
};

/** The shortest interval, in milliseconds. */
export const MIN_INTERVAL_MS = 1_000;

/** The longest interval, in milliseconds: a leap year. What is rarer has a date, as a cron has. */
export const MAX_INTERVAL_MS = 366 * 86_400_000;

/** The largest jitter of a timing whose firings are that far apart, in milliseconds: a day. */
export const MAX_JITTER_MS = 86_400_000;

/**
 * Everything that is wrong with a timing, with paths as the contract's Schedule has them; empty if
 * nothing is. The other functions rely on it.
 *
 * A jitter may be at most a day and no larger than the least distance between two firings, so that
 * they happen in the order of their nominal times. For a cron that is the least distance on a clock
 * without changes if every day matched: a day for `0 9 * * MON`, an hour for `0 8,9 * * *`.
 */
export function timingFaults(timing: ScheduleTiming): PlanFault[] {
  const { start, end } = timing;
  const faults = timing.kind === "cron" ? cronFaults(timing) : intervalFaults(timing);
  const isSound = faults.length === 0;
  const moments = [
    ["start_time", start],
    ["end_time", end],
  ] as const;
  for (const [path, moment] of moments) {
    if (moment !== undefined && Number.isNaN(moment.getTime())) {
      faults.push({ path, description: "is no moment" });
    }
  }
  faults.push(...jitterFaults(timing, isSound));
  if (start !== undefined && end !== undefined && end <= start) {
    faults.push({ path: "end_time", description: "must be after the start" });
  }
  if (faults.length === 0 && start !== undefined && end !== undefined) {
    const first = nextFiring(timing, new Date(start.getTime() - 1));
    if (first === undefined) {
      faults.push({
        path: "end_time",
        description: "no firing comes between the start and the end",
      });
    }
  }
  return faults;
}

/** The first nominal firing after a moment, undefined: none comes any more. */
export function nextFiring(timing: ScheduleTiming, after: Date): Date | undefined {
  const fromMs = Math.max(after.getTime() + 1, timing.start?.getTime() ?? -Infinity);
  const ms = timing.kind === "cron" ? nextCronFiring(timing, fromMs) : nextOnGrid(timing, fromMs);
  if (ms === undefined || ms >= endOf(timing)) return undefined;
  return new Date(ms);
}

/** The nominal firings after a moment, oldest first, at most `max` of them. */
export function nextFirings(timing: ScheduleTiming, after: Date, max: number): Date[] {
  const firings: Date[] = [];
  let next = firings.length < max ? nextFiring(timing, after) : undefined;
  while (next !== undefined) {
    firings.push(next);
    next = firings.length < max ? nextFiring(timing, next) : undefined;
  }
  return firings;
}

/** The last nominal firing at or before a moment, undefined if there is none. */
export function previousFiring(timing: ScheduleTiming, until: Date): Date | undefined {
  const fromMs = Math.min(until.getTime(), endOf(timing) - 1);
  const ms =
    timing.kind === "cron" ? previousCronFiring(timing, fromMs) : previousOnGrid(timing, fromMs);
  if (ms === undefined || ms < (timing.start?.getTime() ?? -Infinity)) return undefined;
  return new Date(ms);
}

/**
 * How many nominal firings there are after a moment and until another one, that included. Exact;
 * costs nothing for an interval, and about 4 ms a year for a cron, however often it fires.
 */
export function countFirings(timing: ScheduleTiming, after: Date, until: Date): number {
  const fromMs = Math.max(after.getTime() + 1, timing.start?.getTime() ?? -Infinity);
  const untilMs = Math.min(until.getTime() + 1, endOf(timing));
  if (untilMs <= fromMs) return 0;
  if (timing.kind === "cron") return countCronFirings(timing, fromMs, untilMs);
  const [first, last] = [nextOnGrid(timing, fromMs), previousOnGrid(timing, untilMs - 1)];
  return (last - first) / timing.everyMs + 1;
}

/**
 * By how much a firing happens after its nominal time, in whole milliseconds from 0 to `jitterMs`,
 * both included, evenly. It depends on its arguments alone (SHA-256), so that every replica and
 * the preview agree.
 *
 * @param seed what tells schedules apart, such as the schedule's id.
 */
export function jitterOf(seed: string, nominal: Date, jitterMs: number): number {
  if (jitterMs === 0) return 0;
  const hash = createHash("sha256").update(`${nominal.toISOString()} ${seed}`).digest();
  return hash.readUIntBE(0, 6) % (jitterMs + 1);
}

function cronFaults({ expression, timeZone }: ZonedCron): PlanFault[] {
  const faults: PlanFault[] = [];
  const description = patternFault(expression);
  if (description !== undefined) faults.push({ path: "cron.expression", description });
  if (!isTimeZone(timeZone)) {
    const message = "must be a zone of the IANA database, such as Europe/Berlin";
    faults.push({ path: "cron.time_zone", description: message });
  }
  return faults;
}

type Interval = Extract<ScheduleTiming, { kind: "interval" }>;

function intervalFaults({ everyMs, anchor }: Interval): PlanFault[] {
  const faults: PlanFault[] = [];
  const path = "interval.every";
  if (!Number.isInteger(everyMs)) {
    faults.push({ path, description: "must be whole milliseconds" });
  } else if (everyMs < MIN_INTERVAL_MS) {
    faults.push({ path, description: "must be at least 1 s" });
  } else if (everyMs > MAX_INTERVAL_MS) {
    faults.push({ path, description: "must be at most 366 days" });
  }
  if (anchor !== undefined && Number.isNaN(anchor.getTime())) {
    faults.push({ path: "interval.anchor_time", description: "is no moment" });
  }
  return faults;
}

function jitterFaults(timing: ScheduleTiming, isSound: boolean): PlanFault[] {
  const { jitterMs } = timing;
  const path = "jitter";
  if (!Number.isInteger(jitterMs) || jitterMs < 0) {
    return [{ path, description: "must be whole milliseconds, not below zero" }];
  }
  if (jitterMs > MAX_JITTER_MS) return [{ path, description: "must be at most a day" }];
  if (!isSound) return [];
  const leastMs =
    timing.kind === "cron" ? wallPattern(timing.expression).leastGapMs : timing.everyMs;
  if (jitterMs <= leastMs) return [];
  const description = `must be at most ${leastMs} ms, the least time between two firings`;
  return [{ path, description }];
}

const endOf = ({ end }: ScheduleTiming) => end?.getTime() ?? Infinity;

const anchorOf = ({ anchor }: Interval) => anchor?.getTime() ?? 0;

function nextOnGrid(timing: Interval, fromMs: number): number {
  const anchorMs = anchorOf(timing);
  return anchorMs + Math.ceil((fromMs - anchorMs) / timing.everyMs) * timing.everyMs;
}

function previousOnGrid(timing: Interval, fromMs: number): number {
  const anchorMs = anchorOf(timing);
  return anchorMs + Math.floor((fromMs - anchorMs) / timing.everyMs) * timing.everyMs;
}
