import type { JobSpec } from "../domain/job-spec.ts";
import type { RetryOverrides } from "../domain/retry.ts";
import type { JobSpec as JobSpecMessage } from "../gen/stellaops/orchestrator/v1/job_pb.ts";
import type { RetryPolicy } from "../gen/stellaops/orchestrator/v1/lease_policy_pb.ts";
import { dateIfSet, msIfSet } from "./durations.ts";

/** The queue of a job that names none. */
export const DEFAULT_QUEUE = "default";

const textIfSet = (text: string): string | undefined => (text === "" ? undefined : text);

/** A job spec off the wire, its defaults filled in. */
export const readJobSpec = (message: JobSpecMessage): JobSpec => ({
  jobType: message.jobType,
  queue: message.queue || DEFAULT_QUEUE,
  project: message.project,
  source: message.source,
  priority: message.priority,
  payload: message.payload,
  payloadMediaType: message.payloadMediaType,
  payloadArtifact: textIfSet(message.payloadArtifact),
  idempotencyKey: textIfSet(message.idempotencyKey),
  labels: message.labels,
  notBefore: dateIfSet(message.notBefore),
  retry: message.retry === undefined ? undefined : readRetry(message.retry),
  attemptDeadlineMs: msIfSet(message.attemptDeadline),
  correlationId: textIfSet(message.correlationId),
  traceparent: textIfSet(message.traceparent),
  tracestate: textIfSet(message.tracestate),
});

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
