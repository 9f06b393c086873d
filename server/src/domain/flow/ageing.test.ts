import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  AGED_PRIORITY,
  AGEING_INTERVAL_MS,
  effectivePriority,
  nextStepMs,
  PRIORITIES,
  STARVATION_BOUND_MS,
} from "./ageing.ts";

const priority = fc.integer({ min: PRIORITIES.lowest, max: PRIORITIES.highest });
const waited = fc.integer({ min: -1_000, max: 2 * STARVATION_BOUND_MS });

describe("effectivePriority", () => {
  it("is a step higher every 30 s", () => {
    expect(effectivePriority(0, 0)).toBe(0);
    expect(effectivePriority(0, AGEING_INTERVAL_MS - 1)).toBe(0);
    expect(effectivePriority(0, AGEING_INTERVAL_MS)).toBe(1);
    expect(effectivePriority(-10, 10 * AGEING_INTERVAL_MS)).toBe(0);
  });

  it("never falls by waiting, and never exceeds one above the highest", () => {
    fc.assert(
      fc.property(priority, waited, fc.nat(STARVATION_BOUND_MS), (given, ms, more) => {
        const now = effectivePriority(given, ms);
        expect(now).toBeGreaterThanOrEqual(given);
        expect(now).toBeLessThanOrEqual(AGED_PRIORITY);
        expect(effectivePriority(given, ms + more)).toBeGreaterThanOrEqual(now);
      }),
    );
  });

  it("puts what has waited as long as the bound above all that is fresh, and not before", () => {
    expect(STARVATION_BOUND_MS).toBe(630_000);
    const fresh = effectivePriority(PRIORITIES.highest, AGEING_INTERVAL_MS - 1);
    expect(effectivePriority(PRIORITIES.lowest, STARVATION_BOUND_MS)).toBeGreaterThan(fresh);
    expect(effectivePriority(PRIORITIES.lowest, STARVATION_BOUND_MS - 1)).toBe(fresh);
  });
});

describe("nextStepMs", () => {
  it("is when the effective priority changes, to the millisecond", () => {
    fc.assert(
      fc.property(priority, waited, (given, ms) => {
        const now = effectivePriority(given, ms);
        const stepMs = nextStepMs(given, ms);
        if (stepMs === Infinity) {
          expect(now).toBe(AGED_PRIORITY);
          return;
        }
        expect(effectivePriority(given, ms + stepMs - 1)).toBe(now);
        expect(effectivePriority(given, ms + stepMs)).toBe(now + 1);
      }),
    );
  });
});
