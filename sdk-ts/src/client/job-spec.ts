import { create } from "@bufbuild/protobuf";
import { v7 } from "uuid";
import { toDuration, toTimestamp } from "../contract/time.ts";
import { type JobSpec, JobSpecSchema } from "../gen/stellaops/orchestrator/v1/job_pb.ts";
import { encodePayload, type Payload } from "../payload.ts";
import { correlationOf, type TraceContext, traceOf } from "../trace-context.ts";

/** Overrides single fields of the contract's retry policy for one job. */
export interface RetryOverrides {
  /** How many attempts the job gets in all, the first included; 1 means no retry. */
  readonly maxAttempts?: number;
  /** The bound of the first delay, in milliseconds. */
  readonly initialBackoffMs?: number;
  /** What the bound is multiplied with after each failure. */
  readonly multiplier?: number;
  /** The largest bound, in milliseconds. */
  readonly maxBackoffMs?: number;
  /** No attempt starts later than this after the first one started, in milliseconds. */
  readonly maxElapsedMs?: number;
}

/** What a job can be given besides its type and payload. */
export interface JobOptions {
  /** One job per key and tenant; the same key with other content is refused. */
  readonly idempotencyKey?: string;
  /** Where the job waits; "default" unless told. */
  readonly queue?: string;
  /** −10 to 10, higher goes first; 0 unless told. */
  readonly priority?: number;
  /** The project within the tenant. */
  readonly project?: string;
  /** The upstream that the job reads from, such as "osv.dev". */
  readonly source?: string;
  /** Jobs with the same key share its concurrency limit, whatever their type and queue. */
  readonly concurrencyKey?: string;
  /** Up to 32, for people and filters. */
  readonly labels?: Readonly<Record<string, string>>;
  /** The job starts no earlier than this. */
  readonly notBefore?: Date;
  /** Overrides of the retry policy. */
  readonly retry?: RetryOverrides;
  /** How long one attempt may run, in milliseconds; the contract's 15 min unless told. */
  readonly attemptDeadlineMs?: number;
  /** Ties jobs together; a handler's own correlation id, else the job's id, unless told. */
  readonly correlationId?: string;
  /** W3C trace context; see {@link TraceContext}. */
  readonly traceparent?: string;
  /** W3C trace state that goes with `traceparent`. */
  readonly tracestate?: string;
  /** The media type of the payload; follows from the payload unless told. */
  readonly payloadMediaType?: string;
}

/** A job as a batch lists it. */
export interface JobRequest extends JobOptions {
  /** A dotted name such as "concelier.ingest.osv". */
  readonly jobType: string;
  /** The input. */
  readonly payload?: Payload;
}

const bytes = (text: string | undefined): number => (text ? Buffer.byteLength(text) : 0);

/**
 * The JobSpec of a request, with a job id of the SDK's own choosing: a UUIDv7, so that a call
 * that is repeated after a lost answer finds the job of the first try.
 */
export function toJobSpec(
  request: JobRequest,
  traceContext: (() => TraceContext | undefined) | undefined,
): JobSpec {
  const { retry } = request;
  const encoded = encodePayload(request.payload);
  return create(JobSpecSchema, {
    jobId: v7(),
    jobType: request.jobType,
    queue: request.queue ?? "",
    project: request.project ?? "",
    source: request.source ?? "",
    concurrencyKey: request.concurrencyKey ?? "",
    priority: request.priority ?? 0,
    ...encoded,
    payloadMediaType: request.payloadMediaType ?? encoded.payloadMediaType,
    idempotencyKey: request.idempotencyKey ?? "",
    labels: { ...request.labels },
    notBefore: toTimestamp(request.notBefore),
    retry: retry && {
      maxAttempts: retry.maxAttempts ?? 0,
      initialBackoff: toDuration(retry.initialBackoffMs),
      multiplier: retry.multiplier ?? 0,
      maxBackoff: toDuration(retry.maxBackoffMs),
      maxElapsed: toDuration(retry.maxElapsedMs),
    },
    attemptDeadline: toDuration(request.attemptDeadlineMs),
    correlationId: correlationOf(request.correlationId),
    ...traceOf(request, traceContext),
  });
}

/** An upper bound of a spec's encoded size in bytes, cheap enough to compute for every job. */
export function specBytes(spec: JobSpec): number {
  let size = 512 + spec.payload.length + bytes(spec.jobType) + bytes(spec.queue);
  size += bytes(spec.project) + bytes(spec.source) + bytes(spec.payloadMediaType);
  size += bytes(spec.concurrencyKey);
  size += bytes(spec.idempotencyKey) + bytes(spec.correlationId) + bytes(spec.tracestate);
  for (const [key, value] of Object.entries(spec.labels)) size += 16 + bytes(key) + bytes(value);
  return size;
}
