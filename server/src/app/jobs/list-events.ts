import type { JobEventView } from "../../domain/job-view.ts";
import { type PageScope, readPageToken, writePageToken } from "../../domain/page-token.ts";

/** How many events a page has when the caller does not say. */
const DEFAULT_PAGE_SIZE = 100;

/** A page of a job's history, oldest first. */
export type ListEventsResult =
  | {
      readonly kind: "page";
      readonly events: readonly JobEventView[];
      /** Empty on the last page. */
      readonly nextPageToken: string;
    }
  | { readonly kind: "not_found" }
  | { readonly kind: "page_token_invalid" };

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

/** Lists what happened to a job a page at a time. */
export const listEvents =
  (ports: ListEventsPorts) =>
  async (
    tenant: string,
    jobId: string,
    pageSize: number,
    pageToken: string,
  ): Promise<ListEventsResult> => {
    const scope: PageScope = { tenant, list: "events", query: jobId.toLowerCase() };
    const after = pageToken === "" ? "0" : readPageToken(scope, pageToken);
    if (after === undefined) return { kind: "page_token_invalid" };
    const size = pageSize === 0 ? DEFAULT_PAGE_SIZE : pageSize;
    const found = await ports.list(tenant, jobId, Number(after), size + 1);
    if (found === undefined) return { kind: "not_found" };
    const events = found.slice(0, size);
    const last = events.at(-1);
    const more = last !== undefined && found.length > size;
    const nextPageToken = more ? writePageToken(scope, String(last.eventId)) : "";
    return { kind: "page", events, nextPageToken };
  };
