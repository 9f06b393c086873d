import type { Pool } from "pg";
import { countStates, type RunView, runState } from "../domain/run-view.ts";
import { type InterruptionWindow, jobViews } from "./read.ts";
import { readRunEdges, readRunJobIds, readRunJobs, readRunRow } from "./run-read.sql.ts";
import { inTransaction } from "./transaction.ts";

/**
 * Reads a run with its jobs in the order of the request that made it, without their large parts,
 * and its edges; undefined if the tenant has no such run.
 */
export const readRun =
  (pool: Pool, windowMs: InterruptionWindow) =>
  (tenant: string, runId: string): Promise<RunView | undefined> =>
    inTransaction(pool, [tenant], async (tx) => {
      const [run] = await tx.run(readRunRow, tenant, runId);
      if (run === undefined) return undefined;
      const rows = await tx.run(readRunJobs, tenant, runId);
      const jobs = await jobViews(tx, tenant, rows, windowMs);
      const edges = await tx.run(readRunEdges, tenant, runId);
      const counts = countStates(jobs.map((job) => job.state));
      return {
        tenant,
        runId: run.id,
        displayName: run.display_name,
        project: run.project,
        correlationId: run.correlation_id,
        createdAt: run.created_at,
        state: runState(counts),
        counts,
        jobs,
        edges: edges.map((edge) => ({
          fromJobId: edge.from_job,
          toJobId: edge.to_job,
          onFailure: edge.on_failure,
        })),
      };
    });

/** The ids of a run's jobs in their order; undefined if the tenant has no such run. */
export const runJobIds =
  (pool: Pool) =>
  (tenant: string, runId: string): Promise<readonly string[] | undefined> =>
    inTransaction(pool, [tenant], async (tx) => {
      const [row] = await tx.run(readRunJobIds, tenant, runId);
      return row?.job_ids;
    });
