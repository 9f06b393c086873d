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
 * A lane: the ready jobs of one tenant that share all that flow control looks at, in the order of
 * their sequence numbers. So what may go is decided about lanes, never about single jobs, and no
 * job that may not go stands in front of one that may. Claims read lanes from a watermark on,
 * never from the beginning.
 */
export interface Lane {
  readonly tenant: string;
  readonly queue: string;
  readonly jobType: string;
  readonly priority: number;
  /** Empty: none. */
  readonly source: string;
  /** Empty: none. */
  readonly concurrencyKey: string;
}

/** A lane in which jobs from a sequence number on became ready. */
export interface ReadyLane extends Lane {
  readonly minSeq: number;
  /** All of them; only the replica that committed them knows. */
  readonly seqs?: readonly number[];
}

/** Names a lane within its tenant. */
export const laneKey = (lane: Lane): string =>
  `${lane.queue}\0${lane.jobType}\0${lane.priority}\0${lane.source}\0${lane.concurrencyKey}`;
