import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type EnqueueManyResult,
  type EventWindow,
  type Failure,
  type Job,
  type JobDetail,
  type Lease,
  OrchestratorError,
} from "@stellaops/orchestrator";
import type {
  EnqueueResultSchema,
  ErrorSchema,
  FailureSchema,
  JobSchema,
  LeaseSchema,
  WindowSchema,
} from "../../gen/driver_pb.ts";

/** An SDK's error as the suite has it. Anything else is a bug here: it is thrown again. */
export function toError(error: unknown): MessageInitShape<typeof ErrorSchema> {
  if (!(error instanceof OrchestratorError)) throw error;
  const { code, reason, domain, metadata, violations, isRetryable, message, retryAfterMs } = error;
  return {
    code,
    reason,
    domain,
    metadata: { ...metadata },
    violations: violations.map((violation) => ({ ...violation })),
    isRetryable,
    message,
    ...(retryAfterMs !== undefined && { retryAfterMs: BigInt(Math.round(retryAfterMs)) }),
  };
}

/** A window as the suite has it. */
export const toWindow = ({
  scope = "",
  start,
  end,
}: EventWindow): MessageInitShape<typeof WindowSchema> => ({
  scope,
  startMs: BigInt(start.getTime()),
  endMs: BigInt(end.getTime()),
});

/** A lease as the suite has it. */
export const toLease = (lease: Lease): MessageInitShape<typeof LeaseSchema> => ({ ...lease });

function toFailure(failure: Failure): MessageInitShape<typeof FailureSchema> {
  const { failureClass, message, terminal, retryAfterMs } = failure;
  const base = { failureClass, message, terminal };
  return retryAfterMs === undefined ? base : { ...base, retryAfterMs: BigInt(retryAfterMs) };
}

/** A job as the suite has it. */
export function toJob(job: Job | JobDetail): MessageInitShape<typeof JobSchema> {
  const attempts = "attempts" in job ? job.attempts : [];
  return {
    jobId: job.jobId,
    jobType: job.jobType,
    state: job.state,
    attempt: job.attempt,
    failures: job.failures,
    interruptions: job.interruptions,
    result: job.result,
    progressFraction: job.progress?.fraction ?? 0,
    progressMessage: job.progress?.message ?? "",
    artifacts: job.artifacts.map(({ name, digest, sizeBytes, mediaType }) => ({
      name,
      digest,
      sizeBytes: BigInt(sizeBytes),
      mediaType,
    })),
    attempts: attempts.map(({ attempt, outcome, failure }) => ({
      attempt,
      outcome,
      ...(failure && { failure: toFailure(failure) }),
    })),
    runId: job.runId,
    name: job.name,
    labels: { ...job.labels },
    correlationId: job.correlationId,
    traceparent: job.traceparent,
    priority: job.priority,
    payload: job.payload,
    skipped: job.isSkipped,
    ...(job.window && { window: toWindow(job.window) }),
    ...(job.lastFailure && { lastFailure: toFailure(job.lastFailure) }),
  };
}

/** What became of one enqueued job as the suite has it. */
export function toEnqueueResult(
  result: EnqueueManyResult,
): MessageInitShape<typeof EnqueueResultSchema> {
  return result.outcome === "rejected"
    ? { outcome: "rejected", error: toError(result.error) }
    : { outcome: result.outcome, jobId: result.jobId };
}
