import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { countMissing, gapsBetween } from "./window-gaps.ts";

/** Runs of numbers that are in a set and follow each other. */
function runsOf(numbers: readonly number[]) {
  const runs: { startMs: number; endMs: number }[] = [];
  for (const one of numbers) {
    const last = runs.at(-1);
    if (last?.endMs === one) last.endMs = one + 1;
    else runs.push({ startMs: one, endMs: one + 1 });
  }
  return runs;
}

const ascending = (a: number, b: number) => a - b;
const some = fc.uniqueArray(fc.integer({ min: -5, max: 25 }));

describe("gaps", () => {
  it("are what runs leave of a range", () => {
    fc.assert(
      fc.property(some, (covered) => {
        const missing = Array.from({ length: 20 }, (_, n) => n).filter((n) => !covered.includes(n));
        const runs = runsOf(covered.toSorted(ascending));
        expect(gapsBetween(runs, { startMs: 0, endMs: 20 })).toEqual(runsOf(missing));
      }),
    );
  });

  it("are counted from the watermark on as a list would", () => {
    fc.assert(
      fc.property(some, fc.integer({ min: 0, max: 20 }), (numbers, due) => {
        const covered = new Set(numbers);
        let watermark = 0;
        while (covered.has(watermark)) watermark++;
        const missing = Array.from({ length: due }, (_, n) => n).filter((n) => !covered.has(n));
        const after = numbers.filter((n) => n > watermark && n < due).toSorted(ascending);
        const runs = runsOf(after);
        const facts = {
          widthMs: 1,
          watermarkMs: watermark,
          dueMs: due,
          runs: runs.length,
          runWindows: after.length,
          runsUntilMs: runs.at(-1)?.endMs,
        };
        const expected = { missingWindows: missing.length, gaps: runsOf(missing).length };
        expect(countMissing(facts)).toEqual(expected);
      }),
    );
  });
});
