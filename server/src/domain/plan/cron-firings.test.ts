import { Cron } from "croner";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { countCronFirings, nextCronFiring, previousCronFiring } from "./cron-firings.ts";

/**
 * What cron firings are checked against: a walk over UTC, step by step, that asks Intl what the
 * clock on the wall shows and reads patterns by itself. It shares no code with what it checks.
 */
interface Tick {
  readonly atMs: number;
  /** What UTC would show when the wall does, in milliseconds. */
  readonly wall: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const ZONES = [
  "Europe/Berlin",
  "America/New_York",
  "Australia/Lord_Howe",
  "America/St_Johns",
  "Africa/Casablanca",
  // Beyond the five: a gap that ends at midnight, a change of two hours, one at night in Asia.
  "America/Scoresbysund",
  "Antarctica/Troll",
  "Asia/Gaza",
];

function walk(timeZone: string, fromMs: number, untilMs: number, stepMs: number): Tick[] {
  const clock = new Intl.DateTimeFormat("sv-SE", {
    timeZone,
    dateStyle: "short",
    timeStyle: "medium",
  });
  const ticks: Tick[] = [];
  for (let atMs = fromMs; atMs < untilMs; atMs += stepMs) {
    // "2026-03-29 03:00:00", as Swedes write it.
    ticks.push({ atMs, wall: Date.parse(`${clock.format(atMs).replace(" ", "T")}Z`) });
  }
  return ticks;
}

/** Ticks half an hour apart at which the clock jumps, in 2026 and 2027. */
function changesOf(timeZone: string): number[] {
  const ticks = walk(timeZone, Date.UTC(2026, 0), Date.UTC(2028, 0), 30 * MINUTE_MS);
  return ticks.flatMap(({ atMs, wall }, index) => {
    const before = ticks[index - 1];
    return before === undefined || wall - before.wall === 30 * MINUTE_MS ? [] : [atMs];
  });
}

/** Which numbers a field allows; undefined for those that only a calendar can tell. */
function numbersOf(field: string, first: number, last: number): Set<number> {
  const numbers = new Set<number>();
  for (const item of field.split(",")) {
    const [range = "", step = "1"] = item.split("/");
    const [low, high = low] = range === "*" ? [first, last] : range.split("-").map(Number);
    for (let n = low ?? 0; n <= (high ?? 0); n += Number(step)) numbers.add(n);
  }
  return numbers;
}

const WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

function matcherOf(expression: string): { isFixed: boolean; matches(wall: number): boolean } {
  const fields = expression.split(" ");
  if (fields.length === 5) fields.unshift("0");
  const [second = "", minute = "", hour = "", day = "", month = "", rest = ""] = fields;
  const weekday = WEEKDAYS.reduce((text, name, n) => text.replace(name, String(n)), rest);
  const allowed = {
    seconds: numbersOf(second, 0, 59),
    minutes: numbersOf(minute, 0, 59),
    hours: numbersOf(hour, 0, 23),
    months: numbersOf(month, 1, 12),
  };
  const inDay = (date: Date): boolean => {
    const today = date.getUTCDate();
    const last = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
    return day === "L" ? today === last : numbersOf(day, 1, 31).has(today);
  };
  const inWeek = (date: Date): boolean => {
    const nth = Math.ceil(date.getUTCDate() / 7);
    const isLast = new Date(date.getTime() + 7 * DAY_MS).getUTCMonth() !== date.getUTCMonth();
    const [only = "", which] = weekday.replace("L", "#L").split("#");
    if (which === "L" && !isLast) return false;
    if (which !== undefined && which !== "L" && Number(which) !== nth) return false;
    return numbersOf(only, 0, 6).has(date.getUTCDay());
  };
  return {
    isFixed: !/[*/]/.test(second + minute + hour),
    matches(wall) {
      const date = new Date(wall);
      if (!allowed.seconds.has(date.getUTCSeconds())) return false;
      if (!allowed.minutes.has(date.getUTCMinutes())) return false;
      if (!allowed.hours.has(date.getUTCHours())) return false;
      if (!allowed.months.has(date.getUTCMonth() + 1)) return false;
      if (day === "*") return weekday === "*" || inWeek(date);
      return weekday === "*" ? inDay(date) : inDay(date) || inWeek(date);
    },
  };
}

function firingsByHand(expression: string, ticks: readonly Tick[], stepMs: number): number[] {
  const { isFixed, matches } = matcherOf(expression);
  const firings: number[] = [];
  let shown = -Infinity;
  for (const { atMs, wall } of ticks) {
    let fires = matches(wall);
    if (isFixed && wall <= shown) fires = false;
    if (isFixed && shown > -Infinity) {
      for (let skipped = shown + stepMs; skipped < wall; skipped += stepMs) {
        fires ||= matches(skipped);
      }
    }
    shown = Math.max(shown, wall);
    if (fires) firings.push(atMs);
  }
  return firings;
}

// Printed at the end: how many firings two implementations agreed upon.
const compared = { firings: 0, patterns: 0, changes: new Set<string>() };

function compare(timeZone: string, expression: string, ticks: readonly Tick[], stepMs: number) {
  const cron = { expression, timeZone };
  // The walk does not know what its first tick repeats, so the first day is not compared.
  const first = ticks[0]?.atMs ?? 0;
  const untilMs = (ticks.at(-1)?.atMs ?? 0) + stepMs;
  const fromMs = first + Math.min(DAY_MS, Math.floor((untilMs - first) / 4 / stepMs) * stepMs);
  const expected = firingsByHand(expression, ticks, stepMs).filter((atMs) => atMs >= fromMs);
  const forward: number[] = [];
  let next = nextCronFiring(cron, fromMs);
  while (next !== undefined && next < untilMs) {
    forward.push(next);
    next = nextCronFiring(cron, next + 1);
  }
  const backward: number[] = [];
  let previous = previousCronFiring(cron, untilMs - 1);
  while (previous !== undefined && previous >= fromMs) {
    backward.unshift(previous);
    previous = previousCronFiring(cron, previous - 1);
  }
  const iso = (times: number[]) => times.map((ms) => new Date(ms).toISOString());
  const what = `${expression} ${timeZone}`;
  expect(iso(forward), what).toEqual(iso(expected));
  expect(iso(backward), `${what}, backwards`).toEqual(iso(expected));
  expect(countCronFirings(cron, fromMs, untilMs), `${what}, counted`).toBe(expected.length);
  compared.firings += expected.length;
  compared.patterns += 1;
}

const list = (numbers: readonly number[]) => [...new Set(numbers)].sort((a, b) => a - b).join(",");

/** A field of times: mostly numbers, as those are what a change of the clock is hard on. */
function fieldOf(last: number, step: fc.Arbitrary<number>): fc.Arbitrary<string> {
  const number = fc.nat(last);
  const pair = fc.tuple(number, number).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
  return fc.oneof(
    { weight: 4, arbitrary: number.map(String) },
    { weight: 2, arbitrary: fc.array(number, { minLength: 2, maxLength: 5 }).map(list) },
    { weight: 2, arbitrary: pair.map(([a, b]) => `${a}-${b}`) },
    { weight: 1, arbitrary: fc.tuple(pair, step).map(([[a, b], n]) => `${a}-${b}/${n}`) },
    { weight: 1, arbitrary: step.map((n) => `*/${n}`) },
    { weight: 1, arbitrary: fc.constant("*") },
  );
}

const minutes = fieldOf(59, fc.constantFrom(5, 7, 15, 30));
const seconds = fieldOf(59, fc.constantFrom(5, 7, 15, 30));
// At night, when clocks are changed; two zones do so late in the evening.
const hours = fc.oneof(
  { weight: 4, arbitrary: fieldOf(4, fc.constantFrom(2, 3)) },
  { weight: 1, arbitrary: fieldOf(23, fc.constantFrom(2, 3, 5)) },
);
const weekdays = fc.constantFrom("*", "*", "*", "*", "SUN", "SAT,SUN", "MON-FRI", "0#1", "SUNL");
const anyDay = fc.constantFrom("*", "*", "*", "L", "1", "29", "1-7", "25,26,27,28,29,30,31");
const months = fc.constantFrom("*", "*", "*", "3,10", "2-4", "11");

afterAll(() => {
  const { firings, patterns, changes } = compared;
  console.info(`cron: ${firings} firings compared, ${patterns} walks, ${changes.size} changes`);
});

describe.each(ZONES)("cron in %s", (timeZone) => {
  const changes = changesOf(timeZone);

  it("agrees with a walk over minutes around every change of 2026 and 2027", () => {
    // Four in most zones. Morocco gave its summer time up in the autumn of 2026 (tz 2026c).
    expect(changes.length).toBeGreaterThanOrEqual(3);
    for (const changeMs of changes) {
      compared.changes.add(`${timeZone} ${changeMs}`);
      const ticks = walk(timeZone, changeMs - 36 * HOUR_MS, changeMs + 24 * HOUR_MS, MINUTE_MS);
      const pattern = fc.tuple(minutes, hours, weekdays);
      fc.assert(
        fc.property(pattern, ([minute, hour, weekday]) => {
          compare(timeZone, `${minute} ${hour} * * ${weekday}`, ticks, MINUTE_MS);
        }),
        { numRuns: 12, seed: changeMs / 1_000 },
      );
      compare(timeZone, "* * * * *", ticks, MINUTE_MS);
      // Times before a jump, in it, at its end and after it.
      compare(timeZone, "0,30 0-4,22,23 * * *", ticks, MINUTE_MS);
    }
  });

  it("agrees with a walk over seconds around every change", () => {
    for (const changeMs of changes) {
      const ticks = walk(timeZone, changeMs - HOUR_MS, changeMs + HOUR_MS, 1_000);
      const shown = [...new Set(ticks.map(({ wall }) => new Date(wall).getUTCHours()))];
      const hour = fc.subarray(shown, { minLength: 1 }).map(list);
      fc.assert(
        fc.property(fc.tuple(seconds, minutes, fc.oneof(hour, hours)), (fields) => {
          compare(timeZone, `${fields.join(" ")} * * *`, ticks, 1_000);
        }),
        { numRuns: 8, seed: changeMs / 1_000 },
      );
    }
  });

  it("agrees with a walk over half hours of two years on days", () => {
    const ticks = walk(timeZone, Date.UTC(2026, 0), Date.UTC(2028, 0), 30 * MINUTE_MS);
    const minute = fc.constantFrom("0", "30", "0,30", "*/30");
    fc.assert(
      fc.property(fc.tuple(minute, hours, anyDay, months, weekdays), (fields) => {
        compare(timeZone, fields.join(" "), ticks, 30 * MINUTE_MS);
      }),
      { numRuns: 12, seed: 2_026 },
    );
  });
});

describe("the library by itself", () => {
  const runs = (expression: string, timezone: string, from: string) =>
    new Cron(expression, { timezone })
      .nextRuns(2, new Date(from))
      .map((date) => date.toISOString().slice(0, 16));

  it("loses and doubles lists, and loses what is skipped up to midnight", () => {
    // What the docstring of ScheduleTiming says of it. If this fails, that has to be changed.
    const berlin = "Europe/Berlin";
    expect(runs("0,30 2 * * *", berlin, "2026-03-28T12:00Z")[0]).toBe("2026-03-30T00:00");
    expect(runs("0 2,3 * * *", berlin, "2026-10-24T12:00Z")).toEqual([
      "2026-10-25T00:00",
      "2026-10-25T01:00",
    ]);
    const greenland = runs("30 23 * * *", "America/Scoresbysund", "2026-03-28T12:00Z");
    expect(greenland[0]).toBe("2026-03-30T00:30");
  });
});
