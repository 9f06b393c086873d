import type { Blocked } from "../../domain/flow/blocked.ts";
import { type Dependency, edgeEffect, endOf, waitsAlong } from "../../domain/graph.ts";
import type { JobState } from "../../domain/job-machine.ts";
import { type Lane, laneKey } from "../../domain/offer.ts";
import { type PageScope, readPageToken, writePageToken } from "../../domain/page-token.ts";
import type { BlockedBy } from "../jobs/explain-job.ts";
import type { PageRequest, PageTokenInvalid } from "../page.ts";

/** A job of a graph, and what could keep it where it stands. */
export interface GraphNode {
  readonly jobId: string;
  readonly runId: string;
  /** Its place in its own run. */
  readonly position: number;
  readonly name: string;
  readonly lane: Lane;
  readonly state: JobState;
  readonly skipped: boolean;
  /** The newest; 0 before the first. */
  readonly attempt: number;
  /** How many dependencies it still waits for. */
  readonly unmet: number;
  /** When a scheduled job becomes ready. */
  readonly runAt: Date | undefined;
}

/** A dependency between two jobs. */
export interface GraphEdge extends Omit<Dependency, "name"> {
  readonly fromJobId: string;
  readonly toJobId: string;
  /** What the end of the first meant was said when the edge was made. */
  readonly settled: boolean;
}

/** Where a page begins: with reused jobs, which come first, or with the run's own. */
export type GraphPosition =
  | { readonly in: "reused"; readonly after: string }
  /** `edge`: the edges of the first job up to this one were on the page before. */
  | { readonly in: "own"; readonly after: number; readonly edge?: string | undefined };

/** What the ledger answers for a page. */
export interface FoundGraph {
  /** One more than asked for: there is a next page. */
  readonly nodes: readonly GraphNode[];
  /** What leads to them, in their order; one more than {@link MAX_EDGES}: there are more. */
  readonly edges: readonly GraphEdge[];
  /** Where those stand from which edges lead to blocked jobs. */
  readonly parents: ReadonlyMap<string, { readonly state: JobState; readonly skipped: boolean }>;
}

/** A node of a page, and the one thing that it waits for. */
export interface ShownNode extends GraphNode {
  readonly blockedBy: BlockedBy | undefined;
}

/** A page of a graph; undefined if there is no such run. */
export type GraphPage =
  | {
      readonly kind: "page";
      readonly nodes: readonly ShownNode[];
      readonly edges: readonly GraphEdge[];
      readonly nextPageToken: string;
    }
  | PageTokenInvalid
  | undefined;

/** What {@link graphPage} needs. */
export interface GraphPagePorts {
  /** Reads `size` nodes and one more from a position on; undefined if there is no such run. */
  readonly read: (
    tenant: string,
    runId: string,
    from: GraphPosition,
    size: number,
  ) => Promise<FoundGraph | undefined>;
  /** What flow control holds ready jobs of lanes back for, in their order. */
  readonly heldBack: (
    tenant: string,
    lanes: readonly Lane[],
  ) => Promise<readonly (Blocked | undefined)[]>;
  /** How many workers take the type from the queue. */
  readonly capableWorkers: (tenant: string, queue: string, jobType: string) => Promise<number>;
}

const DEFAULT_SIZE = 500;

/** The most edges on a page: what fits into a message beside the nodes. */
export const MAX_EDGES = 20_000;

/** A page ends early rather than grow beyond this: clients read messages of 4 MiB. */
const MAX_PAGE_BYTES = 3 * 1024 * 1024;

/** Two ids and what they are called in the message. */
const EDGE_BYTES = 86;

/** How many of the jobs that a job waits for are named; see explainJob. */
const MAX_NAMED = 100;

const FIRST_ID = "00000000-0000-0000-0000-000000000000";

/** A page of a run's graph: its jobs in their order, and the edges that lead to them. */
export const graphPage =
  (ports: GraphPagePorts) =>
  async (
    tenant: string,
    runId: string,
    { pageSize, pageToken }: PageRequest,
  ): Promise<GraphPage> => {
    const scope: PageScope = { tenant, list: "run_graph", query: runId };
    const position = readPageToken(scope, pageToken);
    if (position === undefined) return { kind: "page_token_invalid" };
    const size = pageSize || DEFAULT_SIZE;
    let from: GraphPosition =
      position === "" ? { in: "reused", after: FIRST_ID } : (JSON.parse(position) as GraphPosition);
    let found = await ports.read(tenant, runId, from, size);
    if (found?.nodes.length === 0 && from.in === "reused") {
      from = { in: "own", after: -1 };
      found = await ports.read(tenant, runId, from, size);
    }
    if (found === undefined) return undefined;
    const torn = tornBy(found, from);
    const causes = await causesOf(ports, tenant, found, torn);
    const { nodes, edges, next } = cut(found, causes, from, size);
    const nextPageToken = writePageToken(scope, next && JSON.stringify(next));
    return { kind: "page", nodes, edges, nextPageToken };
  };

type Causes = ReadonlyMap<string, BlockedBy>;

/** The jobs of which not all edges were read: the first and the last that have some. */
function tornBy({ nodes, edges }: FoundGraph, from: GraphPosition): ReadonlySet<string> {
  const first = from.in === "own" && from.edge !== undefined ? nodes[0]?.jobId : undefined;
  const torn = [first, edges[MAX_EDGES]?.toJobId];
  return new Set(torn.filter((jobId) => jobId !== undefined));
}

/** As many nodes as fit with all their edges; one at least, if need be with a part of them. */
function cut(found: FoundGraph, causes: Causes, from: GraphPosition, size: number) {
  const byTarget = Map.groupBy(found.edges.slice(0, MAX_EDGES), (edge) => edge.toJobId);
  // Of the job that the last edge leads to there may be more.
  const torn = found.edges.length > MAX_EDGES ? found.edges[MAX_EDGES]?.toJobId : undefined;
  const nodes: ShownNode[] = [];
  const edges: GraphEdge[] = [];
  let bytes = 0;
  for (const node of found.nodes.slice(0, size)) {
    const own = byTarget.get(node.jobId) ?? [];
    const shown = { ...node, blockedBy: causes.get(node.jobId) };
    bytes += bytesOf(shown) + EDGE_BYTES * own.length;
    const isTorn = node.jobId === torn;
    if (nodes.length > 0 && (isTorn || bytes > MAX_PAGE_BYTES)) break;
    nodes.push(shown);
    edges.push(...own);
    if (isTorn) return { nodes, edges, next: within(from, node, own.at(-1)) };
  }
  const last = nodes.at(-1);
  const isLast = nodes.length === found.nodes.length;
  return { nodes, edges, next: positionAfter(from, isLast ? undefined : last) };
}

/** The same job again, with its next edges. */
function within(from: GraphPosition, node: GraphNode, edge: GraphEdge | undefined): GraphPosition {
  if (from.in === "reused") return { in: "reused", after: node.jobId };
  return { in: "own", after: node.position - 1, edge: edge?.fromJobId };
}

function positionAfter(
  from: GraphPosition,
  last: GraphNode | undefined,
): GraphPosition | undefined {
  if (from.in === "own") return last && { in: "own", after: last.position };
  // After the last of the reused jobs come the run's own.
  return last === undefined ? { in: "own", after: -1 } : { in: "reused", after: last.jobId };
}

/** UTF-8 takes at most three bytes for each unit of a string. */
function bytesOf({ name, lane, blockedBy }: ShownNode): number {
  const texts = name.length + lane.jobType.length + lane.queue.length;
  const by = blockedBy?.kind === "dependency" ? 38 * blockedBy.jobIds.length : 1_000;
  return 150 + 3 * texts + (blockedBy === undefined ? 0 : by);
}

/** What each job waits for, as explainJob says it; each lane is looked at once. */
async function causesOf(
  ports: GraphPagePorts,
  tenant: string,
  { nodes, edges, parents }: FoundGraph,
  torn: ReadonlySet<string>,
): Promise<Causes> {
  const lanes = new Map<string, Lane>();
  for (const { state, lane } of nodes) if (state === "ready") lanes.set(laneKey(lane), lane);
  const keys = [...lanes.keys()];
  const held = keys.length === 0 ? [] : await ports.heldBack(tenant, [...lanes.values()]);
  const byLane = new Map(keys.map((key, index) => [key, held[index]]));
  const byTarget = Map.groupBy(edges, (edge) => edge.toJobId);
  const workers = await workersFor(ports, tenant, [...lanes.values()]);
  const causes = new Map<string, BlockedBy>();
  for (const node of nodes) {
    const { jobId, state, lane, runAt } = node;
    if (state === "blocked") {
      const whole = !torn.has(jobId);
      causes.set(jobId, dependencyOf(node, byTarget.get(jobId) ?? [], parents, whole));
    }
    if (state === "scheduled" && runAt !== undefined) {
      causes.set(jobId, { kind: "schedule", readyAt: runAt });
    }
    if (state !== "ready") continue;
    const capableWorkers = workers.get(kindOf(lane)) ?? 0;
    // A limit comes first: with it more workers would wait as well.
    causes.set(jobId, byLane.get(laneKey(lane)) ?? { kind: "workers", capableWorkers });
  }
  return causes;
}

const kindOf = ({ queue, jobType }: Lane): string => `${queue}\0${jobType}`;

/** How many workers take each type of job from each queue. */
async function workersFor(
  { capableWorkers }: GraphPagePorts,
  tenant: string,
  lanes: readonly Lane[],
): Promise<ReadonlyMap<string, number>> {
  const workers = new Map<string, number>();
  for (const lane of lanes) {
    const kind = kindOf(lane);
    if (workers.has(kind)) continue;
    workers.set(kind, await capableWorkers(tenant, lane.queue, lane.jobType));
  }
  return workers;
}

function dependencyOf(
  { unmet }: GraphNode,
  edges: readonly GraphEdge[],
  parents: FoundGraph["parents"],
  isWhole: boolean,
): BlockedBy {
  const open = edges.flatMap((edge) => {
    const parent = parents.get(edge.fromJobId);
    if (edge.settled || parent === undefined || !waitsAlong(edge, parent)) return [];
    const end = endOf(parent);
    const held = end !== undefined && edgeEffect(edge, end) === "none";
    return [{ jobId: edge.fromJobId, held }];
  });
  return {
    kind: "dependency",
    jobIds: open.slice(0, MAX_NAMED).map(({ jobId }) => jobId),
    count: isWhole ? open.length : Math.max(open.length, unmet),
    held: open.some(({ held }) => held),
  };
}
