import type { RunHead } from "../../domain/run-view.ts";
import { type PageRequest, readPage } from "../page.ts";

/** Narrows a list of runs; what is undefined does not count, the rest must all match. */
export interface RunFilter {
  readonly project: string | undefined;
  /** Made from this pipeline. */
  readonly pipeline: string | undefined;
  /** Replays of this run. */
  readonly replayOf: string | undefined;
}

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

/** Lists runs, newest first. */
export const listRuns =
  (ports: ListRunsPorts) => (tenant: string, filter: RunFilter, asked: PageRequest) =>
    readPage(asked, {
      scope: { tenant, list: "runs", query: filter },
      read: (before, limit) => ports.list(tenant, filter, before || undefined, limit),
      positionOf: ({ runId }) => runId,
    });
