import type { JobState } from "./job-machine.ts";

/** A lease with its fence, within a tenant. */
export interface LeaseRef {
  readonly tenant: string;
  readonly jobId: string;
  readonly attempt: number;
  readonly leaseEpoch: number;
  readonly leaseToken: string;
}

/** What became of a lease that was to be renewed. */
export type LeaseVerdict = "renewed" | "superseded" | "cancelled" | "unknown";

/** What became of a write under a lease. */
export type WriteVerdict =
  | { readonly kind: "applied"; readonly state: JobState }
  | { readonly kind: "already_applied"; readonly state: JobState }
  | { readonly kind: "stale_lease"; readonly state: JobState | undefined }
  | { readonly kind: "artifact_not_found"; readonly digests: readonly string[] }
  | { readonly kind: "result_too_large"; readonly bytes: number; readonly maxBytes: number };

/** Why an attempt must stop. */
export type CancelReason = "user" | "deadline" | "superseded" | "preempted" | "drain";

/** The causes of a failure, as the ledger spells them. */
export const FAILURE_CLASSES = [
  "user",
  "http_429",
  "http_5xx",
  "schema_mismatch",
  "parse_error",
  "timeout",
  "lease_expired",
  "drained",
  "cancelled",
  "incapable",
  "panic",
  "network",
  "oversize",
] as const;

/** The cause of a failure. */
export type FailureClass = (typeof FAILURE_CLASSES)[number];

/** Why an attempt did not succeed. */
export interface Failure {
  readonly failureClass: FailureClass;
  readonly message: string;
  /** True: no attempt could succeed. */
  readonly terminal: boolean;
  /** The earliest next attempt, in milliseconds from the failure. */
  readonly retryAfterMs: number | undefined;
}
