import { type PageScope, readPageToken, writePageToken } from "../../domain/page-token.ts";
import type { RunHead } from "../../domain/run-view.ts";
import { cutPage, pageSizeOf } from "../flow/page.ts";

/** Narrows a list of runs; what is undefined does not count, the rest must all match. */
export interface RunFilter {
  readonly project: string | undefined;
  /** Made from this pipeline. */
  readonly pipeline: string | undefined;
  /** Replays of this run. */
  readonly replayOf: string | undefined;
}

/** A page of runs, newest first. */
export type ListRunsResult =
  | {
      readonly kind: "page";
      readonly runs: readonly RunHead[];
      /** Empty on the last page. */
      readonly nextPageToken: string;
    }
  | { readonly kind: "page_token_invalid" };

/** What {@link listRuns} needs. */
export interface ListRunsPorts {
  /** Up to `limit` (1,001 at most) runs that match, newest first, with ids below `before`. */
  readonly list: (
    tenant: string,
    filter: RunFilter,
    before: string | undefined,
    limit: number,
  ) => Promise<RunHead[]>;
}

/** Lists runs, newest first, a page at a time. */
export const listRuns =
  (ports: ListRunsPorts) =>
  async (
    tenant: string,
    filter: RunFilter,
    pageSize: number,
    pageToken: string,
  ): Promise<ListRunsResult> => {
    const page: PageScope = { tenant, list: "runs", query: { ...filter } };
    const before = pageToken === "" ? undefined : readPageToken(page, pageToken);
    if (pageToken !== "" && before === undefined) return { kind: "page_token_invalid" };
    const size = pageSizeOf(pageSize);
    const found = await ports.list(tenant, filter, before, size + 1);
    const { items, continueAfter } = cutPage(found, size);
    const nextPageToken =
      continueAfter === undefined ? "" : writePageToken(page, continueAfter.runId);
    return { kind: "page", runs: items, nextPageToken };
  };
