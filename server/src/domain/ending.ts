import type { CancelReason, Failure } from "./lease.ts";
import type { LeasePolicy } from "./lease-policy.ts";
import { decideAfterFailure, type RetryOverrides, withOverrides } from "./retry.ts";

/** What is known about an attempt that ends without success. */
export interface EndingFacts {
  readonly jobType: string;
  /** Why the attempt was asked to stop, if it was. */
  readonly cancelReason: Exclude<CancelReason, "superseded"> | undefined;
  readonly cancelNote: string | undefined;
  readonly retry: RetryOverrides | undefined;
  /** Earlier attempts of the current budget that failed. */
  readonly failures: number;
  /** How long ago earlier attempts of the current budget were interrupted, in milliseconds. */
  readonly interruptionAgesMs: readonly number[];
  /** Time since the first attempt of the current budget started, in milliseconds. */
  readonly elapsedMs: number;
}

/** Why an attempt ends: its handler failed, or something cut it off. */
export type EndingCause =
  | { readonly kind: "failed"; readonly failure: Failure }
  | {
      readonly kind: "interrupted";
      readonly failureClass: "lease_expired" | "drained";
      readonly message: string;
    };

/** How an attempt is written down, and where its job goes. */
export interface Ending {
  readonly outcome: "failed" | "interrupted" | "cancelled";
  readonly failure: Failure;
  readonly next: "scheduled" | "ready" | "dead" | "cancelled";
  /** How long a scheduled job waits, in milliseconds. */
  readonly delayMs: number;
  readonly reason: string;
}

const plain = (failureClass: Failure["failureClass"], message: string): Failure => ({
  failureClass,
  message,
  terminal: false,
  retryAfterMs: undefined,
});

/**
 * Decides what follows an attempt that ended without success. Failures and interruptions have a
 * budget each: the first is the user's retry policy, the second protects the fleet from a job
 * that takes its workers down.
 *
 * @param random evenly distributed in [0, 1).
 */
export function decideEnding(
  facts: EndingFacts,
  cause: EndingCause,
  policy: LeasePolicy,
  random: number,
): Ending {
  if (facts.cancelReason === "user") {
    const failure = cause.kind === "failed" ? cause.failure : plain("cancelled", cause.message);
    const reason = facts.cancelNote ?? "cancelled";
    return { outcome: "cancelled", failure, next: "cancelled", delayMs: 0, reason };
  }
  if (facts.cancelReason === "preempted") {
    const reason = facts.cancelNote ?? "had to make way";
    // Of class "cancelled", which is how an interruption that costs nothing is written down.
    return {
      outcome: "interrupted",
      failure: plain("cancelled", reason),
      next: "ready",
      delayMs: 0,
      reason,
    };
  }
  if (cause.kind === "failed") {
    const { failureClass, terminal } = cause.failure;
    const interrupted = failureClass === "drained" || failureClass === "lease_expired";
    if (interrupted && !terminal && facts.cancelReason !== "deadline") {
      return afterInterruption(facts, cause.failure, policy);
    }
    return afterFailure(facts, cause.failure, policy, random);
  }
  if (facts.cancelReason === "deadline") {
    return afterFailure(facts, plain("timeout", "ran past its deadline"), policy, random);
  }
  return afterInterruption(facts, plain(cause.failureClass, cause.message), policy);
}

function afterFailure(
  facts: EndingFacts,
  failure: Failure,
  policy: LeasePolicy,
  random: number,
): Ending {
  const decision = decideAfterFailure(
    withOverrides(policy.retry, facts.retry),
    {
      failures: facts.failures + 1,
      elapsedMs: facts.elapsedMs,
      terminal: failure.terminal,
      retryAfterMs: failure.retryAfterMs,
    },
    random,
  );
  return decision.kind === "retry"
    ? {
        outcome: "failed",
        failure,
        next: "scheduled",
        delayMs: decision.delayMs,
        reason: `retry in ${decision.delayMs} ms`,
      }
    : { outcome: "failed", failure, next: "dead", delayMs: 0, reason: decision.why };
}

function afterInterruption(facts: EndingFacts, failure: Failure, policy: LeasePolicy): Ending {
  const recent = facts.interruptionAgesMs.filter((age) => age < policy.interruptionWindowMs);
  const count = recent.length + 1;
  const budget = `${count} of ${policy.maxInterruptions} interruptions`;
  return count > policy.maxInterruptions
    ? { outcome: "interrupted", failure, next: "dead", delayMs: 0, reason: `poison job: ${budget}` }
    : { outcome: "interrupted", failure, next: "ready", delayMs: 0, reason: budget };
}
