import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { JobState } from "../domain/job-machine.ts";
import type { JobSpec, JobWindow } from "../domain/job-spec.ts";
import type {
  AttemptOutcome,
  AttemptView,
  BoundArtifact,
  JobEventView,
  JobView,
} from "../domain/job-view.ts";
import type { Failure, FailureClass } from "../domain/lease.ts";
import type { RetryOverrides } from "../domain/retry.ts";
import type { ArtifactBindingSchema } from "../gen/stellaops/orchestrator/v1/artifact_pb.ts";
import {
  FailureClass as FailureClassEnum,
  type Failure as FailureMessage,
  FailureSchema,
} from "../gen/stellaops/orchestrator/v1/failure_pb.ts";
import {
  type Attempt,
  AttemptOutcome as AttemptOutcomeEnum,
  AttemptSchema,
  type EventWindow,
  EventWindowSchema,
  type Job,
  type JobEvent,
  JobEventSchema,
  JobSchema,
  type JobSpec as JobSpecMessage,
  JobSpecSchema,
  JobState as JobStateEnum,
} from "../gen/stellaops/orchestrator/v1/job_pb.ts";
import { RetryPolicySchema } from "../gen/stellaops/orchestrator/v1/lease_policy_pb.ts";
import { durationOfMs } from "./errors.ts";

const STATES: Readonly<Record<JobState, JobStateEnum>> = {
  blocked: JobStateEnum.BLOCKED,
  scheduled: JobStateEnum.SCHEDULED,
  ready: JobStateEnum.READY,
  offered: JobStateEnum.OFFERED,
  running: JobStateEnum.RUNNING,
  succeeded: JobStateEnum.SUCCEEDED,
  failed: JobStateEnum.FAILED,
  dead: JobStateEnum.DEAD,
  cancelled: JobStateEnum.CANCELLED,
};

const STATE_NAMES: ReadonlyMap<JobStateEnum, JobState> = new Map(
  Object.entries(STATES).map(([name, value]) => [value, name as JobState]),
);

const FAILURE_CLASSES: Readonly<Record<FailureClass, FailureClassEnum>> = {
  user: FailureClassEnum.USER,
  http_429: FailureClassEnum.HTTP_429,
  http_5xx: FailureClassEnum.HTTP_5XX,
  schema_mismatch: FailureClassEnum.SCHEMA_MISMATCH,
  parse_error: FailureClassEnum.PARSE_ERROR,
  timeout: FailureClassEnum.TIMEOUT,
  lease_expired: FailureClassEnum.LEASE_EXPIRED,
  drained: FailureClassEnum.DRAINED,
  cancelled: FailureClassEnum.CANCELLED,
  incapable: FailureClassEnum.INCAPABLE,
  panic: FailureClassEnum.PANIC,
  network: FailureClassEnum.NETWORK,
  oversize: FailureClassEnum.OVERSIZE,
};

const OUTCOMES: Readonly<Record<AttemptOutcome, AttemptOutcomeEnum>> = {
  succeeded: AttemptOutcomeEnum.SUCCEEDED,
  failed: AttemptOutcomeEnum.FAILED,
  interrupted: AttemptOutcomeEnum.INTERRUPTED,
  cancelled: AttemptOutcomeEnum.CANCELLED,
};

/** A state as the contract numbers it. */
export const stateMessage = (state: JobState): JobStateEnum => STATES[state];

/** A state of the contract as the domain names it; undefined for one that is not said. */
export const stateOf = (state: JobStateEnum): JobState | undefined => STATE_NAMES.get(state);

/** How an attempt ended, as the contract numbers it. */
export const outcomeMessage = (outcome: AttemptOutcome): AttemptOutcomeEnum => OUTCOMES[outcome];

/** A job as the contract writes it. */
export const jobMessage = (job: JobView): Job =>
  create(JobSchema, {
    jobId: job.jobId,
    tenant: job.tenant,
    spec: jobSpecMessage(job.jobId, job.spec),
    state: STATES[job.state],
    attempt: job.attempt,
    failures: job.failures,
    interruptions: job.interruptions,
    createTime: timestampFromDate(job.createdAt),
    startTime: timestampOf(job.startedAt),
    finishTime: timestampOf(job.finishedAt),
    scheduledTime: timestampOf(job.scheduledAt),
    lastFailure: job.lastFailure && failureMessage(job.lastFailure),
    result: job.result,
    progress: job.progress,
    runId: job.runId ?? "",
    name: job.name ?? "",
    skipped: job.skipped,
    workerId: job.workerId ?? "",
    artifacts: job.artifacts.map(bindingInit),
  });

/** A window as the contract writes it. */
export const windowMessage = ({ scope, start, end }: JobWindow): EventWindow =>
  create(EventWindowSchema, {
    scope,
    startTime: timestampFromDate(start),
    endTime: timestampFromDate(end),
  });

/** A job's description as the contract writes it. */
export const jobSpecMessage = (jobId: string, spec: JobSpec): JobSpecMessage =>
  create(JobSpecSchema, {
    jobId,
    jobType: spec.jobType,
    queue: spec.queue,
    project: spec.project,
    source: spec.source,
    priority: spec.priority,
    concurrencyKey: spec.concurrencyKey,
    payload: spec.payload,
    payloadMediaType: spec.payloadMediaType,
    payloadArtifact: spec.payloadArtifact ?? "",
    idempotencyKey: spec.idempotencyKey ?? "",
    labels: { ...spec.labels },
    notBefore: timestampOf(spec.notBefore),
    retry: spec.retry && retryMessage(spec.retry),
    window: spec.window && windowMessage(spec.window),
    attemptDeadline: durationOf(spec.attemptDeadlineMs),
    correlationId: spec.correlationId ?? "",
    traceparent: spec.traceparent ?? "",
    tracestate: spec.tracestate ?? "",
  });

/** A failure class as the contract numbers it. */
export const failureClassMessage = (failureClass: FailureClass): FailureClassEnum =>
  FAILURE_CLASSES[failureClass];

/** A failure as the contract writes it. */
export const failureMessage = (failure: Failure): FailureMessage =>
  create(FailureSchema, {
    failureClass: FAILURE_CLASSES[failure.failureClass],
    message: failure.message,
    terminal: failure.terminal,
    retryAfter: durationOf(failure.retryAfterMs),
  });

/** An ended attempt as the contract writes it. */
export const attemptMessage = (attempt: AttemptView): Attempt =>
  create(AttemptSchema, {
    attempt: attempt.attempt,
    leaseEpoch: BigInt(attempt.leaseEpoch),
    workerId: attempt.workerId,
    startTime: timestampFromDate(attempt.startedAt),
    finishTime: timestampFromDate(attempt.endedAt),
    outcome: OUTCOMES[attempt.outcome],
    failure: attempt.failure && failureMessage(attempt.failure),
  });

/** A step of a job's history as the contract writes it. */
export const jobEventMessage = (event: JobEventView): JobEvent =>
  create(JobEventSchema, {
    eventId: BigInt(event.eventId),
    time: timestampFromDate(event.at),
    kind: event.kind,
    fromState: event.fromState === undefined ? JobStateEnum.UNSPECIFIED : STATES[event.fromState],
    toState: STATES[event.toState],
    tenant: event.tenant,
    project: event.project,
    jobId: event.jobId,
    jobType: event.jobType,
    correlationId: event.correlationId,
    workerId: event.workerId ?? "",
    attempt: event.attempt,
    leaseEpoch: BigInt(event.leaseEpoch),
    actor: event.actor,
    reason: event.reason ?? "",
  });

const timestampOf = (date: Date | undefined) => date && timestampFromDate(date);

const durationOf = (ms: number | undefined) => (ms === undefined ? undefined : durationOfMs(ms));

const bindingInit = (one: BoundArtifact): MessageInitShape<typeof ArtifactBindingSchema> => ({
  name: one.name,
  digest: one.digest,
  sizeBytes: BigInt(one.sizeBytes),
  mediaType: one.mediaType,
  attempt: one.attempt,
  leaseEpoch: BigInt(one.leaseEpoch),
});

const retryMessage = (retry: RetryOverrides) =>
  create(RetryPolicySchema, {
    maxAttempts: retry.maxAttempts ?? 0,
    initialBackoff: durationOf(retry.initialBackoffMs),
    multiplier: retry.multiplier ?? 0,
    maxBackoff: durationOf(retry.maxBackoffMs),
    maxElapsed: durationOf(retry.maxElapsedMs),
  });
