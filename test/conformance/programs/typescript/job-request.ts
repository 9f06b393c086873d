import { ArtifactRef, type JobRequest, type Payload } from "@stellaops/orchestrator";
import type { JobRequest as JobRequestMessage, Window } from "../../gen/driver_pb.ts";

/** What is set of an object; empty and 0 mean "not said". */
function said<T extends object>(values: T): Partial<T> {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined && value !== "");
  return Object.fromEntries(entries) as Partial<T>;
}

const positive = (value: bigint | number): number | undefined => Number(value) || undefined;

const windowOf = ({ scope, startMs, endMs }: Window) => ({
  ...(scope !== "" && { scope }),
  start: new Date(Number(startMs)),
  end: new Date(Number(endMs)),
});

function payloadOf(job: JobRequestMessage): Payload | undefined {
  if (job.payloadArtifact !== "") return new ArtifactRef(job.payloadArtifact);
  return job.payload.length > 0 ? job.payload : undefined;
}

/** A job to enqueue, in the SDK's words. */
export function toJobRequest(job: JobRequestMessage): JobRequest {
  const { retry } = job;
  return {
    jobType: job.jobType,
    ...said({
      payload: payloadOf(job),
      payloadMediaType: job.payloadMediaType,
      queue: job.queue,
      project: job.project,
      source: job.source,
      window: job.window && windowOf(job.window),
      concurrencyKey: job.concurrencyKey,
      priority: positive(job.priority),
      idempotencyKey: job.idempotencyKey,
      labels: Object.keys(job.labels).length > 0 ? job.labels : undefined,
      notBefore: job.delayMs > 0n ? new Date(Date.now() + Number(job.delayMs)) : undefined,
      attemptDeadlineMs: positive(job.attemptDeadlineMs),
      correlationId: job.correlationId,
      traceparent: job.traceparent,
      tracestate: job.tracestate,
      retry:
        retry &&
        said({
          maxAttempts: positive(retry.maxAttempts),
          initialBackoffMs: positive(retry.initialBackoffMs),
          multiplier: positive(retry.multiplier),
          maxBackoffMs: positive(retry.maxBackoffMs),
        }),
    }),
  } as JobRequest;
}
