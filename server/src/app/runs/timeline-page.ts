import type { JobState } from "../../domain/job-machine.ts";
import type { Span } from "../../domain/timeline.ts";
import { type PageRequest, readPage } from "../page.ts";

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

/** What {@link timelinePage} needs. */
export interface TimelinePagePorts {
  /** Up to `limit` (1,001 at most) jobs after a position; undefined if there is no such run. */
  readonly read: (
    tenant: string,
    runId: string,
    after: number,
    limit: number,
  ) => Promise<readonly TimelineJob[] | undefined>;
}

/** A page of a run's timeline: its jobs in their order. */
export const timelinePage =
  (ports: TimelinePagePorts) => (tenant: string, runId: string, asked: PageRequest) =>
    readPage<TimelineJob, undefined>(asked, {
      scope: { tenant, list: "run_timeline", query: runId },
      read: (after, limit) => ports.read(tenant, runId, after === "" ? -1 : Number(after), limit),
      positionOf: ({ position }) => `${position}`,
      defaultSize: 200,
      bytesOf,
    });

/** UTF-8 takes at most three bytes for each unit of a string. */
const bytesOf = ({ name, jobType, spans }: TimelineJob): number =>
  spans.reduce((sum, span) => sum + 50 + 3 * span.workerId.length, 100) +
  3 * (name.length + jobType.length);
