import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { type Coverage, coveredPrefix, coverRange, gapsIn, isCovered } from "./coverage.ts";
import { countsAsCovered, countWindows, type EventWindow, windowsBetween } from "./windows.ts";

const moment = (n: number) => new Date(n * 1_000);
const span = (start: number, end: number): EventWindow => {
  return { start: moment(start), end: moment(end) };
};
const coverageOf = (...spans: readonly [number, number][]): Coverage =>
  spans.reduce<Coverage>((ranges, [start, end]) => coverRange(ranges, span(start, end)), []);

describe("coverage", () => {
  it("joins what overlaps and what touches, and keeps apart what does not", () => {
    expect(coverageOf([0, 2], [4, 6])).toEqual([span(0, 2), span(4, 6)]);
    expect(coverageOf([4, 6], [0, 2], [2, 4])).toEqual([span(0, 6)]);
    expect(coverageOf([0, 2], [4, 6], [8, 9], [1, 5])).toEqual([span(0, 6), span(8, 9)]);
    expect(coverageOf([0, 9], [3, 4])).toEqual([span(0, 9)]);
    expect(coverageOf([3, 3], [5, 4])).toEqual([]);
  });

  it("has its gaps", () => {
    const ranges = coverageOf([2, 4], [6, 8]);
    expect(gapsIn(ranges, span(0, 10))).toEqual([span(0, 2), span(4, 6), span(8, 10)]);
    expect(gapsIn(ranges, span(3, 7))).toEqual([span(4, 6)]);
    expect(gapsIn(ranges, span(6, 8))).toEqual([]);
    expect(gapsIn(ranges, span(5, 5))).toEqual([]);
    expect(gapsIn([], span(0, 1))).toEqual([span(0, 1)]);
  });

  it("has a watermark that stops at the first gap", () => {
    const ranges = coverageOf([2, 4], [6, 8]);
    expect(coveredPrefix(ranges, moment(2))).toEqual(moment(4));
    expect(coveredPrefix(ranges, moment(3))).toEqual(moment(4));
    expect(coveredPrefix(ranges, moment(0))).toEqual(moment(0));
    expect(coveredPrefix(ranges, moment(4))).toEqual(moment(4));
    expect(coveredPrefix(coverRange(ranges, span(4, 6)), moment(2))).toEqual(moment(8));
  });
});

// The model: one bit a second of event time.
const SECONDS = 96;
const bounds = fc.tuple(fc.nat(SECONDS), fc.nat(SECONDS));
const checked = { windows: 0, histories: 0 };

/** Stretches of seconds that are not covered. */
function gapsOf(bits: readonly boolean[], from: number, to: number): EventWindow[] {
  const gaps: EventWindow[] = [];
  for (let start = from; start < to; start++) {
    if (bits[start]) continue;
    let end = start;
    while (end < to && !bits[end]) end++;
    gaps.push(span(start, end));
    start = end;
  }
  return gaps;
}

/** A success of a job: which window, and how long after its end plus lateness the attempt began. */
interface Success {
  readonly window: number;
  readonly waitedS: number;
}

const successes = fc.array(
  fc.record<Success>({ window: fc.nat(31), waitedS: fc.integer({ min: -3, max: 6 }) }),
  { maxLength: 60 },
);

afterAll(() => {
  console.info(`coverage: ${checked.windows} windows checked in ${checked.histories} histories`);
});

describe("coverage, beside a bit a second,", () => {
  it("is the same for any ranges, their gaps and their watermark", () => {
    fc.assert(
      fc.property(fc.array(bounds, { maxLength: 25 }), bounds, (added, [from, to]) => {
        const bits = Array<boolean>(SECONDS).fill(false);
        let ranges: Coverage = [];
        let watermark = coveredPrefix(ranges, moment(from));
        for (const [start, end] of added) {
          ranges = coverRange(ranges, span(start, end));
          bits.fill(true, start, Math.max(start, end));
          const next = coveredPrefix(ranges, moment(from));
          expect(next >= watermark, "monotone").toBe(true);
          watermark = next;
        }
        const covered = gapsOf(
          bits.map((bit) => !bit),
          0,
          SECONDS,
        );
        expect(ranges).toEqual(covered);
        expect(gapsIn(ranges, span(from, to))).toEqual(gapsOf(bits, from, to));
        expect(isCovered(ranges, span(from, to))).toBe(gapsOf(bits, from, to).length === 0);
        const uncovered = bits.indexOf(false, from);
        expect(watermark).toEqual(moment(uncovered < 0 ? SECONDS : uncovered));
      }),
      { numRuns: 1_000, seed: 5 },
    );
  });

  it("takes in windows that come late, early, twice and out of order", () => {
    const widths = fc.integer({ min: 1, max: 3 });
    fc.assert(
      fc.property(successes, widths, fc.nat(5), (history, widthS, latenessS) => {
        const bits = Array<boolean>(SECONDS).fill(false);
        let ranges: Coverage = [];
        for (const { window: number, waitedS } of history) {
          const window = span(number * widthS, (number + 1) * widthS);
          const startedS = (number + 1) * widthS + latenessS + waitedS;
          const success = { window, attemptStartedAt: moment(startedS) };
          const counts = countsAsCovered({ ...success, latenessMs: latenessS * 1_000 });
          expect(counts).toBe(waitedS >= 0);
          if (!counts) continue;
          // Whether it is a duplicate is known before it is added.
          expect(isCovered(ranges, window)).toBe(bits[number * widthS]);
          ranges = coverRange(ranges, window);
          bits.fill(true, number * widthS, (number + 1) * widthS);
        }
        const series = span(0, 32 * widthS);
        const gaps = gapsIn(ranges, series);
        const missing = gaps.flatMap((gap) => windowsBetween(gap, widthS * 1_000, undefined, 99));
        const byBits = Array.from({ length: 32 }, (_, n) => n).filter((n) => !bits[n * widthS]);
        expect(missing).toEqual(byBits.map((n) => span(n * widthS, (n + 1) * widthS)));
        const counted = gaps.reduce((sum, gap) => sum + countWindows(gap, widthS * 1_000), 0);
        expect(counted).toBe(byBits.length);
        checked.windows += 32;
        checked.histories += 1;
      }),
      { numRuns: 3_000, seed: 5 },
    );
  });
});

describe("the grid, beside counting by hand,", () => {
  it("has the windows that any second of a range is in", () => {
    fc.assert(
      fc.property(bounds, fc.integer({ min: 1, max: 9 }), fc.nat(20), (ends, widthS, max) => {
        const [start, end] = ends;
        const numbers = new Set<number>();
        for (let second = start; second < end; second++) numbers.add(Math.floor(second / widthS));
        const expected = [...numbers].map((n) => span(n * widthS, (n + 1) * widthS));
        const range = span(start, end);
        expect(countWindows(range, widthS * 1_000)).toBe(expected.length);
        const page = windowsBetween(range, widthS * 1_000, undefined, max);
        expect(page).toEqual(expected.slice(0, max));
        const from = page.at(-1)?.end;
        expect(windowsBetween(range, widthS * 1_000, from, 999)).toEqual(
          expected.slice(page.length),
        );
        checked.windows += expected.length;
      }),
      { numRuns: 1_000, seed: 5 },
    );
  });
});
