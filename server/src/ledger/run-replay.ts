import type { Pool } from "pg";
import {
  type LoadedRun,
  type NewReplay,
  positionsOf,
  type ReplayedJob,
  type ReplaySelection,
  type ReusedJobs,
  type StoredReplay,
} from "../app/runs/replay-run.ts";
import { isTerminal } from "../domain/job-machine.ts";
import { asBuffer } from "./job-columns.ts";
import { createOperation } from "./operation-steps.ts";
import { recordAction } from "./operator-actions.ts";
import { readRunRow } from "./run-read.sql.ts";
import { runHead } from "./run-read.ts";
import {
  insertReplay,
  jobsAtPositions,
  lockReplaySource,
  markOfRun,
  readEdgeEnds,
  readReplayJobs,
  replayRequest,
  reusedJobs,
} from "./run-replay.sql.ts";
import { inTransaction, type Transaction } from "./transaction.ts";

/** Before every id. */
export const FIRST_ID = "00000000-0000-0000-0000-000000000000";

/**
 * Reads all jobs and edges of a run, a page in each transaction; undefined if the tenant has no
 * such run. That it is finished is looked at in the same pages.
 */
export const loadReplayIn =
  (pool: Pool) =>
  async (tenant: string, runId: string): Promise<LoadedRun | undefined> => {
    const [run, mark] = await inTransaction(pool, [tenant], async (tx) => {
      const [row] = await tx.run(readRunRow, tenant, runId);
      return [row, await markOf(tx, tenant, runId)] as const;
    });
    if (run === undefined) return undefined;
    const jobs: { name: string; state: ReplayedJob["state"]; skipped: boolean }[] = [];
    const positions: number[] = [];
    const indices = new Map<string, number>();
    for (let after: number | undefined = -1; after !== undefined; after = positions.at(-1)) {
      const from: number = after;
      const rows = await inTransaction(pool, [tenant], (tx) =>
        tx.run(readReplayJobs, tenant, runId, from),
      );
      if (rows.length === 0) break;
      for (const { job_id, run_position, name, state, skipped } of rows) {
        indices.set(job_id, jobs.length);
        positions.push(run_position);
        jobs.push({ name, state, skipped });
      }
    }
    const edges = await loadEdges(pool, tenant, runId, indices, positions);
    const isGrowing = run.open || run.building;
    const isFinished = !isGrowing && jobs.every((job) => isTerminal(job.state));
    return { jobs, positions, ...edges, isFinished, mark };
  };

const markOf = async (tx: Transaction, tenant: string, runId: string): Promise<string> =>
  (await tx.run(markOfRun, tenant, runId))[0]?.mark ?? "";

async function loadEdges(
  pool: Pool,
  tenant: string,
  runId: string,
  indices: ReadonlyMap<string, number>,
  positions: readonly number[],
) {
  const byPosition = new Map(positions.map((position, index) => [position, index]));
  const from: number[] = [];
  const to: number[] = [];
  let after: readonly [position: number, to: string] | undefined = [-1, FIRST_ID];
  while (after !== undefined) {
    const here: readonly [position: number, to: string] = after;
    const rows = await inTransaction(pool, [tenant], (tx) =>
      tx.run(readEdgeEnds, tenant, runId, ...here),
    );
    for (const { from_position, to_job } of rows) {
      const [first, second] = [byPosition.get(from_position), indices.get(to_job)];
      if (first === undefined || second === undefined) continue;
      from.push(first);
      to.push(second);
    }
    const last = rows.at(-1);
    after = last && [last.from_position, last.to_job];
  }
  return { from, to };
}

/** Carries out of a transaction that the id is taken; it rolls back. */
class IdTaken extends Error {}

/** Carries out that the run which was to be replayed is being removed. */
class SourceGone extends Error {}

/** Carries out that a job of the run was retried after it was read. */
class SourceActive extends Error {}

/** Writes a run that replays another, without its jobs, and notes the operation that fills it. */
export const storeReplayIn =
  (pool: Pool) =>
  async (replay: NewReplay): Promise<StoredReplay> => {
    try {
      return await inTransaction(pool, [replay.tenant], (tx) => storeReplay(tx, replay));
    } catch (error) {
      if (error instanceof IdTaken) return { kind: "request_id_conflict" };
      if (error instanceof SourceGone) return { kind: "run_not_found" };
      if (error instanceof SourceActive) return { kind: "run_active" };
      throw error;
    }
  };

async function storeReplay(tx: Transaction, replay: NewReplay): Promise<StoredReplay> {
  const { tenant, id, selection, requestDigest, actor, reason, ticket } = replay;
  const { source } = selection;
  const count = positionsOf(selection).running.length;
  const said = { actor, reason, ticket };
  const created = await createOperation(tx, {
    ...{ tenant, id, kind: "replay_run", request: selection, requestDigest, ...said },
    ...{ runId: id, matching: count },
  });
  if (created === "existing") {
    const found = await findReplay(tx, tenant, id, requestDigest);
    if (found !== undefined) return found;
  }
  if (created !== "created") throw new IdTaken();
  if ((await tx.run(lockReplaySource, tenant, source)).length === 0) throw new SourceGone();
  if ((await markOf(tx, tenant, source)) !== replay.mark) throw new SourceActive();
  const rows = await tx.run(insertReplay, tenant, id, source, asBuffer(requestDigest));
  if (rows.length === 0) throw new IdTaken();
  const target = { targetKind: "run", targetName: source } as const;
  const detail = { replay: id, jobs: count };
  await recordAction(tx, { tenant, kind: "run_replayed", ...target, ...said, detail });
  const [run] = await tx.run(readRunRow, tenant, id);
  if (run === undefined) throw new Error("a run vanished in its transaction");
  return { kind: "created", run: runHead(tenant, run), selection };
}

/** A replay that is there already, by its id; undefined: the id is free. */
export const findReplayIn =
  (pool: Pool) =>
  (tenant: string, id: string, requestDigest: Uint8Array): Promise<StoredReplay | undefined> =>
    inTransaction(pool, [tenant], (tx) => findReplay(tx, tenant, id, requestDigest));

async function findReplay(
  tx: Transaction,
  tenant: string,
  id: string,
  requestDigest: Uint8Array,
): Promise<StoredReplay | undefined> {
  const [run] = await tx.run(readRunRow, tenant, id);
  const [operation] = await tx.run(replayRequest, tenant, id);
  if (run === undefined && operation === undefined) return undefined;
  const same =
    operation?.kind === "replay_run" && operation.request_digest.equals(asBuffer(requestDigest));
  if (!same || run === undefined) return { kind: "request_id_conflict" };
  const selection = operation.request as ReplaySelection;
  return { kind: "existing", run: runHead(tenant, run), selection };
}

/** Names, ids and states of the jobs of a run at positions. */
export const describeJobsIn =
  (pool: Pool) =>
  async (
    tenant: string,
    runId: string,
    positions: readonly number[],
  ): Promise<ReadonlyMap<number, Omit<ReplayedJob, "cause">>> => {
    const rows = await inTransaction(pool, [tenant], (tx) =>
      tx.run(jobsAtPositions, tenant, runId, [...positions]),
    );
    return new Map(
      rows.map(({ run_position, job_id: jobId, name, state }) => [
        run_position,
        { jobId, name, state },
      ]),
    );
  };

/** The first 1,000 jobs of other runs that a run reuses, and how many they are. */
export const reusedByIn =
  (pool: Pool) =>
  async (tenant: string, runId: string): Promise<ReusedJobs> => {
    const rows = await inTransaction(pool, [tenant], (tx) => tx.run(reusedJobs, tenant, runId));
    return {
      count: rows[0]?.total ?? 0,
      jobs: rows.map(({ job_id: jobId, name, state }) => ({ jobId, name, state })),
    };
  };
