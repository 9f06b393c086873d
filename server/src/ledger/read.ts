import type { Pool } from "pg";
import type { JobWait } from "../app/jobs/explain-job.ts";
import type { JobWithAttempts } from "../app/jobs/get-job.ts";
import type { WatchMark } from "../app/jobs/watch-jobs.ts";
import { waitsAlong } from "../domain/graph.ts";
import type { JobState } from "../domain/job-machine.ts";
import type { JobEventView, JobFilter, JobView } from "../domain/job-view.ts";
import { toLane } from "./lane.sql.ts";
import {
  type ListParams,
  type ListStatements,
  listStatements,
  planForTheseParameters,
  SMALL_PAGE,
} from "./list.sql.ts";
import {
  changedJobs,
  type JobViewRow,
  readAttempts,
  readBoundArtifacts,
  readEvents,
  readJob,
  readJobs,
  readUnmet,
  readWait,
  type UnmetRow,
} from "./read.sql.ts";
import { inTransaction, type Transaction } from "./transaction.ts";
import { attemptView, boundArtifact, eventView, jobView } from "./view-rows.ts";

/** The window in which interruptions of a type of jobs are counted, in milliseconds. */
export type InterruptionWindow = (jobType: string) => number;

/** Reads one job with everything, and its newest 100 ended attempts, oldest first. */
export const readJobWithAttempts =
  (pool: Pool, windowMs: InterruptionWindow) =>
  (tenant: string, jobId: string): Promise<JobWithAttempts | undefined> =>
    inTransaction(pool, [tenant], async (tx) => {
      const rows = await tx.run(readJob, tenant, jobId);
      const [job] = await jobViews(tx, tenant, rows, windowMs);
      if (job === undefined) return undefined;
      const attempts = await tx.run(readAttempts, tenant, jobId);
      return { job, attempts: attempts.reverse().map(attemptView) };
    });

/** Reads jobs without their large parts, in the order of the ids; unknown ones are left out. */
export const readJobViews =
  (pool: Pool, windowMs: InterruptionWindow) =>
  (tenant: string, jobIds: readonly string[]): Promise<JobView[]> =>
    inTransaction(pool, [tenant], async (tx) => {
      const rows = await tx.run(readJobs, tenant, [...jobIds]);
      const views = await jobViews(tx, tenant, rows, windowMs);
      const byId = new Map(views.map((job) => [job.jobId, job]));
      return jobIds.flatMap((jobId) => byId.get(jobId) ?? []);
    });

const NEWEST = "ffffffff-ffff-ffff-ffff-ffffffffffff";

/** Lists up to 1,001 jobs that match, newest first, from those with an id below `before`. */
export const listJobViews =
  (pool: Pool, windowMs: InterruptionWindow) =>
  (
    tenant: string,
    filter: JobFilter,
    before: string | undefined,
    limit: number,
  ): Promise<JobView[]> =>
    inTransaction(pool, [tenant], async (tx) => {
      const sized = limit <= SMALL_PAGE + 1 ? listStatements.small : listStatements.large;
      await tx.run(planForTheseParameters);
      const params = listParams(tenant, filter, before ?? NEWEST);
      const rows = await tx.run(sized[drivingTable(filter)], ...params);
      return await jobViews(tx, tenant, rows.slice(0, limit), windowMs);
    });

/**
 * Where to look for jobs that match: nobody should walk over ten million finished jobs to find
 * the few that are running or dead.
 */
export function drivingTable(filter: JobFilter): keyof ListStatements {
  if (filter.runId !== undefined) return "run";
  return filter.states.length === 0 ? "all" : "byState";
}

const orNull = <T>(values: readonly T[]): T[] | null => (values.length === 0 ? null : [...values]);

function listParams(tenant: string, filter: JobFilter, before: string): ListParams {
  const labels = Object.keys(filter.labels).length === 0 ? null : JSON.stringify(filter.labels);
  return [
    tenant,
    before,
    orNull(filter.jobTypes),
    filter.queue ?? null,
    filter.project ?? null,
    filter.source ?? null,
    labels,
    filter.createdFrom ?? null,
    filter.createdBefore ?? null,
    orNull<JobState>([...new Set(filter.states)]),
    filter.runId ?? null,
    filter.workerId ?? null,
  ];
}

/** Lists up to 1,001 events of a job after one, oldest first; undefined if there is no such job. */
export const listJobEvents =
  (pool: Pool) =>
  (
    tenant: string,
    jobId: string,
    after: number,
    limit: number,
  ): Promise<JobEventView[] | undefined> =>
    inTransaction(pool, [tenant], async (tx) => {
      const rows = await tx.run(readEvents, tenant, jobId, after);
      if (rows.length === 0) return undefined;
      const events = rows.flatMap((row) => eventView(tenant, jobId, row) ?? []);
      return events.slice(0, limit);
    });

/** Reads what a job waits for; undefined if there is no such job. */
export const readJobWait =
  (pool: Pool) =>
  (tenant: string, jobId: string): Promise<JobWait | undefined> =>
    inTransaction(pool, [tenant], async (tx) => {
      const [row] = await tx.run(readWait, tenant, jobId);
      if (row === undefined) return undefined;
      const unmet = row.state === "blocked" ? await tx.run(readUnmet, tenant, jobId) : [];
      return {
        state: row.state,
        lane: toLane(tenant, row),
        runAt: row.run_at ?? undefined,
        unmet: unmet.filter(stillWaits).map((parent) => ({
          jobId: parent.job_id,
          state: parent.state,
          onFailure: parent.on_failure,
        })),
      };
    });

const stillWaits = ({ condition, on_failure: onFailure, ...parent }: UnmetRow): boolean =>
  waitsAlong({ condition, onFailure }, parent);

/** New marks of the jobs that changed since the given ones. */
export const changedSince =
  (pool: Pool) =>
  (tenant: string, marks: readonly WatchMark[]): Promise<WatchMark[]> =>
    inTransaction(pool, [tenant], async (tx) => {
      const rows = await tx.run(
        changedJobs,
        tenant,
        marks.map((mark) => mark.jobId),
        marks.map((mark) => mark.eventId),
        marks.map((mark) => mark.progressUs),
      );
      return rows.map((row) => ({
        jobId: row.job_id,
        eventId: row.event_id,
        progressUs: row.progress_us,
      }));
    });

/** Turns rows into views: what successful attempts produced is read in one go. */
export async function jobViews(
  tx: Transaction,
  tenant: string,
  rows: readonly JobViewRow[],
  windowMs: InterruptionWindow,
): Promise<JobView[]> {
  const succeeded = rows.filter((row) => row.state === "succeeded");
  const bound =
    succeeded.length === 0
      ? []
      : await tx.run(
          readBoundArtifacts,
          tenant,
          succeeded.map((row) => row.job_id),
          succeeded.map((row) => row.last_attempt ?? 0),
        );
  const byJob = Map.groupBy(bound, (row) => row.job_id);
  return rows.map((row) => {
    const artifacts = (byJob.get(row.job_id) ?? []).map(boundArtifact);
    return jobView(tenant, row, artifacts, windowMs(row.job_type));
  });
}
