import { parseDigest } from "../domain/digest.ts";
import type { NewJob } from "../domain/job-spec.ts";
import type { JobColumns } from "./enqueue.sql.ts";

/** A new job, and its place in a run if it has one. */
export interface JobRow {
  readonly job: NewJob;
  readonly run?: {
    readonly runId: string;
    readonly name: string;
    readonly unmet: number;
    /** From 1. */
    readonly position: number;
  };
}

const json = (value: object | undefined): string | null =>
  value === undefined || Object.keys(value).length === 0 ? null : JSON.stringify(value);

/** Turns rows into the arrays that `insertJobs` takes. */
export function jobColumns(rows: readonly JobRow[]): JobColumns {
  const column = <T>(pick: (row: JobRow) => T): T[] => rows.map(pick);
  const spec = <T>(pick: (spec: NewJob["spec"]) => T): T[] => rows.map((row) => pick(row.job.spec));
  return [
    column((row) => row.job.tenant),
    column((row) => row.job.jobId),
    spec((s) => s.jobType),
    spec((s) => s.queue),
    spec((s) => s.priority),
    spec((s) => s.project),
    spec((s) => s.source),
    spec((s) => (s.payload.length === 0 ? null : asBuffer(s.payload))),
    spec((s) => s.payloadMediaType),
    spec((s) => (s.payloadArtifact === undefined ? null : parseDigest(s.payloadArtifact))),
    column((row) => asBuffer(row.job.contentDigest)),
    spec((s) => s.idempotencyKey ?? null),
    spec((s) => json(s.labels)),
    spec((s) => s.notBefore ?? null),
    spec((s) => json(s.retry)),
    spec((s) => s.attemptDeadlineMs ?? null),
    spec((s) => s.correlationId ?? null),
    spec((s) => s.traceparent ?? null),
    spec((s) => s.tracestate ?? null),
    column((row) => row.run?.runId ?? null),
    column((row) => row.run?.name ?? null),
    column((row) => row.run?.unmet ?? 0),
    spec((s) => s.concurrencyKey),
    column((row) => row.run?.position ?? null),
    spec((s) => s.window?.scope ?? null),
    spec((s) => s.window?.start ?? null),
    spec((s) => s.window?.end ?? null),
  ];
}

/** The same bytes as a Buffer, without a copy: what `pg` writes as bytea. */
export const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
