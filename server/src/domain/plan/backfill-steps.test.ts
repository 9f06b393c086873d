import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type OpenWindow, settleWindow, walkWindows } from "./backfill-steps.ts";

describe("the walk over a range", () => {
  it("takes what is not covered, counts what is, and stops at its bound", () => {
    const range = { fromMs: 0, untilMs: 100, widthMs: 10 };
    const covered = [
      { startMs: -50, endMs: 20 },
      { startMs: 40, endMs: 60 },
      { startMs: 90, endMs: 200 },
    ];
    expect(walkWindows({ ...range, covered, max: 3 })).toEqual({
      starts: [20, 30, 60],
      uptoMs: 70,
      skipped: 4,
    });
    expect(walkWindows({ ...range, covered, max: 9 })).toEqual({
      starts: [20, 30, 60, 70, 80],
      uptoMs: 100,
      skipped: 5,
    });
    expect(walkWindows({ ...range, covered: [], max: 0 })).toMatchObject({ uptoMs: 0 });
  });

  it("in parts finds every window once, whatever is covered", () => {
    const run = fc.record({
      gap: fc.integer({ min: 1, max: 5 }),
      length: fc.integer({ min: 1, max: 9 }),
    });
    fc.assert(
      fc.property(fc.array(run), fc.integer({ min: 1, max: 4 }), (runs, max) => {
        let at = -3;
        const covered = runs.map(({ gap, length }) => {
          const startMs = at + gap;
          at = startMs + length;
          return { startMs, endMs: at };
        });
        const isCovered = (n: number) => covered.some((r) => r.startMs <= n && n < r.endMs);
        const all = Array.from({ length: 40 }, (_, n) => n);
        const found: number[] = [];
        let skipped = 0;
        for (let fromMs = 0; fromMs < 40; ) {
          const walked = walkWindows({ fromMs, untilMs: 40, widthMs: 1, covered, max });
          expect(walked.starts.length).toBeLessThanOrEqual(max);
          found.push(...walked.starts);
          skipped += walked.skipped;
          fromMs = walked.uptoMs;
        }
        expect(found).toEqual(all.filter((n) => !isCovered(n)));
        expect(skipped).toBe(all.filter(isCovered).length);
      }),
    );
  });
});

describe("an open window", () => {
  const own = (jobState: OpenWindow["jobState"], covered: boolean): OpenWindow => ({
    state: "in_progress",
    jobState,
    covered,
  });
  const others = (jobState: OpenWindow["jobState"], covered: boolean): OpenWindow => ({
    state: "waiting",
    jobState,
    covered,
  });

  it("of its own job is open until that has ended, and then what that says", () => {
    expect(settleWindow(own("running", false), false)).toBe("open");
    expect(settleWindow(own("running", true), false)).toBe("open");
    expect(settleWindow(own("succeeded", true), false)).toBe("covered");
    expect(settleWindow(own("dead", false), false)).toBe("failed");
    expect(settleWindow(own("cancelled", false), false)).toBe("failed");
    expect(settleWindow(own(undefined, false), false)).toBe("failed");
  });

  it("whose job died is shared if another covered it, unless it is to be repeated", () => {
    expect(settleWindow(own("dead", true), false)).toBe("shared");
    expect(settleWindow(own("dead", true), true)).toBe("failed");
  });

  it("whose job succeeded too early is tried again", () => {
    expect(settleWindow(own("succeeded", false), false)).toBe("retry");
    expect(settleWindow(others("succeeded", false), false)).toBe("retry");
  });

  it("of somebody else's job is shared once it is covered, and its own if that ends badly", () => {
    expect(settleWindow(others("ready", false), false)).toBe("open");
    expect(settleWindow(others("ready", true), false)).toBe("shared");
    expect(settleWindow(others("dead", false), false)).toBe("retry");
    expect(settleWindow(others(undefined, false), false)).toBe("retry");
    expect(settleWindow(others("ready", true), true)).toBe("open");
    expect(settleWindow(others("succeeded", true), true)).toBe("shared");
    expect(settleWindow(others("dead", true), true)).toBe("retry");
  });
});
