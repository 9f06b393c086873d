import type { AttemptView, JobView } from "../../domain/job-view.ts";

/** A job with its ended attempts, oldest first, the newest 100. */
export interface JobWithAttempts {
  readonly job: JobView;
  readonly attempts: readonly AttemptView[];
}

/** What {@link getJob} needs. */
export interface GetJobPorts {
  /** One job with payload, result and checkpoint; undefined if the tenant has no such job. */
  readonly read: (tenant: string, jobId: string) => Promise<JobWithAttempts | undefined>;
}

/** Looks at one job. */
export const getJob = (ports: GetJobPorts) => (tenant: string, jobId: string) =>
  ports.read(tenant, jobId);
