import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  adjust,
  type ConcurrencyDelta,
  type ConcurrencyState,
  newConcurrency,
  strictest,
} from "./concurrency.ts";
import type { DynamicSetting } from "./settings.ts";

const T0 = Date.UTC(2026, 0, 1);
const settings: DynamicSetting = { min: 2, max: 100, maxFailureRatio: 0.1 };

const delta = (over: Partial<ConcurrencyDelta> = {}): ConcurrencyDelta => ({
  finished: 20,
  failures: 0,
  latencySumMs: 20 * 100,
  inUse: 100,
  ...over,
});

/** Flushes the same once a second; the state after each. */
function run(state: ConcurrencyState, given: ConcurrencyDelta, from: number, count: number) {
  const states: ConcurrencyState[] = [];
  let now = state;
  for (let second = 1; second <= count; second++) {
    now = adjust(now, given, settings, T0 + (from + second) * 1_000);
    states.push(now);
  }
  return states;
}

const at = (limit: number): ConcurrencyState => ({ ...newConcurrency(settings, T0), limit });
const last = (states: readonly ConcurrencyState[]) => states.at(-1) as ConcurrencyState;

describe("adjust", () => {
  it("lowers to 80 % when more attempts fail than may, and says why", () => {
    const failing = delta({ failures: 3 });
    expect(adjust(at(50), failing, settings, T0 + 1_000)).toMatchObject({
      limit: 40,
      lastLoweredAtMs: T0 + 1_000,
      reason: "3 of 20 attempts failed",
    });
    expect(adjust(at(50), delta({ failures: 2 }), settings, T0 + 1_000).limit).toBe(52);
  });

  it("lowers from what was in use, not from a limit that nothing reached", () => {
    const failing = delta({ failures: 20, inUse: 10 });
    expect(adjust(at(100), failing, settings, T0 + 1_000).limit).toBe(8);
  });

  it("lowers when attempts take longer than the objective", () => {
    const strict = { ...settings, latencyMs: 99 };
    const lowered = adjust(at(50), delta(), strict, T0 + 1_000);
    expect(lowered).toMatchObject({ limit: 40, reason: expect.stringContaining("objective") });
    expect(adjust(at(50), delta(), { ...settings, latencyMs: 100 }, T0 + 1_000).limit).toBe(52);
  });

  it("goes by what the sources of its window ask for, where the settings say nothing", () => {
    const open: DynamicSetting = { min: 2, max: 100 };
    const limitOf = (given: DynamicSetting, ...flushes: readonly ConcurrencyDelta[]) =>
      flushes.reduce(
        (state, one, index) => adjust(state, one, given, T0 + (index + 1) * 500),
        at(50),
      ).limit;
    const one = { failures: 1, finished: 10, latencySumMs: 1_000 };
    const asked = (objectives: ConcurrencyDelta["objectives"]) => delta({ ...one, objectives });
    const none = delta(one);
    // Nobody asks: a tenth may fail.
    expect(limitOf(open, none, none)).toBe(52);
    expect(limitOf(open, delta({ failures: 5 }), none)).toBe(40);
    // One flush of two, from whichever replica, is of a source that asks for more.
    expect(limitOf(open, asked({ successRatio: 0.95 }), none)).toBe(40);
    expect(limitOf(open, asked({ latencyMs: 99 }), none)).toBe(40);
    // Kept to the letter, and by less than the default where that is what is asked.
    expect(limitOf(open, asked({ successRatio: 0.9, latencyMs: 100 }), none)).toBe(52);
    expect(limitOf(open, delta({ failures: 14, objectives: { successRatio: 0.5 } }), none)).toBe(
      52,
    );
    // The settings come first.
    const set = { ...open, maxFailureRatio: 0.5, latencyMs: 1_000 };
    expect(limitOf(set, asked({ successRatio: 1, latencyMs: 1 }), none)).toBe(52);
  });

  it("takes of the objectives of sources the harder ones", () => {
    const a = { latencyMs: 5, successRatio: 0.5 };
    expect(strictest(a, { latencyMs: 9, successRatio: 0.9 })).toEqual({ ...a, successRatio: 0.9 });
    expect(strictest({}, a)).toEqual(a);
    expect(strictest(a, {})).toEqual(a);
    expect(strictest({}, {})).toEqual({});
  });

  it("lowers when attempts take over twice what is usual", () => {
    const usual = last(run(at(50), delta({ inUse: 1 }), 0, 30));
    expect(usual).toMatchObject({ limit: 50, baselineMs: 100 });
    const slow = (ms: number) => delta({ latencySumMs: 20 * ms, inUse: 50 });
    expect(adjust(usual, slow(190), settings, T0 + 31_000).limit).toBe(52);
    const lowered = adjust(usual, slow(210), settings, T0 + 31_000);
    expect(lowered).toMatchObject({ limit: 40, reason: expect.stringContaining("usual 100 ms") });
  });

  it("takes what stays slow for usual after a while, and what gets faster soon", () => {
    const usual = last(run(at(50), delta({ inUse: 1 }), 0, 30));
    const slow = run(usual, delta({ latencySumMs: 20 * 300, inUse: 50 }), 30, 7_200);
    expect(slow[300]?.limit).toBe(settings.min);
    expect(last(slow).limit).toBeGreaterThan(settings.min);
    const fast = run(usual, delta({ latencySumMs: 20 * 10, inUse: 1 }), 30, 120);
    expect(last(fast).baselineMs).toBeLessThan(25);
  });

  it("raises by one, or 5 % of a large limit, only when the limit is in use", () => {
    expect(adjust(at(5), delta({ inUse: 5 }), settings, T0 + 1_000).limit).toBe(6);
    expect(adjust(at(60), delta({ inUse: 54 }), settings, T0 + 1_000).limit).toBe(63);
    expect(adjust(at(60), delta({ inUse: 53 }), settings, T0 + 1_000).limit).toBe(60);
  });

  it("lowers at most once a second, and not for attempts from before", () => {
    let state = at(100);
    const failing = delta({ failures: 20, latencySumMs: 20 * 5_000 });
    const loweredAt: number[] = [];
    for (let ms = 100; ms <= 12_000; ms += 100) {
      const next = adjust(state, failing, settings, T0 + ms);
      if (next.limit < state.limit) loweredAt.push(ms);
      state = next;
    }
    // Attempts take 5 s, and a window another second.
    expect(loweredAt).toEqual([1_000, 7_000]);
  });

  it("waits for enough outcomes, but not for ever", () => {
    const rare = delta({ finished: 1, failures: 1, latencySumMs: 100, inUse: 4 });
    const states = run(at(4), rare, 0, 10);
    expect(states.slice(0, 8).map(({ limit }) => limit)).toEqual(Array(8).fill(4));
    expect(last(states).limit).toBe(3);
  });

  it("excuses one failure among a few outcomes", () => {
    const one = adjust(at(4), delta({ finished: 1, failures: 1, inUse: 1 }), settings, T0 + 10_000);
    expect(one.limit).toBe(4);
    const two = adjust(at(4), delta({ finished: 2, failures: 2, inUse: 4 }), settings, T0 + 10_000);
    expect(two.limit).toBe(3);
  });

  it("stays within its bounds whatever it is told, and follows new ones at once", () => {
    const flush = fc.record({
      finished: fc.integer({ min: 0, max: 100 }),
      failures: fc.integer({ min: 0, max: 100 }),
      latencySumMs: fc.integer({ min: 0, max: 1_000_000 }),
      inUse: fc.integer({ min: 0, max: 200 }),
    });
    fc.assert(
      fc.property(fc.array(flush, { maxLength: 100 }), (flushes) => {
        let state = newConcurrency(settings, T0);
        flushes.forEach((one, index) => {
          state = adjust(state, one, settings, T0 + index * 700);
          expect(state.limit).toBeGreaterThanOrEqual(settings.min);
          expect(state.limit).toBeLessThanOrEqual(settings.max);
        });
      }),
    );
    const narrow = { ...settings, max: 10 };
    expect(adjust(at(50), delta(), narrow, T0 + 1).limit).toBe(10);
  });

  it("survives JSON", () => {
    const state = adjust(at(50), delta({ failures: 9 }), settings, T0 + 1_000);
    expect(JSON.parse(JSON.stringify(state))).toEqual(state);
  });
});

describe("a service that can do so many at a time", () => {
  /**
   * A service that answers in 100 ms up to its capacity, in proportion slower above, and fails what
   * takes over 500 ms. Always more jobs than slots. The limit at each second.
   */
  function simulate(given: DynamicSetting, capacityAt: (second: number) => number) {
    let state = newConcurrency(given, T0);
    return Array.from({ length: 900 }, (_, second) => {
      const { limit } = state;
      const latencyMs = 100 * Math.max(1, limit / capacityAt(second));
      const finished = Math.floor((limit * 1_000) / latencyMs);
      const failures = latencyMs > 500 ? finished : 0;
      const seen = { finished, failures, latencySumMs: finished * latencyMs, inUse: limit };
      for (const half of [0, 500]) {
        state = adjust(state, seen, given, T0 + second * 1_000 + half);
      }
      return limit;
    });
  }
  const mean = (limits: readonly number[]) =>
    limits.reduce((sum, limit) => sum + limit, 0) / limits.length;

  it("is found from above, followed down and up again, by its latency objective", () => {
    const given = { min: 1, max: 400, maxFailureRatio: 0.05, latencyMs: 150 };
    const limits = simulate(given, (second) => (second >= 300 && second < 600 ? 20 : 100));
    const [first, second, third] = [
      limits.slice(60, 300),
      limits.slice(330, 600),
      limits.slice(660),
    ];
    // 150 ms is half as many again as the capacity; it swings between 80 % and 105 % of that.
    for (const [phase, bound] of [
      [first, 150],
      [second, 30],
      [third, 150],
    ] as const) {
      expect(mean(phase)).toBeGreaterThan(bound * 0.75);
      expect(Math.max(...phase)).toBeLessThanOrEqual(bound * 1.06);
    }
  });

  it("is found by its failures alone", () => {
    const given = { min: 1, max: 2_000, maxFailureRatio: 0.05, latencyMs: 100_000 };
    const limits = simulate(given, () => 100).slice(60);
    expect(Math.max(...limits)).toBeLessThanOrEqual(530);
    expect(mean(limits)).toBeGreaterThan(375);
  });

  it("is followed down by what is usual, without an objective", () => {
    const given = { min: 1, max: 100, maxFailureRatio: 0.05 };
    const limits = simulate(given, (second) => (second < 100 ? 100 : 20));
    expect(limits[99]).toBe(100);
    const after = limits.slice(130, 300);
    expect(Math.max(...after)).toBeLessThan(55);
    expect(mean(after)).toBeGreaterThan(20);
  });
});
