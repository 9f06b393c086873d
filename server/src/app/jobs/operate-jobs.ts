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
  readonly kind: "ready" | "already_active" | "not_retryable" | "not_found";
  readonly state: JobState | undefined;
}
