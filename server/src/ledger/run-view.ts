import type { Pool } from "pg";
import type { FoundGraph, GraphEdge, GraphNode, GraphPosition } from "../app/runs/graph-page.ts";
import type { TimelineJob } from "../app/runs/timeline-page.ts";
import { spansOf, type TimedAttempt } from "../domain/timeline.ts";
import { toLane } from "./lane.sql.ts";
import {
  type AttemptTimesRow,
  type GraphEdgeRow,
  type GraphNodeRow,
  readAttemptTimes,
  readGraphEdges,
  readGraphNodes,
  readParents,
  readRetryTimes,
  readReusedNodes,
  readRunClock,
  readTimelineJobs,
  type TimelineRow,
  VIEW_PAGES,
} from "./run-view.sql.ts";
import type { Statement } from "./sql.ts";
import { inTransaction, type Transaction } from "./transaction.ts";

/** The statement for the smallest page that is large enough. */
function sized<Params extends readonly unknown[], Row>(
  statements: ReadonlyMap<number, Statement<Params, Row>>,
  size: number,
): Statement<Params, Row> {
  const fits = VIEW_PAGES.find((most) => size <= most);
  const statement = fits === undefined ? undefined : statements.get(fits);
  if (statement === undefined) throw new Error(`no page has ${size} rows`);
  return statement;
}

const NO_EDGE = "00000000-0000-0000-0000-000000000000";

/** Reads a page of a graph (1,000 jobs at most); undefined if there is no such run. */
export const readGraphPage =
  (pool: Pool) =>
  (
    tenant: string,
    runId: string,
    from: GraphPosition,
    size: number,
  ): Promise<FoundGraph | undefined> =>
    inTransaction(pool, [tenant], async (tx) => {
      const [run] = await tx.run(readRunClock, tenant, runId);
      if (run === undefined) return undefined;
      const rows =
        from.in === "own"
          ? await tx.run(sized(readGraphNodes, size), tenant, runId, from.after)
          : run.replay_of === null
            ? []
            : await tx.run(readReusedNodes, tenant, runId, from.after);
      const nodes = rows.slice(0, size + 1).map((row) => graphNode(tenant, row));
      // What led to reused jobs is part of their own run.
      if (from.in === "reused") return { nodes, edges: [], parents: new Map() };
      const after = nodes.map((_, index) => (index === 0 ? (from.edge ?? NO_EDGE) : NO_EDGE));
      const ids = nodes.slice(0, size).map(({ jobId }) => jobId);
      const edges = await tx.run(readGraphEdges, tenant, ids, after.slice(0, size));
      return {
        nodes,
        edges: edges.map(graphEdge),
        parents: await parentsOf(tx, tenant, nodes, edges),
      };
    });

async function parentsOf(
  tx: Transaction,
  tenant: string,
  nodes: readonly GraphNode[],
  edges: readonly GraphEdgeRow[],
): Promise<FoundGraph["parents"]> {
  const blocked = new Set(nodes.filter(({ state }) => state === "blocked").map((n) => n.jobId));
  const ids = new Set(edges.filter((edge) => blocked.has(edge.to_job)).map((e) => e.from_job));
  if (ids.size === 0) return new Map();
  const rows = await tx.run(readParents, tenant, [...ids]);
  return new Map(rows.map(({ job_id, state, skipped }) => [job_id, { state, skipped }]));
}

const graphNode = (tenant: string, row: GraphNodeRow): GraphNode => ({
  jobId: row.job_id,
  runId: row.run_id,
  position: row.run_position,
  name: row.name,
  lane: toLane(tenant, row),
  state: row.state,
  skipped: row.skipped,
  attempt: row.attempt,
  unmet: row.unmet,
  runAt: row.run_at ?? undefined,
});

const graphEdge = (row: GraphEdgeRow): GraphEdge => ({
  fromJobId: row.from_job,
  toJobId: row.to_job,
  condition: row.condition,
  onFailure: row.on_failure,
  includeFanOut: row.include_fan_out,
  settled: row.settled,
});

/** Reads a page of a timeline (1,000 jobs at most); undefined if there is no such run. */
export const readTimelinePage =
  (pool: Pool) =>
  (
    tenant: string,
    runId: string,
    after: number,
    limit: number,
  ): Promise<TimelineJob[] | undefined> =>
    inTransaction(pool, [tenant], async (tx) => {
      const [run] = await tx.run(readRunClock, tenant, runId);
      if (run === undefined) return undefined;
      const found = await tx.run(sized(readTimelineJobs, limit - 1), tenant, runId, after);
      const rows = found.slice(0, limit);
      const ids = rows.map((row) => row.job_id);
      const attempts = ids.length === 0 ? [] : await tx.run(readAttemptTimes, tenant, ids);
      const again = rows.filter((row) => row.was_retried).map((row) => row.job_id);
      const retries = again.length === 0 ? [] : await tx.run(readRetryTimes, tenant, again);
      const attemptsOf = Map.groupBy(attempts, (row) => row.job_id);
      const retriesOf = Map.groupBy(retries, (row) => row.job_id);
      return rows.map((row) => {
        const retriedAt = (retriesOf.get(row.job_id) ?? []).map(({ at }) => at);
        return timelineJob(row, attemptsOf.get(row.job_id) ?? [], retriedAt);
      });
    });

const timelineJob = (
  row: TimelineRow,
  attempts: readonly AttemptTimesRow[],
  retriedAt: readonly Date[],
): TimelineJob => ({
  jobId: row.job_id,
  position: row.run_position,
  name: row.name,
  jobType: row.job_type,
  state: row.state,
  spans: spansOf({
    state: row.state,
    createdAt: row.created_at,
    beganBlocked: row.began_blocked,
    unblockedAt: row.unblocked_at ?? undefined,
    endedAt: row.ended_at ?? undefined,
    retriedAt,
    attempts: [...attempts.map(endedAttempt), ...liveAttempt(row)],
  }),
});

const endedAttempt = (row: AttemptTimesRow): TimedAttempt => ({
  attempt: row.attempt,
  workerId: row.worker_id,
  offeredAt: row.offered_at,
  startedAt: row.started_at,
  endedAt: row.ended_at,
  outcome: row.outcome,
});

function liveAttempt(row: TimelineRow): TimedAttempt[] {
  const { lease_attempt: attempt, lease_offered_at: offeredAt } = row;
  if (attempt === null || offeredAt === null) return [];
  const workerId = row.lease_worker_id ?? "";
  const startedAt = row.lease_started_at ?? undefined;
  return [{ attempt, workerId, offeredAt, startedAt, endedAt: undefined, outcome: undefined }];
}
