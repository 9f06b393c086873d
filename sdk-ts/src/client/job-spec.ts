import { create } from "@bufbuild/protobuf";
import { v7 } from "uuid";
import { toDate, toDuration, toMs, toTimestamp } from "../contract/time.ts";
import { type JobSpec, JobSpecSchema } from "../gen/stellaops/orchestrator/v1/job_pb.ts";
import { ArtifactRef, encodePayload, type Payload } from "../payload.ts";
import { correlationOf, type TraceContext, traceOf } from "../trace-context.ts";
import { type EventWindow, fromWindow, toWindow } from "./window.ts";

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
  /** The event time of its source that the job covers when it succeeds; needs a `source`. */
  readonly window?: EventWindow;
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
    ...(request.window && { window: fromWindow(request.window) }),
  });
}

/** What a job can be given that something else makes: a pipeline or a backfill. */
export type JobTemplate = Omit<JobRequest, "idempotencyKey" | "notBefore" | "window">;

/**
 * The JobSpec of a job that is made later, and maybe often: it has no id, and inherits nothing from
 * the handler that happens to store it.
 */
export function toTemplateSpec(template: JobTemplate): JobSpec {
  const { correlationId = "", traceparent = "" } = template;
  return Object.assign(toJobSpec({ ...template, correlationId, traceparent }, undefined), {
    jobId: "",
  });
}

/** What is set of an object; empty, 0 and undefined mean "not said". */
function said<T extends object>(values: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const entries = Object.entries(values).filter(([, value]) => value);
  return Object.fromEntries(entries) as { [K in keyof T]?: NonNullable<T[K]> };
}

function payloadOf({ payload, payloadArtifact }: JobSpec): Payload | undefined {
  if (payloadArtifact !== "") return new ArtifactRef(payloadArtifact);
  return payload.length > 0 ? payload : undefined;
}

/** A JobSpec that the server keeps, in the words of a request: it can be sent again. */
export function toJobRequest(spec: JobSpec): JobRequest {
  const { retry } = spec;
  return {
    jobType: spec.jobType,
    ...said({
      payload: payloadOf(spec),
      payloadMediaType: spec.payloadMediaType,
      queue: spec.queue,
      project: spec.project,
      source: spec.source,
      window: toWindow(spec.window),
      concurrencyKey: spec.concurrencyKey,
      priority: spec.priority,
      idempotencyKey: spec.idempotencyKey,
      labels: Object.keys(spec.labels).length > 0 ? spec.labels : undefined,
      notBefore: toDate(spec.notBefore),
      attemptDeadlineMs: toMs(spec.attemptDeadline),
      correlationId: spec.correlationId,
      traceparent: spec.traceparent,
      tracestate: spec.tracestate,
      retry:
        retry &&
        said({
          maxAttempts: retry.maxAttempts,
          initialBackoffMs: toMs(retry.initialBackoff),
          multiplier: retry.multiplier,
          maxBackoffMs: toMs(retry.maxBackoff),
          maxElapsedMs: toMs(retry.maxElapsed),
        }),
    }),
  };
}

/** An upper bound of a spec's encoded size in bytes, cheap enough to compute for every job. */
export function specBytes(spec: JobSpec): number {
  let size = 512 + spec.payload.length + bytes(spec.jobType) + bytes(spec.queue);
  size += bytes(spec.project) + bytes(spec.source) + bytes(spec.payloadMediaType);
  size += bytes(spec.concurrencyKey) + bytes(spec.window?.scope);
  size += bytes(spec.idempotencyKey) + bytes(spec.correlationId) + bytes(spec.tracestate);
  for (const [key, value] of Object.entries(spec.labels)) size += 16 + bytes(key) + bytes(value);
  return size;
}
