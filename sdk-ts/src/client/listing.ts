import { create } from "@bufbuild/protobuf";
import { toTimestamp } from "../contract/time.ts";
import {
  type JobFilter as JobFilterMessage,
  JobFilterSchema,
} from "../gen/stellaops/orchestrator/v1/job_pb.ts";
import { type JobState, jobStates } from "./names.ts";

/** Narrows a list of jobs; what is set must all match. */
export interface JobFilter {
  /** Any of these states. */
  readonly states?: readonly JobState[];
  /** Any of these job types. */
  readonly jobTypes?: readonly string[];
  readonly queue?: string;
  readonly project?: string;
  readonly source?: string;
  readonly runId?: string;
  /** All of these labels. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Enqueued at or after this. */
  readonly createdFrom?: Date;
  /** Enqueued before this. */
  readonly createdBefore?: Date;
}

/** A filter as the contract carries it. */
export const toJobFilter = (filter: JobFilter): JobFilterMessage =>
  create(JobFilterSchema, {
    states: (filter.states ?? []).map((state) => jobStates.valueOf(state)),
    jobTypes: [...(filter.jobTypes ?? [])],
    queue: filter.queue ?? "",
    project: filter.project ?? "",
    source: filter.source ?? "",
    runId: filter.runId ?? "",
    labels: { ...filter.labels },
    createdFrom: toTimestamp(filter.createdFrom),
    createdBefore: toTimestamp(filter.createdBefore),
  });

/** Walks the pages of a list: asks for the next one only when it is wanted. */
export async function* pages<Item>(
  fetchPage: (pageToken: string) => Promise<{ items: Item[]; nextPageToken: string }>,
): AsyncGenerator<Item, void, undefined> {
  let pageToken = "";
  do {
    const page = await fetchPage(pageToken);
    yield* page.items;
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
}
