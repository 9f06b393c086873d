import type { JobSpec, JobWindow } from "../domain/job-spec.ts";
import type { RetryOverrides } from "../domain/retry.ts";
import type {
  EventWindow,
  JobSpec as JobSpecMessage,
} from "../gen/stellaops/orchestrator/v1/job_pb.ts";
import type { RetryPolicy } from "../gen/stellaops/orchestrator/v1/lease_policy_pb.ts";
import { momentOf, msIfSet, msOf } from "./durations.ts";
import { type FieldViolation, invalidArgument } from "./errors.ts";

/** The queue of a job that names none. */
export const DEFAULT_QUEUE = "default";

const textIfSet = (text: string): string | undefined => (text === "" ? undefined : text);

/**
 * A job spec off the wire, its defaults filled in. Throws INVALID_ARGUMENT (REQUEST_INVALID) for
 * what the contract's rules let through and no clock can hold; `path` is the spec's in the request.
 */
export const readJobSpec = (message: JobSpecMessage, path: string): JobSpec => {
  const violations: FieldViolation[] = [];
  const spec = jobSpecWithin(violations, message, path);
  if (violations.length > 0) throw invalidArgument("REQUEST_INVALID", violations);
  return spec;
};

/** The same for callers that find all that is wrong first: what is wrong with it is added. */
export function jobSpecWithin(
  violations: FieldViolation[],
  message: JobSpecMessage,
  path: string,
): JobSpec {
  const notBefore = momentOf(violations, `${path}.not_before`, message.notBefore);
  if (message.retry !== undefined) checkRetry(violations, `${path}.retry`, message.retry);
  const window = readWindow(violations, `${path}.window`, message.window);
  return { ...jobSpecOf(message), notBefore, window };
}

function readWindow(
  violations: FieldViolation[],
  path: string,
  message: EventWindow | undefined,
): JobWindow | undefined {
  if (message === undefined) return undefined;
  const start = momentOf(violations, `${path}.start_time`, message.startTime);
  const end = momentOf(violations, `${path}.end_time`, message.endTime);
  if (start === undefined || end === undefined) return undefined;
  if (start < end) return { scope: message.scope, start, end };
  const description = "must come after start_time, by a millisecond at least";
  violations.push({ field: `${path}.end_time`, description, reason: "RANGE" });
  return undefined;
}

const jobSpecOf = (message: JobSpecMessage): Omit<JobSpec, "notBefore" | "window"> => ({
  jobType: message.jobType,
  queue: message.queue || DEFAULT_QUEUE,
  project: message.project,
  source: message.source,
  priority: message.priority,
  concurrencyKey: message.concurrencyKey,
  payload: message.payload,
  payloadMediaType: message.payloadMediaType,
  payloadArtifact: textIfSet(message.payloadArtifact),
  idempotencyKey: textIfSet(message.idempotencyKey),
  labels: message.labels,
  retry: message.retry === undefined ? undefined : readRetry(message.retry),
  // A deadline of less than a millisecond is one all the same.
  attemptDeadlineMs: message.attemptDeadline && Math.max(1, msOf(message.attemptDeadline)),
  correlationId: textIfSet(message.correlationId),
  traceparent: textIfSet(message.traceparent),
  tracestate: textIfSet(message.tracestate),
});

/** Longer than any retry is useful, and short enough for every date that comes of it. */
const LONGEST_RETRY_MS = 365 * 86_400_000;

function checkRetry(violations: FieldViolation[], path: string, retry: RetryPolicy): void {
  const { maxAttempts, multiplier } = retry;
  if (maxAttempts < 0) {
    const description = "must not be negative";
    violations.push({ field: `${path}.max_attempts`, description, reason: "RANGE" });
  }
  if (!Number.isFinite(multiplier) || multiplier < 0) {
    const description = "must be finite and not negative";
    violations.push({ field: `${path}.multiplier`, description, reason: "RANGE" });
  }
  const durations = {
    initial_backoff: retry.initialBackoff,
    max_backoff: retry.maxBackoff,
    max_elapsed: retry.maxElapsed,
  };
  for (const [name, duration] of Object.entries(durations)) {
    const ms = msIfSet(duration) ?? 0;
    if (ms >= 0 && ms <= LONGEST_RETRY_MS) continue;
    const description = "must lie between 0 and 365 days";
    violations.push({ field: `${path}.${name}`, description, reason: "RANGE" });
  }
}

/** Zero fields are not overridden. */
function readRetry(message: RetryPolicy): RetryOverrides | undefined {
  const fields = {
    maxAttempts: message.maxAttempts || undefined,
    initialBackoffMs: msIfSet(message.initialBackoff),
    multiplier: message.multiplier || undefined,
    maxBackoffMs: msIfSet(message.maxBackoff),
    maxElapsedMs: msIfSet(message.maxElapsed),
  };
  const named = Object.entries(fields).filter(([, value]) => value !== undefined);
  return named.length === 0 ? undefined : (Object.fromEntries(named) as RetryOverrides);
}
