import type { JobSpec } from "./job-spec.ts";
import type { LeaseRef } from "./lease.ts";

/** A job handed out under a lease. */
export interface Offer {
  readonly lease: LeaseRef;
  readonly spec: JobSpec;
  readonly leaseTtlMs: number;
  readonly attemptDeadlineMs: number;
  readonly checkpoint: Uint8Array | undefined;
  readonly runId: string | undefined;
  readonly name: string | undefined;
  readonly createdAt: Date;
}

/**
 * A lane: the ready jobs of one tenant, queue, type and priority, in the order of their sequence
 * numbers. Claims read lanes from a watermark on, never from the beginning.
 */
export interface Lane {
  readonly tenant: string;
  readonly queue: string;
  readonly jobType: string;
  readonly priority: number;
}

/** A lane in which jobs from a sequence number on became ready. */
export interface ReadyLane extends Lane {
  readonly minSeq: number;
}
