import { ConnectError, type ServiceImpl } from "@connectrpc/connect";
import type { explainJob } from "../app/jobs/explain-job.ts";
import type { getJob } from "../app/jobs/get-job.ts";
import type { listEvents } from "../app/jobs/list-events.ts";
import type { listJobs } from "../app/jobs/list-jobs.ts";
import {
  RunGrewTooLarge,
  type RunTooLarge,
  type WatchTarget,
  type watchJobs,
} from "../app/jobs/watch-jobs.ts";
import type { JobFilter } from "../domain/job-view.ts";
import type {
  JobFilter as JobFilterMessage,
  JobService,
  WatchJobsRequest,
} from "../gen/stellaops/orchestrator/v1/job_pb.ts";
import { blockedByMessage, stuckMessage } from "./blocked-by.ts";
import { momentOf } from "./durations.ts";
import {
  type FieldViolation,
  failedPrecondition,
  invalidArgument,
  notFound,
  unavailable,
} from "./errors.ts";
import { tenantOf } from "./interceptors/tenant.ts";
import { attemptMessage, jobEventMessage, jobMessage, stateMessage, stateOf } from "./job-view.ts";
import { pageTokenInvalid } from "./page-tokens.ts";

/** The use cases behind the read half of JobService, and what else it needs. */
export interface JobReadPorts {
  readonly getJob: ReturnType<typeof getJob>;
  readonly listJobs: ReturnType<typeof listJobs>;
  readonly listEvents: ReturnType<typeof listEvents>;
  readonly watch: ReturnType<typeof watchJobs>;
  readonly explain: ReturnType<typeof explainJob>;
  /** Aborted when the server stops: watches end with UNAVAILABLE then. */
  readonly stopping: AbortSignal;
}

/** The methods of JobService that only look. */
export type JobReadService = Pick<
  ServiceImpl<typeof JobService>,
  "getJob" | "listJobs" | "listJobEvents" | "watchJobs" | "explainJob"
>;

/** The read half of JobService: translates, and leaves the work to the use cases. */
export const jobReadService = (ports: JobReadPorts): JobReadService => ({
  async getJob(request, context) {
    const found = await ports.getJob(tenantOf(context), request.jobId);
    if (found === undefined) throw jobNotFound(request.jobId);
    return { job: jobMessage(found.job), attempts: found.attempts.map(attemptMessage) };
  },

  async listJobs(request, context) {
    const filter = filterOf(request.filter);
    const result = await ports.listJobs(tenantOf(context), filter, request);
    if (result.kind !== "page") throw pageTokenInvalid();
    return { jobs: result.items.map(jobMessage), nextPageToken: result.nextPageToken };
  },

  async listJobEvents(request, context) {
    const jobId = request.jobId.toLowerCase();
    const result = await ports.listEvents(tenantOf(context), jobId, request);
    if (result === undefined) throw jobNotFound(request.jobId);
    if (result.kind !== "page") throw pageTokenInvalid();
    return { events: result.items.map(jobEventMessage), nextPageToken: result.nextPageToken };
  },

  async *watchJobs(request, context) {
    const stop = AbortSignal.any([context.signal, ports.stopping]);
    const result = await ports.watch(tenantOf(context), targetOf(request), stop);
    if (result.kind === "job_not_found") throw jobNotFound(result.jobId);
    if (result.kind === "run_not_found") throw notFound("RUN_NOT_FOUND", { runId: result.runId });
    if (result.kind === "run_too_large") throw runTooLarge(result);
    try {
      for await (const jobs of result.batches) yield { jobs: jobs.map(jobMessage) };
    } catch (error) {
      throw error instanceof RunGrewTooLarge ? runTooLarge(error.result) : error;
    }
    if (ports.stopping.aborted) throw unavailable("SERVER_STOPPING");
    if (context.signal.aborted) throw ConnectError.from(context.signal.reason);
  },

  async explainJob(request, context) {
    const found = await ports.explain(tenantOf(context), request.jobId);
    if (found === undefined) throw jobNotFound(request.jobId);
    return {
      state: stateMessage(found.state),
      ...(found.blockedBy && { blockedBy: blockedByMessage(found.blockedBy) }),
      ...(found.stuck && { stuck: stuckMessage(found.stuck) }),
    };
  },
});

const runTooLarge = ({ runId, maxJobs }: RunTooLarge) =>
  failedPrecondition("RUN_TOO_LARGE", { runId, maxJobs });

const jobNotFound = (jobId: string) => notFound("JOB_NOT_FOUND", { jobId });

function targetOf(request: WatchJobsRequest): WatchTarget {
  const { target } = request;
  if (target.case === "runId") return { kind: "run", runId: target.value };
  return { kind: "jobs", jobIds: target.value?.jobIds ?? [] };
}

/** A text, if it is set. */
export const orUndefined = (text: string): string | undefined => (text === "" ? undefined : text);

/** What a filter at `path` says; INVALID_ARGUMENT for what nothing can match. */
export function filterOf(filter: JobFilterMessage | undefined, path = "filter"): JobFilter {
  const labels = filter?.labels ?? {};
  const violations: FieldViolation[] = [];
  requireText(violations, `${path}.queue`, [filter?.queue]);
  requireText(violations, `${path}.project`, [filter?.project]);
  requireText(violations, `${path}.source`, [filter?.source]);
  requireText(violations, `${path}.worker_id`, [filter?.workerId]);
  requireText(violations, `${path}.job_types`, filter?.jobTypes ?? []);
  requireText(violations, `${path}.labels`, Object.entries(labels).flat());
  const createdFrom = momentOf(violations, `${path}.created_from`, filter?.createdFrom);
  const createdBefore = momentOf(violations, `${path}.created_before`, filter?.createdBefore);
  if (violations.length > 0) throw invalidArgument("REQUEST_INVALID", violations);
  return {
    states: (filter?.states ?? []).flatMap((state) => stateOf(state) ?? []),
    jobTypes: filter?.jobTypes ?? [],
    queue: orUndefined(filter?.queue ?? ""),
    project: orUndefined(filter?.project ?? ""),
    source: orUndefined(filter?.source ?? ""),
    runId: orUndefined(filter?.runId ?? "")?.toLowerCase(),
    labels,
    createdFrom,
    createdBefore,
    workerId: orUndefined(filter?.workerId ?? ""),
  };
}

/** Postgres has no text with a NUL, so nothing can match one. */
export function requireText(
  violations: FieldViolation[],
  field: string,
  texts: readonly (string | undefined)[],
): void {
  if (!texts.some((text) => text?.includes("\0"))) return;
  violations.push({ field, description: "must not contain NUL", reason: "NO_NUL" });
}
