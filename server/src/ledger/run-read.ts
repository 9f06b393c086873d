import type { Pool } from "pg";
import type { JobState } from "../domain/job-machine.ts";
import { type EdgeView, type RunHead, type RunView, runState } from "../domain/run-view.ts";
import { readJobs } from "./read.sql.ts";
import { type InterruptionWindow, jobViews } from "./read.ts";
import {
  countRunStates,
  type EdgeRow,
  type RunRow,
  readReusedIds,
  readRunEdges,
  readRunJobIds,
  readRunJobs,
  readRunRow,
} from "./run-read.sql.ts";
import { inTransaction, type Transaction } from "./transaction.ts";

/** A run of more jobs is read in pages. */
const MAX_JOBS = 1_000;

/**
 * Reads a run with its jobs in their order, without their large parts, and its edges; of one with
 * more than a thousand jobs neither. Undefined if the tenant has no such run.
 */
export const readRun =
  (pool: Pool, windowMs: InterruptionWindow) =>
  (tenant: string, runId: string): Promise<RunView | undefined> =>
    inTransaction(pool, [tenant], async (tx) => {
      const [run] = await tx.run(readRunRow, tenant, runId);
      if (run === undefined) return undefined;
      const sum = await sumUp(tx, tenant, run);
      const reused = await tx.run(readReusedIds, tenant, runId);
      const base = { ...runHead(tenant, run), ...sum };
      if (run.job_count + reused.length > MAX_JOBS) {
        return { ...base, jobs: [], edges: [], truncated: true };
      }
      const rows = await tx.run(readRunJobs, tenant, runId);
      if (reused.length > 0) {
        const ids = reused.map((row) => row.job_id);
        rows.push(...(await tx.run(readJobs, tenant, ids)));
      }
      const jobs = await jobViews(tx, tenant, rows, windowMs);
      const edges = await tx.run(readRunEdges, tenant, runId);
      return { ...base, jobs, edges: edges.map(edgeView), truncated: false };
    });

/** Reads a run without its jobs; undefined if the tenant has no such run. */
export const readRunHead =
  (pool: Pool) =>
  (tenant: string, runId: string): Promise<RunHead | undefined> =>
    inTransaction(pool, [tenant], async (tx) => {
      const [run] = await tx.run(readRunRow, tenant, runId);
      return run && runHead(tenant, run);
    });

/** A run's row as the domain sees it. */
export const runHead = (tenant: string, run: RunRow): RunHead => ({
  tenant,
  runId: run.id,
  displayName: run.display_name,
  project: run.project,
  correlationId: run.correlation_id,
  createdAt: run.created_at,
  open: run.open,
  cancelRequested: run.cancel_requested,
  building: run.building,
  replayOf: run.replay_of ?? undefined,
  pipeline:
    run.pipeline === null ? undefined : { name: run.pipeline, version: run.pipeline_version ?? 0 },
  schedule: run.schedule ?? undefined,
});

/** Counts the jobs of a run by where they stand, and sums that up. */
export async function sumUp(tx: Transaction, tenant: string, run: RunRow) {
  const counts = new Map<JobState, number>();
  let skipped = 0;
  for (const row of await tx.run(countRunStates, tenant, run.id)) {
    counts.set(row.state, (counts.get(row.state) ?? 0) + row.count);
    if (row.skipped) skipped += row.count;
  }
  return { counts, skipped, state: runState(counts, skipped, run.open || run.building) };
}

const edgeView = (edge: EdgeRow): EdgeView => ({
  fromJobId: edge.from_job,
  toJobId: edge.to_job,
  condition: edge.condition,
  onFailure: edge.on_failure,
  includeFanOut: edge.include_fan_out,
});

/**
 * The ids of a run's jobs after the first `after`, in their order, 1,001 at most; undefined if the
 * tenant has no such run.
 */
export const runJobIds =
  (pool: Pool) =>
  (
    tenant: string,
    runId: string,
    after: number,
  ): Promise<{ readonly jobIds: readonly string[]; readonly growing: boolean } | undefined> =>
    inTransaction(pool, [tenant], async (tx) => {
      const [row] = await tx.run(readRunJobIds, tenant, runId, after);
      return row && { jobIds: row.job_ids, growing: row.growing };
    });
