import type { RetryPolicy } from "./retry.ts";

/** The contract's LeasePolicy in plain numbers; durations in milliseconds, sizes in bytes. */
export interface LeasePolicy {
  readonly offerAcceptDeadlineMs: number;
  readonly leaseTtlMs: number;
  readonly renewIntervalMs: number;
  readonly expirySweepMs: number;
  readonly attemptDeadlineMs: number;
  readonly drainGraceMs: number;
  readonly unaryPollDefaultMs: number;
  readonly unaryPollMaxMs: number;
  readonly streamMaxAgeMs: number;
  readonly goawayNoticeMs: number;
  readonly reconnectMinMs: number;
  readonly reconnectMaxMs: number;
  readonly retry: RetryPolicy;
  readonly maxInterruptions: number;
  readonly interruptionWindowMs: number;
  readonly artifactChunkBytes: number;
  readonly maxMessageBytes: number;
  readonly maxPayloadBytes: number;
  readonly idempotencyRetentionMs: number;
}

/** The policies in force: one for every job type, and what an operator overrides for some. */
export class LeasePolicies {
  readonly base: LeasePolicy;
  readonly #byJobType: ReadonlyMap<string, LeasePolicy>;

  constructor(base: LeasePolicy, byJobType: ReadonlyMap<string, LeasePolicy> = new Map()) {
    this.base = base;
    this.#byJobType = byJobType;
  }

  /** The policy in force for a job type. */
  for(jobType: string): LeasePolicy {
    return this.#byJobType.get(jobType) ?? this.base;
  }
}
