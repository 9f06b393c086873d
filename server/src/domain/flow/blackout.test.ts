import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  activeBlackout,
  type BlackoutWindow,
  MAX_RECURRING_MS,
  nextChange,
  validateBlackout,
} from "./blackout.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const recurring = (timeZone: string, cron: string, durationMs = HOUR_MS) =>
  ({ kind: "recurring", timeZone, cron, durationMs }) as const;
const once = (start: string, end: string) =>
  ({ kind: "once", startMs: Date.parse(start), endMs: Date.parse(end) }) as const;

const iso = (ms: number | undefined) =>
  ms === undefined ? undefined : `${new Date(ms).toISOString().slice(0, 16)}Z`;

/** The blackouts that begin from a moment on, as "start end" in UTC. */
function timesFrom(windows: readonly BlackoutWindow[], from: string, count: number): string[] {
  const times: string[] = [];
  let at = Date.parse(from);
  while (times.length < count) {
    const startMs = nextChange(windows, at);
    if (startMs === undefined) break;
    expect(activeBlackout(windows, startMs - 1)).toBeUndefined();
    expect(nextChange(windows, startMs - 1)).toBe(startMs);
    const active = activeBlackout(windows, startMs);
    if (active === undefined) throw new Error(`nothing in force at ${iso(startMs)}`);
    expect(activeBlackout(windows, active.untilMs - 1)?.untilMs).toBe(active.untilMs);
    expect(activeBlackout(windows, active.untilMs)).toBeUndefined();
    times.push(`${iso(startMs)} ${iso(active.untilMs)}`);
    at = active.untilMs;
  }
  return times;
}

const daily = (timeZone: string, cron: string, from: string, durationMs?: number) =>
  timesFrom([recurring(timeZone, cron, durationMs)], from, 3);

describe("a window from 02:30, for an hour,", () => {
  it("begins at the jump when Berlin's clock goes from 02:00 to 03:00", () => {
    expect(daily("Europe/Berlin", "30 2 * * *", "2026-03-27T12:00Z")).toEqual([
      "2026-03-28T01:30Z 2026-03-28T02:30Z",
      "2026-03-29T01:00Z 2026-03-29T02:00Z",
      "2026-03-30T00:30Z 2026-03-30T01:30Z",
    ]);
  });

  it("covers both half past two when Berlin's clock goes from 03:00 to 02:00", () => {
    expect(daily("Europe/Berlin", "30 2 * * *", "2026-10-23T12:00Z")).toEqual([
      "2026-10-24T00:30Z 2026-10-24T01:30Z",
      "2026-10-25T00:30Z 2026-10-25T02:30Z",
      "2026-10-26T01:30Z 2026-10-26T02:30Z",
    ]);
  });

  it("begins at the jump in spring, and as always in autumn, in New York", () => {
    expect(daily("America/New_York", "30 2 * * *", "2026-03-06T20:00Z")).toEqual([
      "2026-03-07T07:30Z 2026-03-07T08:30Z",
      "2026-03-08T07:00Z 2026-03-08T08:00Z",
      "2026-03-09T06:30Z 2026-03-09T07:30Z",
    ]);
    expect(daily("America/New_York", "30 2 * * *", "2026-10-30T20:00Z")).toEqual([
      "2026-10-31T06:30Z 2026-10-31T07:30Z",
      "2026-11-01T07:30Z 2026-11-01T08:30Z",
      "2026-11-02T07:30Z 2026-11-02T08:30Z",
    ]);
  });

  it("moves by half an hour on Lord Howe Island", () => {
    expect(daily("Australia/Lord_Howe", "30 2 * * *", "2026-04-03T12:00Z")).toEqual([
      "2026-04-03T15:30Z 2026-04-03T16:30Z",
      "2026-04-04T16:00Z 2026-04-04T17:00Z",
      "2026-04-05T16:00Z 2026-04-05T17:00Z",
    ]);
    expect(daily("Australia/Lord_Howe", "30 2 * * *", "2026-10-02T12:00Z")).toEqual([
      "2026-10-02T16:00Z 2026-10-02T17:00Z",
      "2026-10-03T15:30Z 2026-10-03T16:30Z",
      "2026-10-04T15:30Z 2026-10-04T16:30Z",
    ]);
  });

  it("is the same every day where the clock does not change", () => {
    expect(daily("Asia/Kathmandu", "30 2 * * *", "2026-03-27T12:00Z")).toEqual([
      "2026-03-27T20:45Z 2026-03-27T21:45Z",
      "2026-03-28T20:45Z 2026-03-28T21:45Z",
      "2026-03-29T20:45Z 2026-03-29T21:45Z",
    ]);
    expect(daily("UTC", "30 2 * * *", "2026-10-24T12:00Z")).toEqual([
      "2026-10-25T02:30Z 2026-10-25T03:30Z",
      "2026-10-26T02:30Z 2026-10-26T03:30Z",
      "2026-10-27T02:30Z 2026-10-27T03:30Z",
    ]);
  });
});

describe("a window where the clock changes", () => {
  it("lasts as long as it says, however long the night is", () => {
    const night = (from: string) => daily("Europe/Berlin", "0 22 * * *", from, 10 * HOUR_MS)[0];
    expect(night("2026-03-28T12:00Z")).toBe("2026-03-28T21:00Z 2026-03-29T07:00Z");
    expect(night("2026-10-24T12:00Z")).toBe("2026-10-24T20:00Z 2026-10-25T06:00Z");
  });

  it("is held once for all the times that one jump skips", () => {
    const first = daily("Europe/Berlin", "*/10 2 * * *", "2026-03-28T12:00Z", HOUR_MS / 6)[0];
    expect(first).toBe("2026-03-29T01:00Z 2026-03-29T01:10Z");
  });

  it("comes each time that its beginning is shown", () => {
    expect(daily("Europe/Berlin", "0 2 * * *", "2026-10-24T12:00Z", HOUR_MS / 2)).toEqual([
      "2026-10-25T00:00Z 2026-10-25T00:30Z",
      "2026-10-25T01:00Z 2026-10-25T01:30Z",
      "2026-10-26T01:00Z 2026-10-26T01:30Z",
    ]);
    expect(daily("Europe/Berlin", "5 * * * *", "2026-10-25T00:00Z", HOUR_MS / 4)).toEqual([
      "2026-10-25T00:05Z 2026-10-25T00:20Z",
      "2026-10-25T01:05Z 2026-10-25T01:20Z",
      "2026-10-25T02:05Z 2026-10-25T02:20Z",
    ]);
    expect(daily("America/New_York", "30 1 * * *", "2026-10-31T20:00Z", HOUR_MS / 2)).toEqual([
      "2026-11-01T05:30Z 2026-11-01T06:00Z",
      "2026-11-01T06:30Z 2026-11-01T07:00Z",
      "2026-11-02T06:30Z 2026-11-02T07:00Z",
    ]);
    // In the first and in the second of two equal hours.
    const often = recurring("Europe/Berlin", "20,40 2 * * *", HOUR_MS / 12);
    expect(iso(nextChange([often], Date.parse("2026-10-25T00:26Z")))).toBe("2026-10-25T00:40Z");
    expect(iso(nextChange([often], Date.parse("2026-10-25T00:46Z")))).toBe("2026-10-25T01:20Z");
    const west = recurring("America/New_York", "*/10 1 * * *", HOUR_MS / 12);
    const second = activeBlackout([west], Date.parse("2026-11-01T06:11Z"));
    expect(iso(second?.untilMs)).toBe("2026-11-01T06:15Z");
    // Half an hour is shown twice, so two windows of an hour overlap.
    expect(daily("Australia/Lord_Howe", "45 1 * * *", "2026-04-04T12:00Z")[0]).toBe(
      "2026-04-04T14:45Z 2026-04-04T16:15Z",
    );
  });
});

describe("windows around a change, minute by minute", () => {
  const CHANGES = [
    ["Europe/Berlin", "2026-03-29T01:00Z"],
    ["Europe/Berlin", "2026-10-25T01:00Z"],
    ["America/New_York", "2026-03-08T07:00Z"],
    ["America/New_York", "2026-11-01T06:00Z"],
    ["Australia/Lord_Howe", "2026-04-04T15:00Z"],
    ["Australia/Lord_Howe", "2026-10-03T15:30Z"],
    ["Asia/Kathmandu", "2026-03-29T01:00Z"],
  ] as const;

  /** The wall clock of a zone for every minute of three days around a moment. */
  function wallAround(timeZone: string, middle: string) {
    // Sweden writes dates as ISO does; another way to the same clock than the code's own.
    const format = new Intl.DateTimeFormat("sv-SE", {
      timeZone,
      dateStyle: "short",
      timeStyle: "short",
    });
    const fromMs = Date.parse(middle) - 36 * HOUR_MS;
    return Array.from({ length: 3 * 24 * 60 }, (_, minute) => {
      const at = fromMs + minute * MINUTE_MS;
      return { at, wall: Date.parse(`${format.format(at).replace(" ", "T")}Z`) };
    });
  }

  it.each(CHANGES)("agree with a search through the clock: %s, %s", (timeZone, middle) => {
    const clock = wallAround(timeZone, middle);
    const inner = clock.slice(12 * 60, -12 * 60);
    // By the definition: each minute that shows it; if none does, the first that is past it.
    const shownAt = Map.groupBy(clock, ({ wall }) => wall);
    const beginnings = (wall: number) =>
      shownAt.get(wall) ?? clock.filter((one) => one.wall > wall).slice(0, 1);
    const minutes = fc.integer({ min: 0, max: 59 });
    const times = fc.record({
      minutes: fc.uniqueArray(minutes, { minLength: 1, maxLength: 3 }),
      hour: fc.integer({ min: 0, max: 5 }),
      lasting: fc.integer({ min: 1, max: 240 }),
      at: fc.integer({ min: 0, max: 192 }),
    });
    fc.assert(
      fc.property(times, ({ minutes, hour, lasting, at }) => {
        const durationMs = lasting * MINUTE_MS;
        const window = recurring(timeZone, `${minutes.join(",")} ${hour} * * *`, durationMs);
        const days = new Set(clock.map(({ wall }) => Math.floor(wall / (24 * HOUR_MS))));
        const all = [...days]
          .flatMap((day) => minutes.map((minute) => (day * 24 + hour) * HOUR_MS + minute * 60_000))
          // A start before the first minute of the clock cannot be placed on it.
          .filter((start) => start >= (clock[0]?.wall ?? 0))
          .flatMap((wall) => beginnings(wall));
        for (const { at: now } of inner.filter((_, n) => n % 193 === at)) {
          const active = activeBlackout([window], now);
          expect(active !== undefined).toBe(
            all.some(({ at }) => at <= now && now < at + durationMs),
          );
          const next = Math.min(...all.map(({ at }) => at).filter((at) => at > now));
          if (active === undefined && next < Infinity) expect(nextChange([window], now)).toBe(next);
        }
      }),
      { numRuns: 10 },
    );
  });
});

describe("windows together", () => {
  it("are one where they overlap or touch, named after the one that ends last", () => {
    const morning = once("2026-01-01T08:00Z", "2026-01-01T10:00Z");
    const noon = once("2026-01-01T09:00Z", "2026-01-01T12:00Z");
    const after = once("2026-01-01T12:00Z", "2026-01-01T13:00Z");
    const later = once("2026-01-01T14:00Z", "2026-01-01T15:00Z");
    const all = [later, after, noon, morning];
    const at = (text: string) => activeBlackout(all, Date.parse(text));
    expect(at("2026-01-01T08:30Z")).toEqual({ window: morning, untilMs: after.endMs });
    expect(at("2026-01-01T09:30Z")).toEqual({ window: noon, untilMs: after.endMs });
    expect(at("2026-01-01T13:00Z")).toBeUndefined();
    expect(timesFrom(all, "2026-01-01T00:00Z", 9)).toEqual([
      "2026-01-01T08:00Z 2026-01-01T13:00Z",
      "2026-01-01T14:00Z 2026-01-01T15:00Z",
    ]);
  });

  it("that recur and overlap themselves have an end all the same", () => {
    const window = recurring("UTC", "*/15 8-9 * * *", 30 * MINUTE_MS);
    expect(timesFrom([window], "2026-01-01T00:00Z", 2)).toEqual([
      "2026-01-01T08:00Z 2026-01-01T10:15Z",
      "2026-01-02T08:00Z 2026-01-02T10:15Z",
    ]);
  });

  it("that never end say when to ask again", () => {
    const at = Date.parse("2026-01-01T00:00Z");
    const active = activeBlackout([recurring("UTC", "* * * * *", 2 * MINUTE_MS)], at);
    expect(active?.untilMs).toBeGreaterThan(at + 5 * MINUTE_MS);
  });

  it("of which none comes any more never change", () => {
    const past = once("2026-01-01T08:00Z", "2026-01-01T10:00Z");
    expect(nextChange([past], past.endMs)).toBeUndefined();
    expect(nextChange([], 0)).toBeUndefined();
  });

  it("know weekdays and months", () => {
    const weekend = recurring("Europe/Berlin", "0 0 * * SAT", 48 * HOUR_MS);
    expect(timesFrom([weekend], "2026-03-26T00:00Z", 1)).toEqual([
      "2026-03-27T23:00Z 2026-03-29T23:00Z",
    ]);
  });
});

describe("validateBlackout", () => {
  const fields = (window: BlackoutWindow) => validateBlackout(window).map(({ field }) => field);

  it("finds nothing wrong with good windows", () => {
    expect(fields(recurring("Europe/Berlin", "30 2 * * *"))).toEqual([]);
    expect(fields(recurring("UTC", "0 0 29 2 *"))).toEqual([]);
    expect(fields(recurring("UTC", "0 0 1 * *", MAX_RECURRING_MS))).toEqual([]);
    expect(fields(once("2026-01-01T08:00Z", "2027-01-02T08:00Z"))).toEqual([]);
  });

  it("names every field that is wrong", () => {
    expect(fields(recurring("Mars/Olympus", "61 2 * * *", -1))).toEqual([
      "cron",
      "time_zone",
      "duration",
    ]);
  });

  it.each([
    "",
    "* * * *",
    "0 * * * * *",
    "@daily",
    "0 0 * * ?",
    "0 0 30 2 *",
    "a b c d e",
    "0 25 * * *",
  ])("refuses the pattern %j", (cron) => {
    expect(fields(recurring("UTC", cron))).toEqual(["cron"]);
  });

  it.each(["", "+01:00", "Europe/Atlantis", "CEST "])("refuses the zone %j", (timeZone) => {
    expect(fields(recurring(timeZone, "0 0 * * *"))).toEqual(["time_zone"]);
  });

  it("refuses lengths of nothing and of too much", () => {
    for (const ms of [0, -1, Number.NaN, Infinity, 8 * 24 * HOUR_MS]) {
      expect(fields(recurring("UTC", "0 0 * * *", ms))).toEqual(["duration"]);
    }
    expect(fields(once("2026-01-01T08:00Z", "2026-01-01T08:00Z"))).toEqual(["end"]);
    expect(fields(once("2026-01-01T08:00Z", "2027-01-03T08:00Z"))).toEqual(["end"]);
    expect(fields(once("never", "2027-01-03T08:00Z"))).toEqual(["start"]);
  });
});
