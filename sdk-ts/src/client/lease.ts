import { create } from "@bufbuild/protobuf";
import { type LeaseRef, LeaseRefSchema } from "../gen/stellaops/orchestrator/v1/task_runner_pb.ts";

/** A lease with its fence: hand it to a store that must refuse a stale writer. */
export interface Lease {
  readonly jobId: string;
  /** The attempt, for people. */
  readonly attempt: number;
  /** Grows with every lease of the job; a store can order by it. */
  readonly leaseEpoch: bigint;
  /** Opaque; compared for equality. */
  readonly leaseToken: string;
}

/** Whether a lease is the current one, true of the moment at which the database said so. */
export interface CheckedLease {
  readonly isCurrent: boolean;
  /** The newest epoch that was handed out for the job. */
  readonly newestLeaseEpoch: bigint;
  /** How long the lease lives unless it is renewed; undefined when it is not current. */
  readonly expiresInMs: number | undefined;
}

/** A lease as the contract carries it. */
export const toLeaseRef = (lease: Lease): LeaseRef =>
  create(LeaseRefSchema, {
    jobId: lease.jobId,
    attempt: lease.attempt,
    leaseEpoch: lease.leaseEpoch,
    leaseToken: lease.leaseToken,
  });
