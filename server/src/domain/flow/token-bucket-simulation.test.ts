import { describe, expect, it } from "vitest";
import { newBucket, take, throttled } from "./token-bucket.ts";

const STEP_MS = 10;

/** What an upstream lets through: a bucket of its own, holding one second of its limit. */
class Upstream {
  #limit: number;
  #left: number;

  constructor(limit: number) {
    this.#limit = limit;
    this.#left = limit;
  }

  set limit(limit: number) {
    this.#limit = limit;
  }

  pass(ms: number): void {
    this.#left = Math.min(this.#limit, this.#left + (this.#limit * ms) / 1_000);
  }

  call(): boolean {
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}

/** Evenly distributed in [0, 1), repeatable: a linear congruence modulo 2^32. */
function seeded(seed: number): () => number {
  let at = seed;
  return () => {
    at = (Math.imul(at, 1_664_525) + 1_013_904_223) >>> 0;
    return at / 2 ** 32;
  };
}

/**
 * One shared bucket, more demand than it ever grants, answers after 20 to 180 ms, each refusal with
 * a Retry-After of a second. What part of each limit was used, and what part of calls refused.
 */
function simulate(limits: readonly number[], phaseMs: number, seed: number) {
  const random = seeded(seed);
  const upstream = new Upstream(limits[0] ?? 0);
  let state = newBucket({ fixedRate: null }, 0);
  let answers: number[] = [];
  return limits.map((limit, phase) => {
    upstream.limit = limit;
    let [served, refused] = [0, 0];
    for (let at = phase * phaseMs; at < (phase + 1) * phaseMs; at += STEP_MS) {
      for (const _ of answers.filter((due) => due <= at)) {
        state = throttled(state, { retryAfterMs: 1_000 }, at);
      }
      answers = answers.filter((due) => due > at);
      upstream.pass(STEP_MS);
      // Unlimited, it would ask for everything at once: 300 a second is what workers can do.
      const got = take(state, 3, at);
      state = got.state;
      for (let call = 0; call < got.granted; call++) {
        if (upstream.call()) {
          served += 1;
        } else {
          refused += 1;
          answers.push(at + 20 + random() * 160);
        }
      }
    }
    return { used: served / ((limit * phaseMs) / 1_000), refused: refused / (served + refused) };
  });
}

describe("a hidden limit of 100, then 20, then 100 calls a second", () => {
  // Measured: 0.96 / 0.96 / 0.93 of the limit used, 0.3 / 0.8 / 0.3 % refused.
  it.each([1, 2, 3])("is found and used with few refusals, seed %i", (seed) => {
    for (const { used, refused } of simulate([100, 20, 100], 300_000, seed)) {
      expect(used).toBeGreaterThan(0.88);
      // It cannot be more than the limit, but for what the upstream's bucket held at the start.
      expect(used).toBeLessThan(1.02);
      expect(refused).toBeGreaterThan(0);
      expect(refused).toBeLessThan(0.015);
    }
  });
});
