import { Cron, CronPattern } from "croner";
import type { WallMs } from "../flow/zone-clock.ts";

/**
 * The times of a cron pattern on a clock that never changes: days that match, and in each of them
 * the same times of day. All answers but those about days are arithmetic, so that counting a year
 * of seconds costs no more than counting its days.
 */
export interface WallPattern {
  /** True: seconds, minutes and hours are numbers, lists and ranges, without `*` and `/`. */
  readonly isFixed: boolean;
  /** The first time at or after a wall time, undefined: none before the year 3000. */
  next(wall: WallMs): WallMs | undefined;
  /** The last time at or before a wall time, undefined: none after the year 0. */
  previous(wall: WallMs): WallMs | undefined;
  /** How many times there are in [from, to). Costs about 10 µs a matching day. */
  count(from: WallMs, to: WallMs): number;
  /** The least distance between two times, were they all on every day, in milliseconds. */
  readonly leastGapMs: number;
}

const DAY_MS = 86_400_000;

// Reading a pattern costs about 50 µs, a hundred times as much as asking it for the next time.
const MAX_PATTERNS = 1_000;
const patterns = new Map<string, WallPattern>();

/** The longest pattern, in characters: a list of every minute fits. */
export const MAX_PATTERN_LENGTH = 255;

/** Why a pattern cannot be, mostly in the words of the library, or undefined. */
export function patternFault(expression: string): string | undefined {
  if (expression.length > MAX_PATTERN_LENGTH) {
    return `must have at most ${MAX_PATTERN_LENGTH} characters`;
  }
  const fields = expression.match(/\S+/g) ?? [];
  if (!expression.trim().startsWith("@") && fields.length !== 5 && fields.length !== 6) {
    return `must have five fields, or six with seconds in front, not ${fields.length}`;
  }
  try {
    // Four years and a century's missing leap day: if nothing comes by then, nothing ever does.
    const first = wallPattern(expression).next(0);
    return first === undefined ? "names a time that never comes" : undefined;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return error.message.replace(/^CronPattern: /, "");
  }
}

/** Reads a pattern of five or six fields. Throws what the library throws on one that cannot be. */
export function wallPattern(expression: string): WallPattern {
  let pattern = patterns.get(expression);
  if (pattern !== undefined) return pattern;
  pattern = readPattern(expression);
  if (patterns.size >= MAX_PATTERNS) patterns.clear();
  patterns.set(expression, pattern);
  return pattern;
}

function readPattern(expression: string): WallPattern {
  // "no-wildcard" is the library's word for what is a fixed time here, lists and ranges included.
  const options = { mode: "5-or-6-parts", fixedTimeRule: "no-wildcard" } as const;
  const read = new CronPattern(expression, undefined, options);
  // With nicknames such as "@daily" replaced.
  const fields = read.pattern.match(/\S+/g) ?? [];
  const days = daysOf(fields.slice(-3).join(" "));
  const times = timesOfDay(read);
  return {
    isFixed: read.isFixedTime,
    leastGapMs: leastGapOf(times),
    next(wall) {
      const day = Math.floor(wall / DAY_MS);
      const match = days.next(day);
      if (match === undefined) return undefined;
      const rank = match > day ? 0 : times.rank(wall - day * DAY_MS);
      if (rank < times.length) return match * DAY_MS + times.at(rank);
      const following = days.next(day + 1);
      return following === undefined ? undefined : following * DAY_MS + times.at(0);
    },
    previous(wall) {
      const day = Math.floor(wall / DAY_MS);
      const match = days.previous(day);
      if (match === undefined) return undefined;
      const rank = match < day ? times.length : times.rank(wall - day * DAY_MS + 1);
      if (rank > 0) return match * DAY_MS + times.at(rank - 1);
      const preceding = days.previous(day - 1);
      return preceding === undefined ? undefined : preceding * DAY_MS + times.at(times.length - 1);
    },
    count(from, to) {
      let count = 0;
      for (let day = days.next(Math.floor(from / DAY_MS)); day !== undefined; ) {
        const startMs = day * DAY_MS;
        if (startMs >= to) break;
        const last = to - startMs >= DAY_MS ? times.length : times.rank(to - startMs);
        count += last - (from <= startMs ? 0 : times.rank(from - startMs));
        day = days.next(day + 1);
      }
      return Math.max(0, count);
    },
  };
}

/** Matching days by number since the epoch. Their rules (L, W, #, or) are left to the library. */
interface Days {
  /** The first at or after a day. */
  next(day: number): number | undefined;
  /** The last at or before a day. */
  previous(day: number): number | undefined;
}

function daysOf(fields: string): Days {
  // An offset of zero is UTC without asking Intl: 9 µs a question instead of 31.
  const cron = new Cron(`0 0 0 ${fields}`, { utcOffset: 0, mode: "6-part" });
  const numberOf = (date: Date | null | undefined) =>
    date ? Math.floor(date.getTime() / DAY_MS) : undefined;
  return {
    next: (day) => numberOf(cron.nextRun(new Date(day * DAY_MS - 1))),
    previous: (day) => numberOf(cron.previousRuns(1, new Date(day * DAY_MS + 1))[0]),
  };
}

/** The times of a matching day, in order, in milliseconds since its beginning. */
interface TimesOfDay {
  readonly length: number;
  /** How many are before a time. */
  rank(timeMs: number): number;
  /** The one with so many before it; there has to be one. */
  at(rank: number): number;
}

function timesOfDay(read: CronPattern): TimesOfDay {
  const [hours, minutes, seconds] = [read.hour, read.minute, read.second].map(placesOf);
  if (hours === undefined || minutes === undefined || seconds === undefined) {
    throw new Error("a pattern has three fields for the time");
  }
  const minuteCount = minutes.length * seconds.length;
  const before = (places: readonly number[], place: number) =>
    places.filter((one) => one < place).length;
  return {
    length: hours.length * minuteCount,
    rank(timeMs) {
      const secondOfDay = Math.ceil(timeMs / 1_000);
      const hour = Math.floor(secondOfDay / 3_600);
      const minute = Math.floor(secondOfDay / 60) % 60;
      const ofHours = before(hours, hour) * minuteCount;
      if (!hours.includes(hour)) return ofHours;
      const ofMinutes = before(minutes, minute) * seconds.length;
      if (!minutes.includes(minute)) return ofHours + ofMinutes;
      return ofHours + ofMinutes + before(seconds, secondOfDay % 60);
    },
    at(rank) {
      const hour = hours[Math.floor(rank / minuteCount)];
      const minute = minutes[Math.floor(rank / seconds.length) % minutes.length];
      const second = seconds[rank % seconds.length];
      if (hour === undefined || minute === undefined || second === undefined) {
        throw new RangeError(`a day has no time ${rank}`);
      }
      return ((hour * 60 + minute) * 60 + second) * 1_000;
    },
  };
}

const placesOf = (bits: readonly number[]) => bits.flatMap((bit, place) => (bit ? [place] : []));

/** At most 86,400 steps, 2 ms, once a pattern. */
function leastGapOf(times: TimesOfDay): number {
  let least = times.at(0) + DAY_MS - times.at(times.length - 1);
  for (let rank = 1; rank < times.length && least > 1_000; rank++) {
    least = Math.min(least, times.at(rank) - times.at(rank - 1));
  }
  return least;
}
