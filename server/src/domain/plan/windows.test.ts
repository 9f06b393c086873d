import { describe, expect, it } from "vitest";
import {
  alignDown,
  alignUp,
  countsAsCovered,
  countWindows,
  dueUntil,
  estimateBackfill,
  MAX_WIDTH_MS,
  widthFault,
  windowFault,
  windowKey,
  windowsBetween,
} from "./windows.ts";

const HOUR_MS = 3_600_000;
const at = (text: string) => new Date(text);
const range = (start: string, end: string) => ({ start: at(start), end: at(end) });
const starts = (windows: readonly { start: Date }[]) =>
  windows.map(({ start }) => start.toISOString().slice(0, 16));

describe("the grid of windows", () => {
  it("is aligned on the epoch, before it as well", () => {
    expect(alignDown(at("2026-01-01T01:59:59.999Z"), HOUR_MS)).toEqual(at("2026-01-01T01:00Z"));
    expect(alignUp(at("2026-01-01T01:00:00.001Z"), HOUR_MS)).toEqual(at("2026-01-01T02:00Z"));
    expect(alignUp(at("2026-01-01T01:00Z"), HOUR_MS)).toEqual(at("2026-01-01T01:00Z"));
    expect(alignDown(at("1969-12-31T23:30Z"), HOUR_MS)).toEqual(at("1969-12-31T23:00Z"));
    // The epoch was a Thursday.
    expect(alignDown(at("2026-01-04T00:00Z"), 7 * 24 * HOUR_MS)).toEqual(at("2026-01-01T00:00Z"));
  });

  it("has every window that any part of a range is in", () => {
    const part = range("2026-01-01T00:30Z", "2026-01-01T02:00:00.001Z");
    expect(starts(windowsBetween(part, HOUR_MS, undefined, 9))).toEqual([
      "2026-01-01T00:00",
      "2026-01-01T01:00",
      "2026-01-01T02:00",
    ]);
    expect(countWindows(part, HOUR_MS)).toBe(3);
    const whole = range("2026-01-01T00:00Z", "2026-01-01T02:00Z");
    expect(windowsBetween(whole, HOUR_MS, undefined, 9)).toEqual([
      range("2026-01-01T00:00Z", "2026-01-01T01:00Z"),
      range("2026-01-01T01:00Z", "2026-01-01T02:00Z"),
    ]);
  });

  it("has none for a range without length", () => {
    const empty = range("2026-01-01T00:30Z", "2026-01-01T00:30Z");
    expect(windowsBetween(empty, HOUR_MS, undefined, 9)).toEqual([]);
    expect(countWindows(empty, HOUR_MS)).toBe(0);
    expect(countWindows(range("2026-01-02T00:00Z", "2026-01-01T00:00Z"), HOUR_MS)).toBe(0);
  });

  it("comes in pages that leave nothing out", () => {
    const year = range("2026-01-01T00:00Z", "2027-01-01T00:00Z");
    const keys = new Set<string>();
    let from: Date | undefined;
    let pages = 0;
    for (;;) {
      const page = windowsBetween(year, HOUR_MS, from, 1_000);
      if (page.length === 0) break;
      for (const window of page) keys.add(windowKey(window));
      from = page.at(-1)?.end;
      pages++;
    }
    expect(pages).toBe(9);
    expect(keys.size).toBe(365 * 24);
    expect(countWindows(year, HOUR_MS)).toBe(365 * 24);
    expect(windowsBetween(year, HOUR_MS, undefined, 0)).toEqual([]);
  });
});

describe("widthFault and windowFault", () => {
  it("accept whole seconds up to 365 days, and what lies on the grid", () => {
    for (const ms of [1_000, HOUR_MS, MAX_WIDTH_MS]) expect(widthFault(ms)).toBeUndefined();
    expect(windowFault(range("2026-01-01T01:00Z", "2026-01-01T02:00Z"), HOUR_MS)).toBeUndefined();
  });

  it("refuse other widths", () => {
    for (const ms of [0, -1_000, 999, 1_500, MAX_WIDTH_MS + 1_000, Number.NaN, Infinity]) {
      expect(widthFault(ms)).toBeTypeOf("string");
    }
  });

  it.each([
    ["2026-01-01T01:30Z", "2026-01-01T02:30Z", /^must start at a multiple of/],
    ["2026-01-01T01:00Z", "2026-01-01T03:00Z", /^must be 3600000 ms wide, not 7200000$/],
    ["2026-01-01T01:00Z", "2026-01-01T01:00Z", /wide, not 0$/],
    ["never", "2026-01-01T01:00Z", /no moment/],
  ])("refuse the window %s to %s", (start, end, why) => {
    expect(windowFault(range(start, end), HOUR_MS)).toMatch(why);
  });
});

describe("lateness", () => {
  const window = range("2026-01-01T00:00Z", "2026-01-01T01:00Z");
  const latenessMs = 600_000;
  const covers = (started: string) =>
    countsAsCovered({ window, attemptStartedAt: at(started), latenessMs });

  it("holds a window back until its data had time to come", () => {
    expect(dueUntil(at("2026-01-01T01:10Z"), latenessMs)).toEqual(window.end);
  });

  it("lets only an attempt cover a window that started when it was due", () => {
    expect(covers("2026-01-01T01:09:59.999Z")).toBe(false);
    expect(covers("2026-01-01T01:10Z")).toBe(true);
    expect(covers("2026-06-01T00:00Z")).toBe(true);
  });
});

describe("estimateBackfill", () => {
  it("counts full rounds", () => {
    expect(estimateBackfill({ windows: 100, meanMs: 2_000, parallel: 10 })).toBe(20_000);
    expect(estimateBackfill({ windows: 101, meanMs: 2_000, parallel: 10 })).toBe(22_000);
    expect(estimateBackfill({ windows: 1, meanMs: 2_000, parallel: 10 })).toBe(2_000);
  });

  it("says nothing without history, unless there is nothing to do", () => {
    expect(estimateBackfill({ windows: 5, meanMs: undefined, parallel: 10 })).toBeUndefined();
    expect(estimateBackfill({ windows: 0, meanMs: undefined, parallel: 10 })).toBe(0);
  });
});
