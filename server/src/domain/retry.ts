/** How failed attempts are repeated. Durations in milliseconds. */
export interface RetryPolicy {
  readonly maxAttempts: number;
  readonly initialBackoffMs: number;
  readonly multiplier: number;
  readonly maxBackoffMs: number;
  readonly maxElapsedMs: number;
}

/** What decides whether a failed job is tried again. */
export interface FailureFacts {
  /** Failed attempts in the current budget, this one included. */
  readonly failures: number;
  /** Time since the first attempt of the current budget started, in milliseconds. */
  readonly elapsedMs: number;
  /** True: no attempt could succeed. */
  readonly terminal: boolean;
  /** The earliest next attempt that the failure asks for, in milliseconds from now. */
  readonly retryAfterMs: number | undefined;
}

/** What follows a failed attempt. */
export type FailureDecision =
  | { readonly kind: "retry"; readonly delayMs: number }
  | { readonly kind: "dead"; readonly why: string };

/**
 * Decides what follows a failed attempt.
 *
 * The delay is drawn evenly from zero to min(maxBackoff, initialBackoff · multiplier^(n-1)): "full
 * jitter" of AWS's "Exponential Backoff And Jitter", which needed the fewest calls under
 * contention. After a retry-after the jitter is added on top, never taken off.
 *
 * @param random evenly distributed in [0, 1).
 */
export function decideAfterFailure(
  policy: RetryPolicy,
  facts: FailureFacts,
  random: number,
): FailureDecision {
  if (facts.terminal) return { kind: "dead", why: "terminal failure" };
  if (facts.failures >= policy.maxAttempts) {
    return { kind: "dead", why: `${facts.failures} of ${policy.maxAttempts} attempts failed` };
  }
  // The factor may be infinite, and nothing times infinity is not a number.
  const factor = Math.min(Number.MAX_VALUE, policy.multiplier ** (facts.failures - 1));
  const bound = Math.min(policy.maxBackoffMs, policy.initialBackoffMs * factor);
  const delayMs = Math.round((facts.retryAfterMs ?? 0) + random * bound);
  if (facts.elapsedMs + delayMs > policy.maxElapsedMs) {
    return { kind: "dead", why: `no attempt may start later than ${policy.maxElapsedMs} ms` };
  }
  return { kind: "retry", delayMs };
}

/** Single fields of a retry policy that a job overrides. */
export type RetryOverrides = Partial<RetryPolicy>;

/** The policy for a job: its own fields where it has them, the policy in force elsewhere. */
export const withOverrides = (
  policy: RetryPolicy,
  overrides: RetryOverrides | null | undefined,
): RetryPolicy => ({ ...policy, ...(overrides ?? {}) });
