import type { Pool } from "pg";
import type { CriticalPathPorts, LoadedJob, LoadedPath } from "../app/runs/critical-path.ts";
import { CriticalPath } from "../domain/critical-path.ts";
import { readPathJobs, readPathSteps } from "./run-path.sql.ts";
import { readEdgeEnds } from "./run-replay.sql.ts";
import { FIRST_ID } from "./run-replay.ts";
import { readRunClock } from "./run-view.sql.ts";
import { inTransaction } from "./transaction.ts";

/**
 * Reads all jobs and edges of a run, a page in each transaction, into a critical path; undefined if
 * there is no such run. Not a snapshot: jobs that end meanwhile count as they were when read.
 */
export const loadPathIn =
  (pool: Pool) =>
  async (tenant: string, runId: string): Promise<LoadedPath | undefined> => {
    const path = new CriticalPath();
    const jobs: LoadedJob[] = [];
    const indices = new Map<string, number>();
    const byPosition = new Map<number, number>();
    const [clock] = await inTransaction(pool, [tenant], (tx) =>
      tx.run(readRunClock, tenant, runId),
    );
    if (clock === undefined) return undefined;
    for (let after: number | undefined = -1; after !== undefined; ) {
      const from: number = after;
      const rows = await inTransaction(pool, [tenant], (tx) =>
        tx.run(readPathJobs, tenant, runId, from),
      );
      for (const { job_id: jobId, run_position, started_ms, ended_ms, blocked } of rows) {
        const times = { startedMs: started_ms ?? undefined, endedMs: ended_ms ?? undefined };
        const index = path.addJob({ ...times, blocked });
        indices.set(jobId, index);
        byPosition.set(run_position, index);
        jobs.push({ jobId, ...times });
      }
      after = rows.at(-1)?.run_position;
    }
    await addEdges(pool, tenant, runId, (from, to) => {
      const [first, second] = [byPosition.get(from), indices.get(to)];
      // What came while we read is left out.
      if (first !== undefined && second !== undefined) path.addEdge(first, second);
    });
    const job = (index: number) => jobs[index] as LoadedJob;
    return { path, job, createdMs: clock.created_ms, nowMs: clock.now_ms };
  };

async function addEdges(
  pool: Pool,
  tenant: string,
  runId: string,
  add: (fromPosition: number, to: string) => void,
): Promise<void> {
  let after: readonly [position: number, to: string] | undefined = [-1, FIRST_ID];
  while (after !== undefined) {
    const from: readonly [position: number, to: string] = after;
    const rows = await inTransaction(pool, [tenant], (tx) =>
      tx.run(readEdgeEnds, tenant, runId, ...from),
    );
    for (const { from_position, to_job } of rows) add(from_position, to_job);
    const last = rows.at(-1);
    after = last && [last.from_position, last.to_job];
  }
}

/** Names and states of jobs, by id. */
export const describeStepsIn =
  (pool: Pool): CriticalPathPorts["describe"] =>
  async (tenant, jobIds) => {
    if (jobIds.length === 0) return new Map();
    const rows = await inTransaction(pool, [tenant], (tx) =>
      tx.run(readPathSteps, tenant, [...jobIds]),
    );
    return new Map(rows.map(({ job_id, name, state }) => [job_id, { name, state }]));
  };
