import { createHash } from "node:crypto";
import { contentHash } from "./digest.ts";
import type { RetryOverrides } from "./retry.ts";

/** A span of event time of a job's source: from start up to but not including end. */
export interface JobWindow {
  /** The partition of the source; empty: the source has none. */
  readonly scope: string;
  readonly start: Date;
  readonly end: Date;
}

/** A job as its producer describes it, with every default filled in. */
export interface JobSpec {
  readonly jobType: string;
  readonly queue: string;
  readonly project: string;
  readonly source: string;
  readonly priority: number;
  /** Jobs with the same key share its concurrency limit; empty: none. */
  readonly concurrencyKey: string;
  readonly payload: Uint8Array;
  readonly payloadMediaType: string;
  /** "sha256:…" or undefined. */
  readonly payloadArtifact: string | undefined;
  readonly idempotencyKey: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly notBefore: Date | undefined;
  readonly retry: RetryOverrides | undefined;
  readonly attemptDeadlineMs: number | undefined;
  readonly correlationId: string | undefined;
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
  /** What its success covers. */
  readonly window: JobWindow | undefined;
}

/** A job on its way into the ledger. */
export interface NewJob {
  readonly tenant: string;
  readonly jobId: string;
  readonly spec: JobSpec;
  readonly contentDigest: Uint8Array;
}

/** A job on its way into the ledger as part of a run. */
export interface NewRunJob extends NewJob {
  readonly name: string;
  /** How many jobs must succeed first. */
  readonly unmet: number;
}

/**
 * What "the same content" means for an idempotency key or a repeated job id: the hash of everything
 * that decides what the job does. Ids, keys and trace context are left out: a retry of the producer
 * has new ones of those.
 */
export const contentDigest = (spec: JobSpec): Uint8Array =>
  contentHash({
    jobType: spec.jobType,
    queue: spec.queue,
    project: spec.project,
    source: spec.source,
    priority: spec.priority,
    // Left out where there is none, so that digests from before the field still match.
    ...(spec.concurrencyKey === "" ? {} : { concurrencyKey: spec.concurrencyKey }),
    payload: createHash("sha256").update(spec.payload).digest("hex"),
    payloadMediaType: spec.payloadMediaType,
    payloadArtifact: spec.payloadArtifact ?? null,
    labels: spec.labels,
    notBefore: spec.notBefore ?? null,
    retry: spec.retry ?? null,
    attemptDeadlineMs: spec.attemptDeadlineMs ?? null,
    window: spec.window,
  });
