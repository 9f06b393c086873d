import type { JobState } from "../../domain/job-machine.ts";

/** What became of a request to cancel one job. */
export interface CancelOutcome {
  readonly jobId: string;
  readonly kind: "cancelled" | "requested" | "already_finished" | "not_found";
  readonly state: JobState | undefined;
}

/** What became of a request to retry one job. */
export interface RetryOutcome {
  readonly jobId: string;
  /** "discarded": dead, and an operator gave it up. */
  readonly kind: "ready" | "already_active" | "not_retryable" | "discarded" | "not_found";
  readonly state: JobState | undefined;
}
