import { contractClocks } from "./contract/lease-policy.ts";
import { OrchestratorError, toOrchestratorError } from "./errors.ts";

/** The bounds of a backoff, in milliseconds. */
export interface BackoffBounds {
  readonly minMs: number;
  readonly maxMs: number;
}

/** The contract's bounds for reconnecting, which also pace repeated calls. */
export const contractBackoff: BackoffBounds = {
  minMs: contractClocks.reconnectMinMs,
  maxMs: contractClocks.reconnectMaxMs,
};

/**
 * The delay before try `tries + 1`: drawn evenly from `minMs` to a bound that doubles with every
 * try up to `maxMs` (AWS, "Exponential Backoff And Jitter", full jitter). A `retryAfterMs` is a
 * floor: the jitter comes on top of it.
 */
export function backoffMs(
  tries: number,
  bounds: BackoffBounds,
  random: number,
  retryAfterMs = 0,
): number {
  const bound = Math.min(bounds.maxMs, bounds.minMs * 2 ** Math.min(tries, 30));
  const jittered = bounds.minMs + random * Math.max(0, bound - bounds.minMs);
  return retryAfterMs > 0 ? retryAfterMs + random * bounds.minMs : jittered;
}

/** Resolves after `ms`, or at once when `signal` aborts. Never rejects. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done, { once: true });
  });
}

/** How long a call may be repeated, and who may stop it. */
export interface RetryOptions {
  /** The whole call's deadline, in milliseconds from now, tries and delays included. */
  readonly timeoutMs: number;
  /** Gives the call up. */
  readonly signal?: AbortSignal | undefined;
  /** The bounds of the delays; the contract's unless told. */
  readonly backoff?: BackoffBounds;
}

/** The error of a call that its caller gave up. */
export const callAborted = (signal: AbortSignal): OrchestratorError =>
  new OrchestratorError("the caller gave the call up", {
    code: "cancelled",
    reason: "CALL_ABORTED",
    cause: signal.reason,
  });

/**
 * Makes a call until it answers, fails for good, or runs out of time. Only for calls that are
 * safe to repeat. The last error is thrown when the next delay would pass the deadline.
 */
export async function withRetries<T>(
  call: (signal: AbortSignal) => Promise<T>,
  options: RetryOptions,
): Promise<T> {
  const deadline = performance.now() + options.timeoutMs;
  const timeout = AbortSignal.timeout(Math.ceil(options.timeoutMs));
  const signal = options.signal ? AbortSignal.any([timeout, options.signal]) : timeout;
  for (let tries = 0; ; tries++) {
    if (options.signal?.aborted) throw callAborted(options.signal);
    let error: OrchestratorError;
    try {
      return await call(signal);
    } catch (cause) {
      error = toOrchestratorError(cause);
    }
    if (options.signal?.aborted) throw callAborted(options.signal);
    if (timeout.aborted) throw timedOut(options.timeoutMs, error);
    if (!error.isRetryable) throw error;
    const bounds = options.backoff ?? contractBackoff;
    const delay = backoffMs(tries, bounds, Math.random(), error.retryAfterMs);
    if (performance.now() + delay >= deadline) throw error;
    await pause(delay, options.signal);
  }
}

const timedOut = (timeoutMs: number, cause: OrchestratorError): OrchestratorError =>
  new OrchestratorError(`no answer within ${timeoutMs} ms`, {
    code: "deadline_exceeded",
    reason: "CALL_TIMEOUT",
    isRetryable: true,
    cause,
  });
