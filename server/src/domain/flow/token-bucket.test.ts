import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type BucketState,
  DEFAULT_CEILING,
  FLOOR_RATE,
  giveBack,
  newBucket,
  refill,
  take,
  throttled,
  UNLIMITED_AFTER_MS,
  withSettings,
} from "./token-bucket.ts";

const T0 = Date.UTC(2026, 0, 1);
const fixed = (rate: number, burst = 0) => newBucket({ fixedRate: rate, burst }, T0);
const unset = () => newBucket({ fixedRate: null }, T0);

/** Takes `each` every 100 ms, as a busy tenant would, and tells what was granted in all. */
function busy(state: BucketState, fromMs: number, toMs: number, each: number) {
  let now = state;
  let granted = 0;
  for (let at = fromMs; at < toMs; at += 100) {
    const got = take(now, each, at);
    now = got.state;
    granted += got.granted;
  }
  return { state: now, granted };
}

describe("a bucket with a fixed rate", () => {
  it("grants its burst, then its rate, and says when the next token is there", () => {
    const first = take(fixed(100), 1_000, T0);
    expect(first).toMatchObject({ granted: 25, retryAfterMs: 10 });
    expect(take(first.state, 1, T0 + 9).granted).toBe(0);
    expect(take(first.state, 1, T0 + 10)).toMatchObject({ granted: 1, retryAfterMs: 0 });
    expect(take(first.state, 1_000, T0 + 60_000).granted).toBe(25);
  });

  it("keeps what was not taken, and takes back what was not used, up to its burst", () => {
    const first = take(fixed(100), 10, T0);
    expect(first).toMatchObject({ granted: 10, retryAfterMs: 0 });
    expect(take(first.state, 100, T0).granted).toBe(15);
    expect(take(giveBack(first.state, 4, T0), 100, T0).granted).toBe(19);
    expect(take(giveBack(first.state, 400, T0), 100, T0).granted).toBe(25);
  });

  it("grants one when it said that it would, and none before", () => {
    const rates = fc.double({ min: 0.05, max: 300, noNaN: true });
    fc.assert(
      fc.property(rates, fc.array(fc.nat(5_000), { maxLength: 20 }), (rate, gaps) => {
        let [state, at] = [take(fixed(rate), 1_000, T0).state, T0];
        for (const gap of gaps) {
          at += gap;
          const got = take(state, 1_000, at);
          state = got.state;
          expect(take(state, 1, at + got.retryAfterMs).granted).toBe(1);
          // A rounding error may be forgiven, which can be a millisecond.
          if (got.retryAfterMs > 2) {
            expect(take(state, 1, at + got.retryAfterMs - 2).granted).toBe(0);
          }
        }
      }),
    );
  });

  it("lets single jobs through even when a quarter second is worth less than one", () => {
    const { state, granted, retryAfterMs } = take(fixed(0.1), 5, T0);
    expect([granted, retryAfterMs]).toEqual([1, 10_000]);
    expect(take(state, 1, T0 + 9_999).granted).toBe(0);
    expect(take(state, 1, T0 + 10_000).granted).toBe(1);
  });

  it("has the burst that was set, and less of it at a rate that was cut", () => {
    expect(take(fixed(10, 50), 1_000, T0).granted).toBe(50);
    expect(take(throttled(fixed(10, 50), {}, T0), 1_000, T0).granted).toBe(35);
    expect(take(withSettings(fixed(10, 50), { fixedRate: 10 }, T0), 1_000, T0).granted).toBe(2);
    expect(() => fixed(1, -1)).toThrow(RangeError);
  });

  it("is refused when it is no rate", () => {
    for (const rate of [0, -1, Number.NaN, Infinity]) expect(() => fixed(rate)).toThrow(RangeError);
  });

  it("never admits more than rate times window plus burst, whatever happens to it", () => {
    const step = fc.record({
      afterMs: fc.integer({ min: -50, max: 3_000 }),
      wanted: fc.integer({ min: 0, max: 300 }),
      unused: fc.double({ min: 0, max: 1, noNaN: true }),
      throttle: fc.option(fc.integer({ min: 0, max: 2_000 }), { freq: 10 }),
    });
    const rates = fc.double({ min: 0.05, max: 500, noNaN: true });
    const bursts = fc.integer({ min: 0, max: 50 });
    fc.assert(
      fc.property(rates, bursts, fc.array(step, { maxLength: 200 }), (rate, burst, steps) => {
        let state = fixed(rate, burst);
        let [at, latest, used] = [T0, T0, 0];
        for (const { afterMs, wanted, unused, throttle } of steps) {
          at += afterMs;
          latest = Math.max(latest, at);
          if (throttle !== null) state = throttled(state, { retryAfterMs: throttle }, at);
          const got = take(state, wanted, at);
          const back = Math.floor(got.granted * unused);
          state = giveBack(got.state, back, at);
          used += got.granted - back;
          const most = Math.max(1, burst || rate / 4) + (rate * (latest - T0)) / 1_000;
          expect(used).toBeLessThanOrEqual(most + 1e-6);
          expect(state.rate).toBeLessThanOrEqual(rate);
        }
      }),
    );
  });

  it("gets back to its rate after throttling, and not above", () => {
    const cut = throttled(fixed(100), {}, T0);
    expect(refill(cut, T0 + 2_000).rate).toBe(70);
    expect(refill(cut, T0 + 60_000)).toMatchObject({ rate: 100, ceiling: 100 });
    expect(busy(cut, T0, T0 + 60_000, 1_000).state).toMatchObject({ rate: 100, ceiling: 100 });
  });

  it("keeps what it learnt when the setting changes", () => {
    const cut = throttled(fixed(100), {}, T0);
    const set = (state: BucketState, fixedRate: number | null) =>
      withSettings(state, { fixedRate }, T0).rate;
    expect(set(cut, 200)).toBe(70);
    expect(set(cut, 50)).toBe(50);
    expect(set(cut, null)).toBe(70);
    expect(set(fixed(100), 200)).toBe(200);
    expect(set(fixed(100), null)).toBeNull();
    expect(set(unset(), 30)).toBe(30);
    expect(withSettings(cut, { fixedRate: 200 }, T0).ceiling).toBe(100);
    expect(withSettings(cut, { fixedRate: 50 }, T0).ceiling).toBe(50);
    expect(withSettings(fixed(100), { fixedRate: 200 }, T0).ceiling).toBe(200);
  });
});

describe("throttling", () => {
  it("cuts to 70 %, once a second at most, and says when and why", () => {
    const first = throttled(fixed(100), { reason: "http_429 of job 1" }, T0);
    expect(first).toMatchObject({ rate: 70, ceiling: 100, lastCutAtMs: T0 });
    expect(first.cutReason).toBe("http_429 of job 1");
    const again = throttled(first, {}, T0 + 999);
    expect(again).toMatchObject({ rate: 70, lastCutAtMs: T0, lastThrottledAtMs: T0 + 999 });
    expect(throttled(again, {}, T0 + 1_000)).toMatchObject({
      ceiling: 70,
      lastCutAtMs: T0 + 1_000,
    });
  });

  it("ends at the floor, or below it where an operator set less", () => {
    let [state, slow] = [fixed(2), fixed(0.1)];
    for (let second = 0; second < 20; second++) {
      state = throttled(state, {}, T0 + second * 1_000);
      slow = throttled(slow, {}, T0 + second * 1_000);
    }
    expect([state.rate, slow.rate]).toEqual([FLOOR_RATE, 0.1]);
  });

  it("holds 2 s, then grows 2 % of the ceiling a second, 10 % from 10 s on", () => {
    const cut = throttled(fixed(1_000), {}, T0);
    const rateAt = (ms: number) => refill(cut, T0 + ms).rate;
    expect(rateAt(2_000)).toBe(700);
    expect(rateAt(3_000)).toBeCloseTo(720);
    expect(rateAt(10_000)).toBeCloseTo(860);
    expect(rateAt(11_000)).toBeCloseTo(960);
  });

  it("goes on above the ceiling, which then rises with it, while it is what limits", () => {
    const cut = throttled(take(unset(), 100, T0 - 1_000).state, {}, T0);
    expect(cut).toMatchObject({ rate: 70, ceiling: 100 });
    // 100 is reached after 11.4 s.
    const limited = (untilMs: number) => ({ ...cut, limitedAtMs: T0 + untilMs - 1_000 });
    expect(refill(limited(99_000), T0 + 13_400).rate).toBeCloseTo(100 * Math.exp(0.2), 6);
    expect(refill(limited(13_000), T0 + 60_000).rate).toBeCloseTo(100 * Math.exp(0.16), 6);
    expect(refill(limited(11_000), T0 + 60_000).rate).toBeCloseTo(100, 6);
  });

  it("recovers alike however often it is looked at", () => {
    const gaps = fc.array(fc.integer({ min: 1, max: 2_000 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(gaps, (steps) => {
        const cut = { ...throttled(unset(), {}, T0), limitedAtMs: T0 + 1e9 };
        const total = steps.reduce((sum, step) => sum + step, 0);
        const at = steps.reduce(
          ({ state, ms }, step) => ({ state: refill(state, ms + step), ms: ms + step }),
          { state: cut as BucketState, ms: T0 },
        );
        const once = refill(cut, T0 + total);
        expect(at.state.rate).toBeCloseTo(once.rate ?? Number.NaN, 6);
        expect(at.state.ceiling).toBeCloseTo(once.ceiling ?? Number.NaN, 6);
      }),
    );
  });

  it("grants nothing before a Retry-After is over, then no burst", () => {
    const told = throttled(fixed(100), { retryAfterMs: 30_000 }, T0);
    expect(take(told, 50, T0 + 29_999)).toMatchObject({ granted: 0, retryAfterMs: 1 });
    expect(take(told, 50, T0 + 30_000)).toMatchObject({ granted: 1 });
    const shorter = throttled(told, { retryAfterMs: 10 }, T0 + 5_000);
    expect(shorter.blockedUntilMs).toBe(T0 + 30_000);
  });

  it("does not cut again for answers to calls from before the block", () => {
    let state = throttled(fixed(100), { retryAfterMs: 30_000 }, T0);
    for (let ms = 1_000; ms < 30_000; ms += 1_000) state = throttled(state, {}, T0 + ms);
    expect(state).toMatchObject({ rate: 70, lastCutAtMs: T0 });
  });

  it("takes a number of calls left as a warning, not as a refusal", () => {
    const warned = throttled(fixed(100), { remaining: 3 }, T0);
    expect(warned).toMatchObject({ rate: 100, tokens: 3, lastCutAtMs: null });
    expect(throttled(fixed(100), { remaining: 0 }, T0).rate).toBe(70);
    expect(throttled(fixed(100), { remaining: 3, retryAfterMs: 100 }, T0).rate).toBe(70);
  });
});

describe("a bucket without a fixed rate", () => {
  it("has no limit until the first throttle, then starts from what it let through", () => {
    const { state, granted } = busy(unset(), T0, T0 + 20_000, 4);
    expect(granted).toBe(800);
    const cut = throttled(state, {}, T0 + 20_000);
    expect(cut.ceiling).toBeCloseTo(40);
    expect(cut.rate).toBeCloseTo(28);
  });

  it("measures a bucket that has just begun by its own time", () => {
    const { state } = busy(unset(), T0, T0 + 1_000, 4);
    expect(throttled(state, {}, T0 + 1_000).ceiling).toBeCloseTo(40);
  });

  it("looks back over five seconds and the one under way", () => {
    const { state } = take(unset(), 100, T0);
    expect(throttled(state, {}, T0 + 5_500).ceiling).toBeCloseTo(100 / 5.5);
    expect(throttled(state, {}, T0 + 6_000).ceiling).toBe(DEFAULT_CEILING);
  });

  it("does not count what was given back", () => {
    const { state } = take(unset(), 100, T0);
    expect(throttled(giveBack(state, 90, T0), {}, T0 + 1_000).ceiling).toBeCloseTo(10);
  });

  it("starts from the default when nothing was let through", () => {
    expect(throttled(unset(), {}, T0)).toMatchObject({ ceiling: DEFAULT_CEILING, rate: 0.7 });
    const { state } = take(unset(), 1_000, T0);
    expect(throttled(state, {}, T0 + 60_000).ceiling).toBe(DEFAULT_CEILING);
  });

  it("starts from what its caller measured, where it was not asked for tokens", () => {
    expect(throttled(unset(), { measuredRate: 40 }, T0)).toMatchObject({ ceiling: 40, rate: 28 });
    const { state } = take(unset(), 100, T0);
    expect(throttled(state, { measuredRate: 40 }, T0 + 1_000).ceiling).toBeCloseTo(100);
    expect(throttled(fixed(10), { measuredRate: 40 }, T0).ceiling).toBe(10);
  });

  it("does not take an idle hour for proof that more is possible", () => {
    const cut = throttled(busy(unset(), T0, T0 + 5_000, 10).state, {}, T0 + 5_000);
    expect(refill(cut, T0 + 500_000).rate).toBeCloseTo(100);
    const used = busy(cut, T0 + 5_000, T0 + 60_000, 1_000).state;
    expect(used.rate).toBeGreaterThan(1_000);
  });

  it("is unlimited again after 10 minutes without a throttle, and remembers the cut", () => {
    const cut = throttled(unset(), { retryAfterMs: 1_000 }, T0);
    expect(refill(cut, T0 + UNLIMITED_AFTER_MS).rate).not.toBeNull();
    const free = refill(cut, T0 + 1_000 + UNLIMITED_AFTER_MS);
    expect(free).toMatchObject({ rate: null, ceiling: null, lastCutAtMs: T0 });
    expect(take(free, 5_000, T0 + 700_000).granted).toBe(5_000);
  });
});

describe("the state", () => {
  it("survives JSON", () => {
    const { state } = take(throttled(unset(), { retryAfterMs: 5 }, T0), 3, T0 + 10);
    expect(JSON.parse(JSON.stringify(state))).toEqual(state);
  });
});
