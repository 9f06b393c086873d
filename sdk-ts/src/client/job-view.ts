import { toDate, toMs } from "../contract/time.ts";
import type { ArtifactBinding } from "../gen/stellaops/orchestrator/v1/artifact_pb.ts";
import type { Failure as FailureMessage } from "../gen/stellaops/orchestrator/v1/failure_pb.ts";
import type {
  Attempt as AttemptMessage,
  JobEvent as JobEventMessage,
  Job as JobMessage,
} from "../gen/stellaops/orchestrator/v1/job_pb.ts";
import type { FailureClass } from "../job-errors.ts";
import { attemptOutcomes, failureClasses, type JobState, jobStates } from "./names.ts";
import { type EventWindow, toWindow } from "./window.ts";

/** An artifact as the product of a job. */
export interface BoundArtifact {
  readonly name: string;
  readonly digest: string;
  readonly sizeBytes: number;
  readonly mediaType: string;
  readonly attempt: number;
  readonly leaseEpoch: bigint;
}

/** Why an attempt did not succeed. */
export interface Failure {
  readonly failureClass: FailureClass;
  readonly message: string;
  /** True: no further attempt could succeed. */
  readonly terminal: boolean;
  readonly retryAfterMs: number | undefined;
}

/** How far an attempt got. */
export interface JobProgress {
  /** From 0 to 1. */
  readonly fraction: number;
  readonly message: string;
  readonly checkpoint: Uint8Array;
}

/** A job as the ledger has it. Empty strings mean "none". */
export interface Job {
  readonly jobId: string;
  readonly tenant: string;
  readonly jobType: string;
  readonly queue: string;
  readonly project: string;
  readonly source: string;
  readonly concurrencyKey: string;
  readonly priority: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly idempotencyKey: string;
  readonly correlationId: string;
  readonly traceparent: string;
  /** The input; empty in lists and watches. */
  readonly payload: Uint8Array;
  readonly payloadMediaType: string;
  /** The digest of the artifact that is the input. */
  readonly payloadArtifact: string;
  readonly state: JobState;
  /** Whether the state is succeeded, dead or cancelled. */
  readonly isTerminal: boolean;
  /** The number of the newest attempt; 0 before the first. */
  readonly attempt: number;
  readonly failures: number;
  readonly interruptions: number;
  readonly createTime: Date | undefined;
  readonly startTime: Date | undefined;
  readonly finishTime: Date | undefined;
  readonly scheduledTime: Date | undefined;
  readonly lastFailure: Failure | undefined;
  /** The inline result; see {@link decodeJson} for JSON ones. */
  readonly result: Uint8Array;
  readonly progress: JobProgress | undefined;
  readonly runId: string;
  /** Its name in the run. */
  readonly name: string;
  readonly workerId: string;
  readonly artifacts: readonly BoundArtifact[];
  /** The event time of its source that it covers. */
  readonly window: EventWindow | undefined;
  /** Whether it was cancelled because its run did not need it. */
  readonly isSkipped: boolean;
}

/** One ended try at a job. */
export interface Attempt {
  readonly attempt: number;
  readonly leaseEpoch: bigint;
  readonly workerId: string;
  readonly startTime: Date | undefined;
  readonly finishTime: Date | undefined;
  readonly outcome: "unspecified" | "succeeded" | "failed" | "interrupted" | "cancelled";
  readonly failure: Failure | undefined;
}

/** A job with its ended attempts, oldest first, the newest 100. */
export interface JobDetail extends Job {
  readonly attempts: readonly Attempt[];
}

/** One change of a job, with its provenance. */
export interface JobEvent {
  readonly eventId: bigint;
  readonly time: Date | undefined;
  readonly kind: string;
  readonly fromState: JobState | undefined;
  readonly toState: JobState | undefined;
  readonly tenant: string;
  readonly project: string;
  readonly jobId: string;
  readonly jobType: string;
  readonly correlationId: string;
  readonly workerId: string;
  readonly attempt: number;
  readonly leaseEpoch: bigint;
  readonly actor: string;
  readonly reason: string;
}

const toArtifact = (binding: ArtifactBinding): BoundArtifact => ({
  name: binding.name,
  digest: binding.digest,
  sizeBytes: Number(binding.sizeBytes),
  mediaType: binding.mediaType,
  attempt: binding.attempt,
  leaseEpoch: binding.leaseEpoch,
});

const toFailure = (failure: FailureMessage | undefined): Failure | undefined =>
  failure && {
    failureClass: failureClasses.nameOf(failure.failureClass) ?? "user",
    message: failure.message,
    terminal: failure.terminal,
    retryAfterMs: toMs(failure.retryAfter),
  };

/** States that a job does not leave by itself. */
const terminal: ReadonlySet<JobState> = new Set(["succeeded", "dead", "cancelled"]);

/** Whether a job in this state is finished, unless an operator retries it. */
export const isTerminalState = (state: JobState): boolean => terminal.has(state);

/** A job of the contract as a plain object. */
export function toJob(job: JobMessage): Job {
  const { spec, progress } = job;
  const state = jobStates.nameOf(job.state) ?? "blocked";
  return {
    jobId: job.jobId,
    tenant: job.tenant,
    jobType: spec?.jobType ?? "",
    queue: spec?.queue ?? "",
    project: spec?.project ?? "",
    source: spec?.source ?? "",
    concurrencyKey: spec?.concurrencyKey ?? "",
    priority: spec?.priority ?? 0,
    labels: spec?.labels ?? {},
    idempotencyKey: spec?.idempotencyKey ?? "",
    correlationId: spec?.correlationId ?? "",
    traceparent: spec?.traceparent ?? "",
    payload: spec?.payload ?? new Uint8Array(),
    payloadMediaType: spec?.payloadMediaType ?? "",
    payloadArtifact: spec?.payloadArtifact ?? "",
    state,
    isTerminal: isTerminalState(state),
    attempt: job.attempt,
    failures: job.failures,
    interruptions: job.interruptions,
    createTime: toDate(job.createTime),
    startTime: toDate(job.startTime),
    finishTime: toDate(job.finishTime),
    scheduledTime: toDate(job.scheduledTime),
    lastFailure: toFailure(job.lastFailure),
    result: job.result,
    progress: progress && {
      fraction: progress.fraction,
      message: progress.message,
      checkpoint: progress.checkpoint,
    },
    runId: job.runId,
    name: job.name,
    workerId: job.workerId,
    artifacts: job.artifacts.map(toArtifact),
    window: toWindow(spec?.window),
    isSkipped: job.skipped,
  };
}

/** An attempt of the contract as a plain object. */
export const toAttempt = (attempt: AttemptMessage): Attempt => ({
  attempt: attempt.attempt,
  leaseEpoch: attempt.leaseEpoch,
  workerId: attempt.workerId,
  startTime: toDate(attempt.startTime),
  finishTime: toDate(attempt.finishTime),
  outcome: attemptOutcomes.nameOf(attempt.outcome) ?? "unspecified",
  failure: toFailure(attempt.failure),
});

/** An event of the contract as a plain object. */
export const toJobEvent = (event: JobEventMessage): JobEvent => ({
  eventId: event.eventId,
  time: toDate(event.time),
  kind: event.kind,
  fromState: jobStates.nameOf(event.fromState),
  toState: jobStates.nameOf(event.toState),
  tenant: event.tenant,
  project: event.project,
  jobId: event.jobId,
  jobType: event.jobType,
  correlationId: event.correlationId,
  workerId: event.workerId,
  attempt: event.attempt,
  leaseEpoch: event.leaseEpoch,
  actor: event.actor,
  reason: event.reason,
});
