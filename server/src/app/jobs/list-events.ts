import type { JobEventView } from "../../domain/job-view.ts";
import { type PageRequest, readPage } from "../page.ts";

/** What {@link listEvents} needs. */
export interface ListEventsPorts {
  /**
   * Up to `limit` (1,001 at most) events after the one with the id `after`, oldest first;
   * undefined if the tenant has no such job.
   */
  readonly list: (
    tenant: string,
    jobId: string,
    after: number,
    limit: number,
  ) => Promise<JobEventView[] | undefined>;
}

/** Lists what happened to a job, oldest first. */
export const listEvents =
  (ports: ListEventsPorts) => (tenant: string, jobId: string, asked: PageRequest) =>
    readPage<JobEventView, undefined>(asked, {
      scope: { tenant, list: "events", query: jobId.toLowerCase() },
      read: (after, limit) => ports.list(tenant, jobId, Number(after), limit),
      positionOf: ({ eventId }) => `${eventId}`,
    });
