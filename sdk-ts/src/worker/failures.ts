import { create } from "@bufbuild/protobuf";
import { failureClasses } from "../client/names.ts";
import { limits, truncate } from "../contract/limits.ts";
import { toDuration } from "../contract/time.ts";
import { type Failure, FailureSchema } from "../gen/stellaops/orchestrator/v1/failure_pb.ts";
import {
  type AbortReason,
  type FailureClass,
  JobAbortedError,
  RetryableError,
  TerminalError,
  ThrottledError,
} from "../job-errors.ts";

/** A failure as the contract carries it; the message is cut to what the contract allows. */
export function failure(
  failureClass: FailureClass,
  message: string,
  options: { readonly terminal?: boolean; readonly retryAfterMs?: number | undefined } = {},
): Failure {
  const retryAfterMs = options.retryAfterMs;
  return create(FailureSchema, {
    failureClass: failureClasses.valueOf(failureClass),
    message: truncate(message || failureClass, limits.failureMessageBytes),
    terminal: options.terminal ?? false,
    retryAfter: toDuration(retryAfterMs === undefined ? undefined : clampRetryAfter(retryAfterMs)),
  });
}

/** The contract takes 0 to 7 days. What is not a number means "not said". */
const weekMs = 7 * 24 * 3600 * 1000;
const clampRetryAfter = (ms: number): number | undefined =>
  Number.isFinite(ms) ? Math.min(Math.max(ms, 0), weekMs) : undefined;

/** What a handler threw, as a failure. */
export function toFailure(thrown: unknown): Failure {
  if (thrown instanceof TerminalError) {
    return failure(thrown.failureClass, thrown.message, { terminal: true });
  }
  if (thrown instanceof RetryableError) {
    return failure(thrown.failureClass, thrown.message, { retryAfterMs: thrown.retryAfterMs });
  }
  if (thrown instanceof ThrottledError) {
    return failure("http_429", thrown.message, { retryAfterMs: thrown.retryAfterMs });
  }
  if (thrown instanceof Error) return failure("user", `${thrown.name}: ${thrown.message}`);
  return failure("panic", `threw something that is not an Error: ${String(thrown)}`);
}

/** How an attempt that was asked to stop, and did not succeed, ends. */
export type StopOutcome =
  | { readonly kind: "fail"; readonly failure: Failure }
  | { readonly kind: "release" }
  | { readonly kind: "drop" };

const stopOutcomes: Record<AbortReason, (message: string) => StopOutcome> = {
  cancelled: (message) => ({ kind: "fail", failure: failure("cancelled", message) }),
  deadline: (message) => ({ kind: "fail", failure: failure("timeout", message) }),
  preempted: () => ({ kind: "release" }),
  drain: () => ({ kind: "release" }),
  lease_lost: () => ({ kind: "drop" }),
};

/** The outcome of an attempt that was stopped for `reason`. */
export const stopOutcome = (reason: AbortReason, detail = ""): StopOutcome =>
  stopOutcomes[reason](new JobAbortedError(reason).message + (detail && `: ${detail}`));
