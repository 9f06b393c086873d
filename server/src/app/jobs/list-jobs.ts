import { approximateBytes, type JobFilter, type JobView } from "../../domain/job-view.ts";
import { type PageScope, readPageToken, writePageToken } from "../../domain/page-token.ts";

/** How many jobs a page has when the caller does not say. */
const DEFAULT_PAGE_SIZE = 100;

/** A page ends early rather than grow beyond this: clients read 4 MiB messages, and no more. */
const MAX_PAGE_BYTES = 2 * 1024 * 1024;

/** A page of jobs, newest first, without their large parts. */
export type ListJobsResult =
  | {
      readonly kind: "page";
      readonly jobs: readonly JobView[];
      /** Empty on the last page. */
      readonly nextPageToken: string;
    }
  | { readonly kind: "page_token_invalid" };

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

/** Lists jobs a page at a time. A page can be shorter than asked for and not be the last. */
export const listJobs =
  (ports: ListJobsPorts) =>
  async (
    tenant: string,
    filter: JobFilter,
    pageSize: number,
    pageToken: string,
  ): Promise<ListJobsResult> => {
    const scope = scopeOf(tenant, filter);
    const before = pageToken === "" ? undefined : readPageToken(scope, pageToken);
    if (pageToken !== "" && before === undefined) return { kind: "page_token_invalid" };
    const size = pageSize === 0 ? DEFAULT_PAGE_SIZE : pageSize;
    const found = await ports.list(tenant, filter, before, size + 1);
    const jobs = found.slice(0, Math.min(size, countThatFit(found)));
    const last = jobs.at(-1);
    const more = last !== undefined && jobs.length < found.length;
    return { kind: "page", jobs, nextPageToken: more ? writePageToken(scope, last.jobId) : "" };
  };

/** Lists are the same when their filters say the same, in whatever order. */
const scopeOf = (tenant: string, filter: JobFilter): PageScope => ({
  tenant,
  list: "jobs",
  query: {
    ...filter,
    states: [...new Set(filter.states)].sort(),
    jobTypes: [...new Set(filter.jobTypes)].sort(),
    createdFrom: filter.createdFrom?.toISOString(),
    createdBefore: filter.createdBefore?.toISOString(),
  },
});

/** How many of the jobs fit into one page, one at least. */
function countThatFit(jobs: readonly JobView[]): number {
  let bytes = 0;
  for (const [index, job] of jobs.entries()) {
    bytes += approximateBytes(job);
    if (bytes > MAX_PAGE_BYTES) return Math.max(1, index);
  }
  return jobs.length;
}
