import { offsetMs } from "../flow/zone-clock.ts";
import { wallPattern } from "./wall-pattern.ts";
import { firstChange, lastChange, type ZoneChange } from "./zone-changes.ts";

/** A cron pattern and the zone whose clock it reads. */
export interface ZonedCron {
  /** Five fields, or six with seconds in front; must be one that `patternFault` accepts. */
  readonly expression: string;
  /** IANA. */
  readonly timeZone: string;
}

// How long after a change of the clock a repeated time can still be shown. No change is as large.
const DAY_MS = 86_400_000;

/**
 * The first firing at or after an instant, in milliseconds since the epoch; undefined if none
 * comes before the year 3000. The rules for changes of the clock are those of `ScheduleTiming`.
 *
 * Within a stretch of one offset this is arithmetic on the wall clock; the loop is over changes.
 */
export function nextCronFiring(cron: ZonedCron, fromMs: number): number | undefined {
  const { timeZone } = cron;
  const pattern = wallPattern(cron.expression);
  let atMs = Math.ceil(fromMs / 1_000) * 1_000;
  let entered = lastChange(timeZone, atMs - DAY_MS, atMs);
  for (;;) {
    if (entered?.atMs === atMs && firesAtJump(cron, entered)) return atMs;
    const offset = offsetMs(timeZone, atMs);
    const wall = pattern.next(Math.max(atMs + offset, shownUntil(cron, entered)));
    if (wall === undefined) return undefined;
    const change = firstChange(timeZone, atMs + 1, wall - offset);
    if (change === undefined) return wall - offset;
    entered = change;
    atMs = change.atMs;
  }
}

/** The last firing at or before an instant, undefined if there is none after the year 0. */
export function previousCronFiring(cron: ZonedCron, fromMs: number): number | undefined {
  const { timeZone } = cron;
  const pattern = wallPattern(cron.expression);
  let atMs = Math.floor(fromMs / 1_000) * 1_000;
  for (;;) {
    const offset = offsetMs(timeZone, atMs);
    const wall = pattern.previous(atMs + offset);
    if (wall === undefined) return undefined;
    // A day more than needed: a change before the firing may say that it is a repeated one.
    const entered = lastChange(timeZone, wall - offset - DAY_MS, atMs);
    if (entered === undefined) return wall - offset;
    if (wall - offset >= entered.atMs && wall >= shownUntil(cron, entered)) return wall - offset;
    if (firesAtJump(cron, entered)) return entered.atMs;
    atMs = entered.atMs - 1_000;
  }
}

/**
 * How many firings there are in [fromMs, untilMs). Exact; about 10 µs for each matching day,
 * however many firings it has: a year of a cron that fires every second is counted in 4 ms.
 */
export function countCronFirings(cron: ZonedCron, fromMs: number, untilMs: number): number {
  const { timeZone } = cron;
  const pattern = wallPattern(cron.expression);
  const endMs = Math.ceil(untilMs / 1_000) * 1_000;
  let atMs = Math.ceil(fromMs / 1_000) * 1_000;
  let entered = lastChange(timeZone, atMs - DAY_MS, atMs);
  let count = 0;
  while (atMs < endMs) {
    if (entered?.atMs === atMs && firesAtJump(cron, entered)) {
      // One firing, whether or not the clock shows one of the pattern's times after the jump.
      const shown = atMs + entered.afterMs;
      count += pattern.next(shown) === shown ? 0 : 1;
    }
    const change = firstChange(timeZone, atMs + 1, endMs - 1);
    const offset = offsetMs(timeZone, atMs);
    const from = Math.max(atMs + offset, shownUntil(cron, entered));
    const to = (change?.atMs ?? endMs) + offset;
    if (from < to) count += pattern.count(from, to);
    entered = change;
    atMs = change?.atMs ?? endMs;
  }
  return count;
}

/** Before which wall time nothing fires that a fixed pattern names, as it fired the first time. */
function shownUntil({ expression }: ZonedCron, entered: ZoneChange | undefined): number {
  if (entered === undefined || entered.afterMs > entered.beforeMs) return -Infinity;
  return wallPattern(expression).isFixed ? entered.atMs + entered.beforeMs : -Infinity;
}

/** Whether a change skips a time that a fixed pattern names, so that it fires at the jump. */
function firesAtJump({ expression }: ZonedCron, { atMs, beforeMs, afterMs }: ZoneChange): boolean {
  const pattern = wallPattern(expression);
  if (afterMs < beforeMs || !pattern.isFixed) return false;
  const skipped = pattern.next(atMs + beforeMs);
  return skipped !== undefined && skipped < atMs + afterMs;
}
