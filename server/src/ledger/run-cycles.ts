import type { AppendConflict } from "../app/runs/append-jobs.ts";
import type { GraphFault } from "../domain/graph.ts";
import { blockedParents, type FanOutJoin, type StandingJob } from "./run-append.sql.ts";
import type { NewEdgeRow, NewRunJobRow } from "./run-jobs.ts";
import type { Transaction } from "./transaction.ts";

/** Why a handler cannot append a batch. */
type BadFanOut = Extract<AppendConflict, { kind: "bad_graph" | "too_many_edges" }>;

/** Jobs that the search for a cycle looks at; a handler's batch that needs more is refused. */
const MAX_VISITED = 20_000;

/** A batch that a handler appends, as far as cycles matter. */
interface FanOut {
  readonly tenant: string;
  readonly jobs: readonly NewRunJobRow[];
  readonly edges: readonly NewEdgeRow[];
  readonly joins: readonly FanOutJoin[];
  /** What the new jobs depend on, and the joins. */
  readonly parents: ReadonlyMap<string, StandingJob>;
}

/**
 * Jobs that wait for what a handler appends come before it: if a new job depends on one of them, or
 * on something behind it, neither can ever start. Only blocked jobs can be on such a cycle, since
 * everything behind a join is blocked.
 */
export async function findFanOutCycle(
  tx: Transaction,
  fanOut: FanOut,
): Promise<BadFanOut | undefined> {
  const { joins, parents, edges, tenant } = fanOut;
  const ends = new Set(joins.map((join) => join.job_id));
  if (ends.size === 0) return undefined;
  /** From a job to the one that waits for it and by which the search came. */
  const cameFrom = new Map<string, string>();
  const names = new Map([...parents.values()].map((job) => [job.job_id, job.name]));
  let frontier: string[] = [];
  for (const { from, to } of edges) {
    if (parents.get(from)?.state !== "blocked" || cameFrom.has(from)) continue;
    cameFrom.set(from, to);
    frontier.push(from);
  }
  while (frontier.length > 0) {
    const join = frontier.find((jobId) => ends.has(jobId));
    if (join !== undefined) {
      return { kind: "bad_graph", faults: [cycleFault(fanOut, join, cameFrom, names)] };
    }
    const rows = await tx.run(blockedParents, tenant, frontier);
    if (cameFrom.size + rows.length > MAX_VISITED) {
      const edges = cameFrom.size + rows.length;
      return { kind: "too_many_edges", edges, maxEdges: MAX_VISITED };
    }
    frontier = [];
    for (const { from_job: from, to_job: to, name } of rows) {
      if (cameFrom.has(from)) continue;
      cameFrom.set(from, to);
      names.set(from, name);
      frontier.push(from);
    }
  }
  return undefined;
}

function cycleFault(
  { jobs }: FanOut,
  join: string,
  cameFrom: ReadonlyMap<string, string>,
  names: ReadonlyMap<string, string>,
): GraphFault {
  const own = new Map(jobs.map(({ job, name, index }) => [job.jobId, { name, index }]));
  const way: string[] = [];
  let at: string | undefined = join;
  let added = own.get(join);
  while (at !== undefined && added === undefined) {
    way.push(names.get(at) ?? at);
    at = cameFrom.get(at);
    added = at === undefined ? undefined : own.get(at);
  }
  const { name, index } = added ?? { name: "", index: 0 };
  return { kind: "cycle", path: `jobs[${index}].depends_on`, names: [name, ...way, name] };
}
