import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rangesOf } from "./ranges.ts";

const lane = {
  tenant: "t",
  queue: "q",
  jobType: "a",
  priority: 0,
  source: "",
  concurrencyKey: "",
};

const parts = (seqs: readonly number[]) =>
  rangesOf(lane, seqs).map(({ after, upTo, limit }) => [after, upTo, limit]);

describe("rangesOf", () => {
  it("makes one range of neighbours", () => {
    expect(parts([5, 6, 7])).toEqual([[4, 7, 3]]);
    expect(parts([])).toEqual([]);
  });

  it("bridges small gaps and cuts at wide ones", () => {
    expect(parts([5, 9, 900, 901])).toEqual([
      [4, 9, 2],
      [899, 901, 2],
    ]);
  });

  it("holds every number in exactly one of at most eight ranges, in order", () => {
    const seqs = fc
      .uniqueArray(fc.integer({ min: 1, max: 100_000 }), { maxLength: 300 })
      .map((all) => all.sort((a, b) => a - b));
    fc.assert(
      fc.property(seqs, (all) => {
        const ranges = rangesOf(lane, all);
        expect(ranges.length).toBeLessThanOrEqual(8);
        for (const { after, upTo, limit } of ranges) {
          expect(all.filter((seq) => after < seq && seq <= upTo)).toHaveLength(limit);
        }
        const ends = ranges.flatMap(({ after, upTo }) => [after, upTo]);
        expect(ends).toEqual(ends.toSorted((a, b) => a - b));
        expect(ranges.reduce((sum, { limit }) => sum + limit, 0)).toBe(all.length);
      }),
    );
  });
});
