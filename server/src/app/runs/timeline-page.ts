import type { JobState } from "../../domain/job-machine.ts";
import { type PageScope, readPageToken, writePageToken } from "../../domain/page-token.ts";
import type { Span } from "../../domain/timeline.ts";

/** A job's line in a timeline. */
export interface TimelineJob {
  readonly jobId: string;
  /** Its place in its run. */
  readonly position: number;
  readonly name: string;
  readonly jobType: string;
  readonly state: JobState;
  readonly spans: readonly Span[];
}

/** A page of a timeline. */
export type TimelinePage =
  | {
      readonly kind: "page";
      readonly jobs: readonly TimelineJob[];
      /** Empty on the last page. */
      readonly nextPageToken: string;
    }
  | { readonly kind: "run_not_found" }
  | { readonly kind: "page_token_invalid" };

/** What {@link timelinePage} needs. */
export interface TimelinePagePorts {
  /** `size` jobs after a position and one more; undefined if there is no such run. */
  readonly read: (
    tenant: string,
    runId: string,
    after: number,
    size: number,
  ) => Promise<readonly TimelineJob[] | undefined>;
}

const DEFAULT_SIZE = 200;

/** A page ends early rather than grow beyond this: clients read messages of 4 MiB. */
const MAX_PAGE_BYTES = 3 * 1024 * 1024;

/** A page of a run's timeline: its jobs in their order. */
export const timelinePage =
  (ports: TimelinePagePorts) =>
  async (
    tenant: string,
    runId: string,
    pageSize: number,
    pageToken: string,
  ): Promise<TimelinePage> => {
    const scope: PageScope = { tenant, list: "run_timeline", query: runId };
    const position = pageToken === "" ? "-1" : readPageToken(scope, pageToken);
    if (position === undefined) return { kind: "page_token_invalid" };
    const size = pageSize === 0 ? DEFAULT_SIZE : pageSize;
    const found = await ports.read(tenant, runId, Number(position), size);
    if (found === undefined) return { kind: "run_not_found" };
    const jobs: TimelineJob[] = [];
    let bytes = 0;
    for (const job of found.slice(0, size)) {
      bytes += bytesOf(job);
      if (jobs.length > 0 && bytes > MAX_PAGE_BYTES) break;
      jobs.push(job);
    }
    const last = jobs.length < found.length ? jobs.at(-1) : undefined;
    const nextPageToken = last === undefined ? "" : writePageToken(scope, `${last.position}`);
    return { kind: "page", jobs, nextPageToken };
  };

/** UTF-8 takes at most three bytes for each unit of a string. */
const bytesOf = ({ name, jobType, spans }: TimelineJob): number =>
  spans.reduce((sum, span) => sum + 50 + 3 * span.workerId.length, 100) +
  3 * (name.length + jobType.length);
