import type { JobState } from "./job-machine.ts";
import type { JobSpec } from "./job-spec.ts";
import type { Failure } from "./lease.ts";

/** An artifact as the product of a job. */
export interface BoundArtifact {
  readonly name: string;
  /** "sha256:…". */
  readonly digest: string;
  readonly sizeBytes: number;
  readonly mediaType: string;
  readonly attempt: number;
  readonly leaseEpoch: number;
}

/** The newest progress report of a job. */
export interface ProgressView {
  /** From 0 to 1. */
  readonly fraction: number;
  readonly message: string;
  /** Empty in lists and watches. */
  readonly checkpoint: Uint8Array;
}

/** A job as it stands. Lists and watches leave out payload, result and checkpoint. */
export interface JobView {
  readonly tenant: string;
  readonly jobId: string;
  readonly spec: JobSpec;
  readonly state: JobState;
  /** The number of the newest attempt that started; 0 before the first. */
  readonly attempt: number;
  /** Failed attempts since the job was enqueued or retried by an operator. */
  readonly failures: number;
  /** Interrupted attempts of the same span that lie within the interruption window. */
  readonly interruptions: number;
  readonly createdAt: Date;
  /** When the newest attempt started. */
  readonly startedAt: Date | undefined;
  /** When it became succeeded, dead or cancelled. */
  readonly finishedAt: Date | undefined;
  /** When a scheduled job becomes ready. */
  readonly scheduledAt: Date | undefined;
  /** Why the newest ended attempt did not succeed, or why the job was cancelled. */
  readonly lastFailure: Failure | undefined;
  readonly result: Uint8Array;
  readonly progress: ProgressView | undefined;
  readonly runId: string | undefined;
  readonly name: string | undefined;
  /** Cancelled because the run did not need it. */
  readonly skipped: boolean;
  /** The worker that holds it, while offered or running. */
  readonly workerId: string | undefined;
  /** What its successful attempt produced, by name. */
  readonly artifacts: readonly BoundArtifact[];
}

/** How an attempt ended. */
export type AttemptOutcome = "succeeded" | "failed" | "interrupted" | "cancelled";

/** An ended attempt. */
export interface AttemptView {
  readonly attempt: number;
  readonly leaseEpoch: number;
  readonly workerId: string;
  readonly startedAt: Date;
  readonly endedAt: Date;
  readonly outcome: AttemptOutcome;
  /** Why it did not succeed. */
  readonly failure: Failure | undefined;
}

/** A step of a job's history, with its provenance. */
export interface JobEventView {
  /** Grows along a job's history; not dense. */
  readonly eventId: number;
  readonly at: Date;
  readonly kind: string;
  readonly fromState: JobState | undefined;
  readonly toState: JobState;
  readonly tenant: string;
  readonly project: string;
  readonly jobId: string;
  readonly jobType: string;
  readonly correlationId: string;
  readonly workerId: string | undefined;
  /** 0 if no attempt was involved. */
  readonly attempt: number;
  /** 0 if no lease was involved. */
  readonly leaseEpoch: number;
  readonly actor: string;
  readonly reason: string | undefined;
}

/** Narrows a list; what is undefined or empty does not count, the rest must all match. */
export interface JobFilter {
  readonly states: readonly JobState[];
  readonly jobTypes: readonly string[];
  readonly queue: string | undefined;
  readonly project: string | undefined;
  readonly source: string | undefined;
  readonly runId: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** Inclusive. */
  readonly createdFrom: Date | undefined;
  /** Exclusive. */
  readonly createdBefore: Date | undefined;
  /** Worked on by this task runner now. */
  readonly workerId: string | undefined;
}

/**
 * About how many bytes a job takes in a message: what varies much is counted, the rest is a
 * constant. Errs on the large side for text that is not ASCII.
 */
export function approximateBytes(job: JobView): number {
  const { spec } = job;
  const texts = [
    spec.idempotencyKey,
    spec.correlationId,
    spec.tracestate,
    spec.source,
    spec.concurrencyKey,
    spec.project,
    spec.payloadMediaType,
    job.lastFailure?.message,
    job.progress?.message,
    ...Object.entries(spec.labels).flat(),
  ];
  const bound = job.artifacts.reduce((sum, one) => sum + one.name.length + one.mediaType.length, 0);
  const text = texts.reduce((sum, one) => sum + (one?.length ?? 0), 0) + bound;
  const bytes = spec.payload.length + job.result.length + (job.progress?.checkpoint.length ?? 0);
  return 600 + 3 * text + 120 * job.artifacts.length + bytes;
}
