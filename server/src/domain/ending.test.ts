import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { testPolicy } from "../../../test/support/ledger.ts";
import { decideEnding, type EndingFacts } from "./ending.ts";
import { decideAfterFailure, type RetryPolicy, withOverrides } from "./retry.ts";

const facts = (over: Partial<EndingFacts> = {}): EndingFacts => ({
  jobType: "a",
  cancelReason: undefined,
  cancelNote: undefined,
  retry: undefined,
  failures: 0,
  interruptionAgesMs: [],
  elapsedMs: 0,
  ...over,
});

const failed = (over: object = {}) =>
  ({
    kind: "failed",
    failure: {
      failureClass: "user",
      message: "no",
      terminal: false,
      retryAfterMs: undefined,
      ...over,
    },
  }) as const;

const lost = { kind: "interrupted", failureClass: "lease_expired", message: "gone" } as const;

describe("decideEnding", () => {
  it("retries until the failure budget is spent", () => {
    expect(decideEnding(facts(), failed(), testPolicy, 0)).toMatchObject({ next: "scheduled" });
    expect(decideEnding(facts({ failures: 1 }), failed(), testPolicy, 0)).toMatchObject({
      outcome: "failed",
      next: "dead",
      reason: "2 of 2 attempts failed",
    });
  });

  it("does not retry a terminal failure", () => {
    const ending = decideEnding(facts(), failed({ terminal: true }), testPolicy, 0);
    expect(ending).toMatchObject({ next: "dead", reason: "terminal failure" });
  });

  it("takes interruptions from a budget of their own, within its window", () => {
    const recent = [1, 2].map(() => 1_000);
    const old = testPolicy.interruptionWindowMs + 1;
    const end = (interruptionAgesMs: number[]) =>
      decideEnding(facts({ failures: 99, interruptionAgesMs }), lost, testPolicy, 0).next;
    expect(end(recent)).toBe("ready");
    expect(end([...recent, old])).toBe("ready");
    expect(end([...recent, 1_000])).toBe("dead");
  });

  it("counts what a worker reports as drained as an interruption, as the contract says", () => {
    for (const failureClass of ["drained", "lease_expired"] as const) {
      expect(decideEnding(facts(), failed({ failureClass }), testPolicy, 0)).toMatchObject({
        outcome: "interrupted",
        next: "ready",
        failure: { failureClass },
      });
    }
  });

  it("cancels what was to be cancelled, however it ended", () => {
    const asked = facts({ cancelReason: "user", cancelNote: "not needed" });
    for (const cause of [failed(), lost]) {
      expect(decideEnding(asked, cause, testPolicy, 0)).toMatchObject({
        outcome: "cancelled",
        next: "cancelled",
        reason: "not needed",
      });
    }
  });

  it("counts an attempt that ran past its deadline as a failure, not as an interruption", () => {
    const ending = decideEnding(facts({ cancelReason: "deadline" }), lost, testPolicy, 0);
    expect(ending).toMatchObject({ outcome: "failed", failure: { failureClass: "timeout" } });
  });
});

describe("decideAfterFailure", () => {
  const policy: RetryPolicy = {
    maxAttempts: 50,
    initialBackoffMs: 1_000,
    multiplier: 2,
    maxBackoffMs: 300_000,
    maxElapsedMs: 86_400_000,
  };

  it("draws the delay from zero to the bound, above any retry-after", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 49 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        fc.option(fc.integer({ min: 0, max: 600_000 }), { nil: undefined }),
        (failures, random, retryAfterMs) => {
          const seen = { failures, elapsedMs: 0, terminal: false, retryAfterMs };
          const decision = decideAfterFailure(policy, seen, random);
          const bound = Math.min(300_000, 1_000 * 2 ** (failures - 1));
          expect(decision.kind).toBe("retry");
          if (decision.kind !== "retry") return;
          expect(decision.delayMs).toBeGreaterThanOrEqual(retryAfterMs ?? 0);
          expect(decision.delayMs).toBeLessThanOrEqual((retryAfterMs ?? 0) + bound);
        },
      ),
    );
  });

  it("starts no attempt after max_elapsed", () => {
    const late = { failures: 1, elapsedMs: 86_399_900, terminal: false, retryAfterMs: 200 };
    expect(decideAfterFailure(policy, late, 0).kind).toBe("dead");
    expect(decideAfterFailure(policy, { ...late, retryAfterMs: 50 }, 0).kind).toBe("retry");
  });

  it("lets a job override single fields", () => {
    expect(withOverrides(policy, { maxAttempts: 1 })).toEqual({ ...policy, maxAttempts: 1 });
    expect(withOverrides(policy, null)).toEqual(policy);
  });
});
