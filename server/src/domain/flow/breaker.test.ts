import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FAILURE_CLASSES } from "../lease.ts";
import {
  type BreakerDelta,
  type BreakerState,
  breakerAtRest,
  countsForHost,
  countsForJobType,
  newBreaker,
  phaseOf,
  probeOutcome,
  REMEMBERED_MS,
  record,
  settleProbe,
  tryProbe,
  WELL_AFTER_MS,
} from "./breaker.ts";

const T0 = Date.UTC(2026, 0, 1);
const TTL_MS = 60_000;
const failed = (failures: number): BreakerDelta => ({
  successes: 0,
  failures,
  trailingFailures: failures,
});
const mixed = (successes: number, failures: number, trailingFailures = 0): BreakerDelta => ({
  successes,
  failures,
  trailingFailures,
});
const feed = (deltas: readonly BreakerDelta[], stepMs = 500) =>
  deltas.reduce((state, delta, at) => record(state, delta, T0 + at * stepMs, 0), newBreaker(T0));
const opened = () => feed([failed(5)]);

/** Sends a probe and reports its outcome. */
function probed(state: BreakerState, outcome: "success" | "failure" | "unknown", atMs: number) {
  const turn = tryProbe(state, atMs, TTL_MS);
  if (!turn.granted) throw new Error("no probe was granted");
  return settleProbe(turn.state, turn.probe, outcome, atMs, 0);
}

describe("a closed breaker", () => {
  it("opens after 5 failures in a row, over any number of flushes, and says why", () => {
    expect(feed([failed(2), failed(2)]).open).toBe(false);
    const state = feed([failed(2), failed(2), failed(1)]);
    expect(state).toMatchObject({ open: true, reason: "5 failures in a row" });
    expect(state.openUntilMs).toBe(T0 + 1_000 + 5_000);
  });

  it("begins to count again after a success", () => {
    expect(feed([failed(4), mixed(1, 0), failed(4)]).open).toBe(false);
    expect(feed([mixed(1, 5, 4)]).open).toBe(false);
    expect(feed([mixed(1, 5, 4), failed(1)]).open).toBe(true);
  });

  it("opens under 80 % success in 30 s, but not for a handful of outcomes", () => {
    expect(feed([mixed(16, 4)]).open).toBe(false);
    expect(feed([mixed(15, 4)]).open).toBe(false);
    expect(feed([mixed(15, 5)])).toMatchObject({ open: true, reason: "5 of 20 failed in 30 s" });
  });

  it("forgets what is older than 30 s, and keeps ten slices at most", () => {
    expect(feed([mixed(10, 4), mixed(5, 1)], 29_000).open).toBe(true);
    expect(feed([mixed(10, 4), mixed(5, 1)], 31_000).open).toBe(false);
    const long = feed(Array.from({ length: 1_000 }, () => mixed(1, 0)));
    expect(long.slices).toHaveLength(10);
    expect(long.slices.reduce((sum, slice) => sum + slice.successes, 0)).toBeLessThanOrEqual(60);
  });

  it("does not count what is as old as the window", () => {
    const full = feed(
      Array.from({ length: 10 }, () => mixed(1, 0)),
      3_000,
    );
    const oldest = Math.min(...full.slices.map((slice) => slice.index));
    const late = record(full, mixed(1, 0), (oldest - 1) * 3_000, 0);
    expect(late.slices).toEqual(full.slices);
    expect(record(full, mixed(1, 0), oldest * 3_000, 0).slices).not.toEqual(full.slices);
  });

  it("comes to the same counts in whatever order replicas flush", () => {
    const flush = fc.record({
      successes: fc.integer({ min: 1, max: 50 }),
      failures: fc.constant(0),
      trailingFailures: fc.constant(0),
      atMs: fc.integer({ min: 0, max: 25_000 }),
    });
    const flushes = fc.array(flush, { minLength: 1, maxLength: 30 });
    const order = (state: BreakerState) => [...state.slices].sort((a, b) => a.index - b.index);
    fc.assert(
      fc.property(flushes, fc.infiniteStream(fc.nat()), (list, keys) => {
        const all = (given: typeof list) =>
          given.reduce((state, one) => record(state, one, T0 + one.atMs, 0), newBreaker(T0));
        const shuffled = list
          .map((one) => ({ one, key: keys.next().value as number }))
          .sort((a, b) => a.key - b.key)
          .map(({ one }) => one);
        expect(order(all(shuffled))).toEqual(order(all(list)));
      }),
    );
  });

  it("opens on a bad share whichever flush comes last", () => {
    const flushes = [mixed(6, 2), mixed(5, 2), mixed(4, 1)];
    for (const [a, b, c] of [
      [0, 1, 2],
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ]) {
      const order = [a, b, c].map((at) => flushes[at as number] as BreakerDelta);
      expect(feed(order)).toMatchObject({ open: true, reason: "5 of 20 failed in 30 s" });
    }
  });

  it("takes other thresholds", () => {
    const set = { consecutiveFailures: 2, minSuccessRatio: 0.5, openMs: 1_000 };
    const two = record(newBreaker(T0), failed(2), T0, 0, set);
    expect(two).toMatchObject({ open: true, openUntilMs: T0 + 1_000 });
    expect(record(newBreaker(T0), mixed(10, 10, 1), T0, 0, set).open).toBe(false);
    expect(record(newBreaker(T0), mixed(9, 11, 1), T0, 0, set).open).toBe(true);
    const turn = tryProbe(two, T0 + 1_000, TTL_MS);
    if (!turn.granted) throw new Error("no probe was granted");
    const again = settleProbe(turn.state, turn.probe, "failure", T0 + 1_000, 0, set);
    expect(again.openUntilMs).toBe(T0 + 3_000);
  });

  it("is not moved by an empty flush, nor by one that comes a minute late", () => {
    const state = feed([mixed(10, 0)]);
    expect(record(state, mixed(0, 0), T0, 0)).toBe(state);
    expect(record(state, mixed(1, 3), T0 - 60_000, 0)).toMatchObject({
      open: false,
      slices: state.slices,
    });
  });
});

describe("an open breaker", () => {
  it("lets nothing through before its time, then exactly one probe", () => {
    const state = opened();
    expect(phaseOf(state, T0 + 4_999)).toBe("open");
    expect(tryProbe(state, T0 + 4_000, TTL_MS)).toMatchObject({
      granted: false,
      retryAfterMs: 1_000,
    });
    expect(phaseOf(state, T0 + 5_000)).toBe("half_open");
    const first = tryProbe(state, T0 + 5_000, TTL_MS);
    expect(first.granted).toBe(true);
    expect(tryProbe(first.state, T0 + 6_000, TTL_MS)).toMatchObject({
      granted: false,
      retryAfterMs: 59_000,
    });
  });

  it("closes when the probe succeeds, with a clean slate", () => {
    const state = probed(opened(), "success", T0 + 5_000);
    expect(state).toMatchObject({ open: false, slices: [], consecutiveFailures: 0 });
    expect(phaseOf(state, T0 + 5_000)).toBe("closed");
    expect(record(state, failed(4), T0 + 5_000, 0).open).toBe(false);
  });

  it("stays open twice as long after each probe that fails, up to 300 s", () => {
    let state = opened();
    const times: number[] = [];
    for (let n = 0; n < 8; n++) {
      const at = state.openUntilMs ?? 0;
      times.push(at - state.changedAtMs);
      state = probed(state, "failure", at);
    }
    expect(times).toEqual([5, 10, 20, 40, 80, 160, 300, 300].map((seconds) => seconds * 1_000));
  });

  it("takes up to a fifth off at random, never adds", () => {
    const times = [0, 0.5, 0.999].map((random) => record(newBreaker(T0), failed(5), T0, random));
    expect(times.map((state) => (state.openUntilMs ?? 0) - T0)).toEqual([5_000, 4_500, 4_001]);
  });

  it("frees the place of a lost probe after its time, and does not hear it any more", () => {
    const lost = tryProbe(opened(), T0 + 5_000, TTL_MS);
    if (!lost.granted) throw new Error("no probe was granted");
    expect(tryProbe(lost.state, T0 + 64_999, TTL_MS).granted).toBe(false);
    const next = tryProbe(lost.state, T0 + 65_000, TTL_MS);
    if (!next.granted) throw new Error("no second probe was granted");
    expect(settleProbe(next.state, lost.probe, "success", T0 + 66_000, 0)).toBe(next.state);
    expect(settleProbe(next.state, next.probe, "success", T0 + 66_000, 0).open).toBe(false);
  });

  it("lets another probe go when one ended without saying anything", () => {
    const state = probed(opened(), "unknown", T0 + 5_000);
    expect(tryProbe(state, T0 + 5_001, TTL_MS).granted).toBe(true);
  });

  it("does not listen to jobs that began before it opened", () => {
    const state = opened();
    expect(record(state, mixed(100, 0), T0 + 1_000, 0)).toBe(state);
    expect(record(state, failed(100), T0 + 6_000, 0)).toBe(state);
  });

  it("goes on with longer times when it opens soon after it closed", () => {
    const closed = probed(opened(), "success", T0 + 5_000);
    const lengthAt = (ms: number) => {
      const at = T0 + 5_000 + ms;
      return (record(closed, failed(5), at, 0).openUntilMs ?? 0) - at;
    };
    expect(lengthAt(WELL_AFTER_MS - 1)).toBe(10_000);
    expect(lengthAt(WELL_AFTER_MS)).toBe(5_000);
  });
});

describe("a breaker at rest", () => {
  it("has seen nothing but successes, or nothing for so long that it does not matter", () => {
    expect(breakerAtRest(newBreaker(T0), T0)).toBe(true);
    expect(breakerAtRest(feed([mixed(50, 0)]), T0)).toBe(true);
    const failing = feed([failed(1)]);
    expect(breakerAtRest(failing, T0 + REMEMBERED_MS)).toBe(false);
    expect(breakerAtRest(failing, T0 + REMEMBERED_MS + 3_000)).toBe(true);
    const recovered = feed([mixed(1, 3)]);
    expect(breakerAtRest(recovered, T0 + 29_999)).toBe(false);
    expect(breakerAtRest(recovered, T0 + 33_000)).toBe(true);
  });

  it("is not one that is open, or opens for longer the next time", () => {
    expect(breakerAtRest(opened(), T0 + 2 * REMEMBERED_MS)).toBe(false);
    const closedAt = T0 + 5_000;
    const closed = probed(opened(), "success", closedAt);
    expect(breakerAtRest(closed, closedAt + WELL_AFTER_MS - 1)).toBe(false);
    expect(breakerAtRest(closed, closedAt + WELL_AFTER_MS)).toBe(true);
  });

  it("does what a new one does", () => {
    const outcome = fc.record({ successes: fc.nat(9), failures: fc.nat(4) });
    const outcomes = fc.array(fc.tuple(outcome, fc.nat(60_000)), { maxLength: 30 });
    let rested = 0;
    fc.assert(
      fc.property(outcomes, (all) => {
        let [old, atMs] = [newBreaker(T0), T0];
        let fresh: BreakerState | undefined;
        for (const [{ successes, failures }, afterMs] of all) {
          atMs += afterMs;
          if (old.slices.some((slice) => slice.failures > 0) && breakerAtRest(old, atMs)) {
            fresh = newBreaker(atMs);
            rested += 1;
          }
          const delta = mixed(successes, failures, failures);
          old = record(old, delta, atMs, 0);
          fresh = fresh && record(fresh, delta, atMs, 0);
          if (fresh === undefined) continue;
          const { open, openUntilMs, consecutiveFailures } = old;
          expect(fresh).toMatchObject({ open, openUntilMs, consecutiveFailures });
        }
      }),
    );
    expect(rested).toBeGreaterThan(0);
  });
});

describe("what counts", () => {
  it("against a host is what a broken upstream looks like", () => {
    expect(FAILURE_CLASSES.filter(countsForHost)).toEqual(["http_5xx", "timeout", "network"]);
  });

  it("against a job type is what its handler or its data does", () => {
    expect(FAILURE_CLASSES.filter(countsForJobType)).toEqual([
      "user",
      "schema_mismatch",
      "parse_error",
      "timeout",
      "panic",
      "oversize",
    ]);
  });

  it("is told of a probe too: what was cut off says nothing, what got through closes", () => {
    expect(probeOutcome(undefined, countsForHost)).toBe("success");
    expect(probeOutcome("network", countsForHost)).toBe("failure");
    expect(probeOutcome("user", countsForHost)).toBe("success");
    expect(probeOutcome("user", countsForJobType)).toBe("failure");
    expect(probeOutcome("drained", countsForJobType)).toBe("unknown");
  });

  it("survives JSON", () => {
    const { state } = tryProbe(opened(), T0 + 5_000, TTL_MS);
    expect(JSON.parse(JSON.stringify(state))).toEqual(state);
  });
});
