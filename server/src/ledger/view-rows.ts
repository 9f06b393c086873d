import { formatDigest } from "../domain/digest.ts";
import type { JobSpec, JobWindow } from "../domain/job-spec.ts";
import type { AttemptView, BoundArtifact, JobEventView, JobView } from "../domain/job-view.ts";
import type { Failure, FailureClass } from "../domain/lease.ts";
import type { AttemptRow, BoundArtifactRow, JobEventRow, JobViewRow } from "./read.sql.ts";

const NOTHING = new Uint8Array(0);

/** A row as the domain's view of a job. */
export function jobView(
  tenant: string,
  row: JobViewRow,
  artifacts: readonly BoundArtifact[],
  interruptionWindowMs: number,
): JobView {
  const succeeded = row.state === "succeeded";
  return {
    tenant,
    jobId: row.job_id,
    spec: specOf(row),
    state: row.state,
    attempt: row.running_attempt ?? row.last_attempt ?? 0,
    failures: row.failures,
    interruptions: row.interruption_ages_ms.filter((age) => age <= interruptionWindowMs).length,
    createdAt: row.created_at,
    startedAt: row.running_since ?? row.last_started_at ?? undefined,
    finishedAt: (succeeded ? row.last_ended_at : row.ended_at) ?? undefined,
    scheduledAt: row.run_at ?? undefined,
    lastFailure: lastFailureOf(row),
    result: (succeeded ? row.result : null) ?? NOTHING,
    progress:
      row.fraction === null
        ? undefined
        : {
            fraction: row.fraction,
            message: row.progress_message ?? "",
            checkpoint: row.checkpoint ?? NOTHING,
          },
    runId: row.run_id ?? undefined,
    name: row.name ?? undefined,
    skipped: row.skipped,
    workerId: row.lease_worker_id ?? undefined,
    artifacts,
  };
}

/** The window that a job declares, if it does. */
export function windowOf(row: WindowColumns): JobWindow | undefined {
  const { window_scope: scope, window_start: start, window_end: end } = row;
  return scope === null || start === null || end === null ? undefined : { scope, start, end };
}

interface WindowColumns {
  readonly window_scope: string | null;
  readonly window_start: Date | null;
  readonly window_end: Date | null;
}

function specOf(row: JobViewRow): JobSpec {
  return {
    jobType: row.job_type,
    queue: row.queue,
    project: row.project,
    source: row.source,
    priority: row.priority,
    concurrencyKey: row.concurrency_key,
    payload: row.payload ?? NOTHING,
    payloadMediaType: row.payload_media_type,
    payloadArtifact: row.payload_artifact === null ? undefined : formatDigest(row.payload_artifact),
    idempotencyKey: row.idempotency_key ?? undefined,
    labels: row.labels ?? {},
    notBefore: row.not_before ?? undefined,
    retry: row.retry ?? undefined,
    attemptDeadlineMs: row.attempt_deadline_ms ?? undefined,
    correlationId: row.correlation_id ?? row.job_id,
    traceparent: row.traceparent ?? undefined,
    tracestate: row.tracestate ?? undefined,
    window: windowOf(row),
  };
}

/** A job that was cancelled while it waited has a reason and no attempt that could carry it. */
function lastFailureOf(row: JobViewRow): Failure | undefined {
  if (row.state === "cancelled") {
    return {
      failureClass: "cancelled",
      message: row.end_reason ?? "",
      terminal: true,
      retryAfterMs: undefined,
    };
  }
  return failureOf(row);
}

interface FailureColumns {
  readonly failure_class: FailureClass | null;
  readonly failure_message: string | null;
  readonly terminal: boolean | null;
  readonly retry_after_ms: number | null;
}

function failureOf(row: FailureColumns): Failure | undefined {
  if (row.failure_class === null) return undefined;
  return {
    failureClass: row.failure_class,
    message: row.failure_message ?? "",
    terminal: row.terminal ?? false,
    retryAfterMs: row.retry_after_ms ?? undefined,
  };
}

/** A row as the domain's view of an ended attempt. */
export const attemptView = (row: AttemptRow): AttemptView => ({
  attempt: row.attempt,
  leaseEpoch: row.lease_epoch,
  workerId: row.worker_id,
  startedAt: row.started_at,
  endedAt: row.ended_at,
  outcome: row.outcome,
  failure: failureOf(row),
});

/** A row as the domain's view of an event; undefined for the row that says there is none. */
export function eventView(
  tenant: string,
  jobId: string,
  row: JobEventRow,
): JobEventView | undefined {
  if (row.id === null) return undefined;
  return {
    eventId: row.id,
    at: row.at,
    kind: row.kind,
    fromState: row.from_state ?? undefined,
    toState: row.to_state,
    tenant,
    project: row.project,
    jobId,
    jobType: row.job_type,
    correlationId: row.correlation_id ?? jobId,
    workerId: row.worker_id ?? undefined,
    attempt: row.attempt,
    leaseEpoch: row.lease_epoch,
    actor: row.actor,
    reason: row.reason ?? undefined,
  };
}

/** A row as the domain's view of an artifact that a job produced. */
export const boundArtifact = (row: BoundArtifactRow): BoundArtifact => ({
  name: row.name,
  digest: formatDigest(row.digest),
  sizeBytes: row.size_bytes,
  mediaType: row.media_type,
  attempt: row.attempt,
  leaseEpoch: row.lease_epoch,
});
