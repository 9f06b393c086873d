import { offsetMs } from "../flow/zone-clock.ts";

/** A moment at which the clock of a zone jumps. */
export interface ZoneChange {
  /** The first instant of the new offset, in milliseconds since the epoch. */
  readonly atMs: number;
  /** How far the clock was ahead of UTC until then, and is from then on, in milliseconds. */
  readonly beforeMs: number;
  readonly afterMs: number;
}

const DAY_MS = 86_400_000;

// A year of a zone costs 365 questions (about 2 ms) the first time. Every zone for two years fits.
const MAX_YEARS = 1_200;
const years = new Map<string, readonly ZoneChange[]>();

/** The first change in [fromMs, untilMs], undefined if there is none. */
export function firstChange(
  timeZone: string,
  fromMs: number,
  untilMs: number,
): ZoneChange | undefined {
  for (let year = yearOf(fromMs); year <= yearOf(untilMs); year++) {
    const change = changesIn(timeZone, year).find(({ atMs }) => atMs >= fromMs);
    if (change !== undefined) return change.atMs <= untilMs ? change : undefined;
  }
  return undefined;
}

/** The last change in [fromMs, untilMs], undefined if there is none. */
export function lastChange(
  timeZone: string,
  fromMs: number,
  untilMs: number,
): ZoneChange | undefined {
  for (let year = yearOf(untilMs); year >= yearOf(fromMs); year--) {
    const change = changesIn(timeZone, year).findLast(({ atMs }) => atMs <= untilMs);
    if (change !== undefined) return change.atMs >= fromMs ? change : undefined;
  }
  return undefined;
}

/**
 * The changes in a year of UTC, in order. Found by looking once a day, as no zone changes its
 * offset twice in two days. The answer is a fact of the process' time zone database, so it is kept.
 */
function changesIn(timeZone: string, year: number): readonly ZoneChange[] {
  const key = `${timeZone} ${year}`;
  const known = years.get(key);
  if (known !== undefined) return known;
  const changes: ZoneChange[] = [];
  // Everything is moved by 1 s, so that a change at the first instant belongs to this year.
  let early = startOf(year) - 1_000;
  const end = startOf(year + 1) - 1_000;
  let beforeMs = offsetMs(timeZone, early);
  while (early < end) {
    const late = Math.min(early + DAY_MS, end);
    const afterMs = offsetMs(timeZone, late);
    if (afterMs !== beforeMs) {
      changes.push({ atMs: changeWithin(timeZone, early, late, beforeMs), beforeMs, afterMs });
    }
    early = late;
    beforeMs = afterMs;
  }
  if (years.size >= MAX_YEARS) years.clear();
  years.set(key, changes);
  return changes;
}

/** The first whole second in (earlyMs, lateMs] whose offset is no longer `beforeMs`. */
function changeWithin(timeZone: string, earlyMs: number, lateMs: number, beforeMs: number) {
  let [early, late] = [earlyMs, lateMs];
  while (late - early > 1_000) {
    const middle = early + Math.floor((late - early) / 2_000) * 1_000;
    if (offsetMs(timeZone, middle) === beforeMs) early = middle;
    else late = middle;
  }
  return late;
}

const yearOf = (instantMs: number) => new Date(instantMs).getUTCFullYear();

// Not Date.UTC(year), which takes the years 0 to 99 for 1900 to 1999.
const startOf = (year: number) => new Date(0).setUTCFullYear(year, 0, 1);
