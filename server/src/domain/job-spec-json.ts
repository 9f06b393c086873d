import type { JobSpec } from "./job-spec.ts";

/** A job spec as JSON keeps it: bytes are base64, moments RFC 3339, what is not set is left out. */
export type JobSpecJson = Readonly<Record<string, unknown>>;

/** Writes a job spec so that {@link readJobSpecJson} reads the same one. */
export function writeJobSpecJson(spec: JobSpec): JobSpecJson {
  const { payload, notBefore, window, ...plain } = spec;
  const written = {
    ...plain,
    payload: Buffer.from(payload).toString("base64"),
    notBefore: notBefore?.toISOString(),
    window: window && {
      scope: window.scope,
      start: window.start.toISOString(),
      end: window.end.toISOString(),
    },
  };
  // What it would be after a round trip, so that it can be compared before one.
  return Object.fromEntries(Object.entries(written).filter(([, value]) => value !== undefined));
}

type Written = Omit<JobSpec, "payload" | "notBefore" | "window"> & {
  readonly payload: string;
  readonly notBefore?: string;
  readonly window?: { readonly scope: string; readonly start: string; readonly end: string };
};

/** Reads what {@link writeJobSpecJson} wrote. */
export function readJobSpecJson(json: JobSpecJson): JobSpec {
  const written = json as unknown as Written;
  const { notBefore, window } = written;
  return {
    jobType: written.jobType,
    queue: written.queue,
    project: written.project,
    source: written.source,
    priority: written.priority,
    concurrencyKey: written.concurrencyKey,
    payload: new Uint8Array(Buffer.from(written.payload, "base64")),
    payloadMediaType: written.payloadMediaType,
    payloadArtifact: written.payloadArtifact,
    idempotencyKey: written.idempotencyKey,
    labels: written.labels,
    notBefore: notBefore === undefined ? undefined : new Date(notBefore),
    retry: written.retry,
    attemptDeadlineMs: written.attemptDeadlineMs,
    correlationId: written.correlationId,
    traceparent: written.traceparent,
    tracestate: written.tracestate,
    window: window && {
      scope: window.scope,
      start: new Date(window.start),
      end: new Date(window.end),
    },
  };
}
