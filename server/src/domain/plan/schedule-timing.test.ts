import { describe, expect, it } from "vitest";
import {
  countFirings,
  jitterOf,
  nextFiring,
  nextFirings,
  previousFiring,
  type ScheduleTiming,
  timingFaults,
} from "./schedule-timing.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const at = (text: string) => new Date(text);

type Bounds = { start?: Date; end?: Date; jitterMs?: number };
const cron = (expression: string, timeZone = "UTC", bounds: Bounds = {}): ScheduleTiming => {
  return { kind: "cron", expression, timeZone, jitterMs: 0, ...bounds };
};
const every = (everyMs: number, bounds: Bounds & { anchor?: Date } = {}): ScheduleTiming => {
  return { kind: "interval", everyMs, jitterMs: 0, ...bounds };
};

const times = (timing: ScheduleTiming, after: string, max: number) =>
  nextFirings(timing, at(after), max).map((date) => date.toISOString().slice(0, 16));

describe("a fixed time of the clock", () => {
  it("that is skipped fires once, at the jump", () => {
    expect(times(cron("30 2 * * *", "Europe/Berlin"), "2026-03-27T12:00Z", 3)).toEqual([
      "2026-03-28T01:30",
      "2026-03-29T01:00",
      "2026-03-30T00:30",
    ]);
    const several = cron("0,15,30 2,3 * * *", "Europe/Berlin");
    expect(times(several, "2026-03-29T00:00Z", 3)).toEqual([
      "2026-03-29T01:00",
      "2026-03-29T01:15",
      "2026-03-29T01:30",
    ]);
  });

  it("that is shown twice fires the first time", () => {
    expect(times(cron("30 2 * * *", "Europe/Berlin"), "2026-10-24T12:00Z", 2)).toEqual([
      "2026-10-25T00:30",
      "2026-10-26T01:30",
    ]);
  });

  it("follows a change of half an hour", () => {
    // On Lord Howe Island the clock goes from 02:00 to 02:30, and back from 02:00 to 01:30.
    const island = cron("15 2 * * *", "Australia/Lord_Howe");
    expect(times(island, "2026-10-03T00:00Z", 2)).toEqual(["2026-10-03T15:30", "2026-10-04T15:15"]);
    const late = cron("45 1 * * *", "Australia/Lord_Howe");
    expect(times(late, "2026-04-04T00:00Z", 2)).toEqual(["2026-04-04T14:45", "2026-04-05T15:15"]);
  });

  it("fires every day of the year where a gap ends at midnight", () => {
    const days = times(cron("30 23 * * *", "America/Scoresbysund"), "2026-01-01T12:00Z", 365);
    expect(new Set(days.map((day) => day.slice(0, 10))).size).toBe(365);
    expect(days).toContain("2026-03-29T01:00");
  });
});

describe("a pattern with wildcards or steps", () => {
  it("follows elapsed time through both hours of autumn and over the gap of spring", () => {
    expect(times(cron("0 * * * *", "Europe/Berlin"), "2026-10-24T23:30Z", 3)).toEqual([
      "2026-10-25T00:00",
      "2026-10-25T01:00",
      "2026-10-25T02:00",
    ]);
    expect(times(cron("*/30 * * * *", "Europe/Berlin"), "2026-03-29T00:15Z", 3)).toEqual([
      "2026-03-29T00:30",
      "2026-03-29T01:00",
      "2026-03-29T01:30",
    ]);
    expect(times(cron("*/30 2 * * *", "Europe/Berlin"), "2026-03-28T12:00Z", 1)).toEqual([
      "2026-03-30T00:00",
    ]);
  });
});

describe("cron", () => {
  it("knows seconds, names, the last day, the nth weekday and nicknames", () => {
    const from = "2026-01-01T00:00Z";
    expect(nextFiring(cron("*/20 * * * * *"), at(from))?.toISOString()).toBe(
      "2026-01-01T00:00:20.000Z",
    );
    expect(times(cron("0 0 L FEB *"), from, 1)).toEqual(["2026-02-28T00:00"]);
    expect(times(cron("0 0 * * MON#2"), from, 1)).toEqual(["2026-01-12T00:00"]);
    expect(times(cron("0 0 * * FRIL"), from, 1)).toEqual(["2026-01-30T00:00"]);
    expect(times(cron("@daily"), from, 1)).toEqual(["2026-01-02T00:00"]);
    expect(times(cron("0 0 29 2 *"), from, 2)).toEqual(["2028-02-29T00:00", "2032-02-29T00:00"]);
  });

  it("fires after a moment, not at it, whatever its milliseconds", () => {
    const timing = cron("* * * * *");
    expect(times(timing, "2026-01-01T00:00:00.000Z", 1)).toEqual(["2026-01-01T00:01"]);
    expect(times(timing, "2025-12-31T23:59:59.999Z", 1)).toEqual(["2026-01-01T00:00"]);
    expect(previousFiring(timing, at("2026-01-01T00:00Z"))).toEqual(at("2026-01-01T00:00Z"));
    expect(previousFiring(timing, at("2025-12-31T23:59:59.999Z"))).toEqual(at("2025-12-31T23:59Z"));
  });

  it("counts a year of seconds", () => {
    const [from, until] = [at("2025-06-01T00:00Z"), at("2026-06-01T00:00Z")];
    expect(countFirings(cron("* * * * * *", "Europe/Berlin"), from, until)).toBe(365 * 86_400);
    expect(countFirings(cron("0 12 * * *", "Europe/Berlin"), from, until)).toBe(365);
  });
});

describe("an interval", () => {
  it("lies on the grid through the epoch, or through its anchor", () => {
    const grid = every(6 * HOUR_MS);
    expect(times(grid, "2026-03-29T00:00Z", 2)).toEqual(["2026-03-29T06:00", "2026-03-29T12:00"]);
    const anchored = every(6 * HOUR_MS, { anchor: at("2027-01-01T01:30Z") });
    expect(times(anchored, "2026-03-29T00:00Z", 1)).toEqual(["2026-03-29T01:30"]);
    expect(previousFiring(anchored, at("2026-03-29T01:29Z"))).toEqual(at("2026-03-28T19:30Z"));
    expect(countFirings(anchored, at("2026-03-29T01:30Z"), at("2026-03-30T01:30Z"))).toBe(4);
    expect(countFirings(anchored, at("2026-03-29T01:30Z"), at("2026-03-29T07:29Z"))).toBe(0);
  });
});

describe("start and end", () => {
  const bounds = { start: at("2026-01-01T02:00Z"), end: at("2026-01-01T04:00Z") };

  it.each([cron("0 * * * *", "UTC", bounds), every(HOUR_MS, bounds)])("bound %j", (timing) => {
    expect(times(timing, "2025-01-01T00:00Z", 9)).toEqual(["2026-01-01T02:00", "2026-01-01T03:00"]);
    expect(nextFiring(timing, at("2026-01-01T03:00Z"))).toBeUndefined();
    expect(previousFiring(timing, at("2027-01-01T00:00Z"))).toEqual(at("2026-01-01T03:00Z"));
    expect(previousFiring(timing, at("2026-01-01T01:59Z"))).toBeUndefined();
    expect(countFirings(timing, at("2025-01-01T00:00Z"), at("2027-01-01T00:00Z"))).toBe(2);
    expect(countFirings(timing, at("2026-02-01T00:00Z"), at("2027-01-01T00:00Z"))).toBe(0);
  });
});

describe("timingFaults", () => {
  const paths = (timing: ScheduleTiming) => timingFaults(timing).map(({ path }) => path);

  it("finds nothing wrong with good timings", () => {
    for (const expression of [
      "30 2 * * *",
      "0 0 29 2 *",
      "*/5 * * * * *",
      "0 0 L * *",
      "@hourly",
    ]) {
      expect(paths(cron(expression, "Europe/Berlin"))).toEqual([]);
    }
    expect(paths(every(1_000, { jitterMs: 1_000 }))).toEqual([]);
    expect(paths(cron("0 9 * * MON", "UTC", { jitterMs: DAY_MS }))).toEqual([]);
  });

  it.each([
    "",
    "* * * *",
    "0 0 0 * * * 2027",
    "61 * * * *",
    "0 0 30 2 *",
    "0 0 * * MON#6",
    "@reboot",
    "2026-01-01T00:00:00",
    `${"1,".repeat(200)}1 * * * *`,
  ])("refuses the pattern %j", (expression) => {
    expect(paths(cron(expression))).toEqual(["cron.expression"]);
  });

  it("says why in the words of the library", () => {
    expect(timingFaults(cron("61 * * * *"))).toEqual([
      { path: "cron.expression", description: "Invalid value for minute: 61" },
    ]);
    expect(timingFaults(cron("0 0 31 2,4 *"))[0]?.description).toBe(
      "names a time that never comes",
    );
  });

  it.each(["* * * *", "0 0 0 * * * 2027"])("counts the fields of %j itself", (expression) => {
    const fields = expression.split(" ").length;
    expect(timingFaults(cron(expression))[0]?.description).toBe(
      `must have five fields, or six with seconds in front, not ${fields}`,
    );
  });

  it.each(["", "+01:00", "Europe/Atlantis"])("refuses the zone %j", (timeZone) => {
    expect(paths(cron("0 0 * * *", timeZone))).toEqual(["cron.time_zone"]);
  });

  it("refuses intervals of no length, of part of a millisecond, and of more than a year", () => {
    for (const ms of [0, 999, -1_000, 1_000.5, Number.NaN, Infinity, 367 * DAY_MS]) {
      expect(paths(every(ms))).toEqual(["interval.every"]);
    }
    expect(paths(every(1_000, { anchor: at("never") }))).toEqual(["interval.anchor_time"]);
  });

  it("refuses a jitter that could change the order of firings", () => {
    expect(paths(every(60_000, { jitterMs: 60_001 }))).toEqual(["jitter"]);
    expect(paths(cron("0 8,9 * * *", "UTC", { jitterMs: HOUR_MS + 1 }))).toEqual(["jitter"]);
    expect(paths(cron("0 23,0 * * *", "UTC", { jitterMs: HOUR_MS + 1 }))).toEqual(["jitter"]);
    expect(paths(cron("0 9 * * MON", "UTC", { jitterMs: DAY_MS + 1 }))).toEqual(["jitter"]);
    for (const jitterMs of [-1, 0.5, Number.NaN]) {
      expect(paths(cron("@daily", "UTC", { jitterMs }))).toEqual(["jitter"]);
    }
  });

  it("refuses bounds without a firing between them", () => {
    const start = at("2026-01-01T00:00Z");
    expect(paths(every(1_000, { start, end: start }))).toEqual(["end_time"]);
    expect(paths(every(1_000, { start: at("never") }))).toEqual(["start_time"]);
    const end = at("2026-01-01T12:00Z");
    expect(paths(cron("0 13 * * *", "UTC", { start, end }))).toEqual(["end_time"]);
    expect(paths(cron("0 0 * * *", "UTC", { start, end }))).toEqual([]);
  });

  it("finds everything at once", () => {
    const bounds = { start: at("2026-01-02T00:00Z"), end: at("2026-01-01T00:00Z"), jitterMs: -1 };
    expect(paths(cron("a b c d e", "Mars/Olympus", bounds))).toEqual([
      "cron.expression",
      "cron.time_zone",
      "jitter",
      "end_time",
    ]);
  });
});

describe("jitterOf", () => {
  const firings = nextFirings(every(60_000), at("2026-01-01T00:00Z"), 2_000);

  it("is the same for everybody", () => {
    // A figure from outside: it may not change from version to version.
    expect(jitterOf("schedule", at("2026-01-01T00:00Z"), 60_000)).toBe(5_041);
    expect(jitterOf("schedule", at("2026-01-01T00:00Z"), 0)).toBe(0);
  });

  it("is spread evenly from zero to its bound, both included", () => {
    const counts = [0, 0, 0, 0];
    for (const nominal of firings) {
      const jitter = jitterOf("a", nominal, 3);
      counts[jitter] = (counts[jitter] ?? 0) + 1;
    }
    // 500 each; five standard deviations are 97.
    expect(counts).toHaveLength(4);
    for (const count of counts) expect(Math.abs(count - 500)).toBeLessThan(97);
  });

  it("differs between schedules", () => {
    const same = firings.filter((n) => jitterOf("a", n, 59_999) === jitterOf("b", n, 59_999));
    expect(same.length).toBeLessThan(5);
  });
});
