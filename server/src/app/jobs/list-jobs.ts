import { approximateBytes, type JobFilter, type JobView } from "../../domain/job-view.ts";
import { type PageRequest, readPage } from "../page.ts";

/** What {@link listJobs} needs. */
export interface ListJobsPorts {
  /** Up to `limit` jobs that match, newest first, from those whose id is smaller than `before`. */
  readonly list: (
    tenant: string,
    filter: JobFilter,
    before: string | undefined,
    limit: number,
  ) => Promise<JobView[]>;
}

/** Lists jobs, newest first, without their large parts. */
export const listJobs =
  (ports: ListJobsPorts) => (tenant: string, filter: JobFilter, asked: PageRequest) =>
    readPage(asked, {
      scope: { tenant, list: "jobs", query: queryOf(filter) },
      read: (before, limit) => ports.list(tenant, filter, before || undefined, limit),
      positionOf: ({ jobId }) => jobId,
      bytesOf: approximateBytes,
    });

/** Lists are the same when their filters say the same, in whatever order. */
const queryOf = (filter: JobFilter) => ({
  ...filter,
  states: [...new Set(filter.states)].sort(),
  jobTypes: [...new Set(filter.jobTypes)].sort(),
});
