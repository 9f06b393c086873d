import type { JobState } from "./job-machine.ts";

/** Which end of a job lets one go that depends on it. */
export type EdgeCondition = "success" | "completion" | "failure";

/** What happens to a job when one that must succeed before it becomes dead or cancelled. */
export type OnFailure = "cancel" | "hold" | "continue";

/** A dependency as the dependent job names it. */
export interface Dependency {
  readonly name: string;
  readonly condition: EdgeCondition;
  /** Of meaning for the condition "success" only. */
  readonly onFailure: OnFailure;
  /** Whether it also waits for what the named job appends while it runs. */
  readonly includeFanOut: boolean;
}

/** A job of a graph, as far as its shape matters. */
export interface GraphJob {
  readonly name: string;
  readonly dependsOn: readonly Dependency[];
}

/** How a job ended, as those see it that depend on it; "failed" is dead or cancelled. */
export type JobEnd = "succeeded" | "failed" | "skipped";

/**
 * What the end of a job means along an edge: one condition less to wait for, the end of the
 * dependent job too (cancelled, or skipped because it is not needed), or nothing.
 */
export type EdgeEffect = "met" | "cancel" | "skip" | "none";

/** Decides {@link EdgeEffect}. */
export function edgeEffect(
  { condition, onFailure }: Pick<Dependency, "condition" | "onFailure">,
  end: JobEnd,
): EdgeEffect {
  if (condition === "completion") return "met";
  if (condition === "failure") return end === "failed" ? "met" : "skip";
  if (end === "succeeded" || onFailure === "continue") return "met";
  if (end === "skipped") return "skip";
  return onFailure === "cancel" ? "cancel" : "none";
}

/** How a job ended, if it did, as those see it that depend on it. */
export function endOf(job: {
  readonly state: JobState;
  readonly skipped: boolean;
}): JobEnd | undefined {
  if (job.state === "succeeded") return "succeeded";
  if (job.state === "dead") return "failed";
  if (job.state === "cancelled") return job.skipped ? "skipped" : "failed";
  return undefined;
}

/** Whether a job still waits along an edge, given where the first job stands. */
export function waitsAlong(
  edge: Pick<Dependency, "condition" | "onFailure">,
  first: { readonly state: JobState; readonly skipped: boolean },
): boolean {
  const end = endOf(first);
  return end === undefined || edgeEffect(edge, end) !== "met";
}

/** A fault of a graph; `path` is where in the request it stands. */
export type GraphFault =
  | { readonly kind: "duplicate_name"; readonly path: string; readonly name: string }
  | {
      readonly kind: "unknown_job" | "repeated_edge";
      readonly path: string;
      readonly from: string;
      readonly to: string;
    }
  | { readonly kind: "cycle"; readonly path: string; readonly names: readonly string[] }
  | {
      /** It waits for `from`, which has another fault or waits for one that has. */
      readonly kind: "unreachable";
      readonly path: string;
      readonly name: string;
      readonly from: string;
    }
  | {
      /** It would need this job both to succeed and to fail. */
      readonly kind: "contradiction";
      readonly path: string;
      readonly name: string;
      readonly of: string;
    };

/**
 * Finds everything that is wrong with a graph at once: names that stand twice, dependencies on
 * jobs that are not there, edges that stand twice, a shortest cycle, and jobs that can never start
 * because of that or because what they need excludes itself. `known` are jobs that are there
 * already, of which none can depend on these. Empty: it is a DAG.
 */
export function findGraphFaults(
  jobs: readonly GraphJob[],
  known: ReadonlySet<string> = new Set(),
): GraphFault[] {
  const index = new Map<string, number>();
  const faults = duplicateNames(jobs, index);
  const rotten = new Set<number>();
  jobs.forEach((job, position) => {
    const seen = new Set<string>();
    job.dependsOn.forEach((dependency, edge) => {
      const path = `jobs[${position}].depends_on[${edge}].name`;
      const fault = { path, from: dependency.name, to: job.name };
      if (!index.has(dependency.name) && !known.has(dependency.name)) {
        faults.push({ kind: "unknown_job", ...fault });
        rotten.add(position);
      }
      if (seen.has(dependency.name)) faults.push({ kind: "repeated_edge", ...fault });
      seen.add(dependency.name);
    });
  });
  const parents = parentsOf(jobs, index);
  const onCycles = jobsOnCycles(parents);
  const cycle = shortestCycle(jobs, parents, onCycles);
  if (cycle !== undefined) {
    const at = index.get(cycle[0] as string);
    faults.push({ kind: "cycle", path: `jobs[${at}].depends_on`, names: cycle });
  }
  faults.push(...unreachableJobs(jobs, parents, rotten, onCycles));
  if (onCycles.size === 0) faults.push(...contradictions(jobs, index));
  return faults;
}

function duplicateNames(jobs: readonly GraphJob[], index: Map<string, number>): GraphFault[] {
  const faults: GraphFault[] = [];
  jobs.forEach(({ name }, position) => {
    if (!index.has(name)) index.set(name, position);
    else faults.push({ kind: "duplicate_name", path: `jobs[${position}].name`, name });
  });
  return faults;
}

type Positions = readonly (readonly number[])[];

/** The parents of each job that are in the graph, each once. */
const parentsOf = (jobs: readonly GraphJob[], index: ReadonlyMap<string, number>): number[][] =>
  jobs.map((job) => [
    ...new Set(job.dependsOn.map((d) => index.get(d.name)).filter((i) => i !== undefined)),
  ]);

const childrenOf = (parents: Positions): number[][] => {
  const children = parents.map((): number[] => []);
  parents.forEach((list, child) => {
    for (const parent of list) children[parent]?.push(child);
  });
  return children;
};

/** Jobs that wait for a job which can never start: each with the one that brings it there. */
function unreachableJobs(
  jobs: readonly GraphJob[],
  parents: Positions,
  rotten: ReadonlySet<number>,
  behindCycles: ReadonlySet<number>,
): GraphFault[] {
  const ahead = childrenOf(parents);
  const cyclic = onCyclesOnly(parents, ahead, behindCycles);
  const because = new Map<number, number>();
  const open = [...rotten, ...cyclic];
  for (const position of open) {
    for (const child of ahead[position] ?? []) {
      if (because.has(child) || rotten.has(child) || cyclic.has(child)) continue;
      because.set(child, position);
      open.push(child);
    }
  }
  return [...because]
    .sort(([a], [b]) => a - b)
    .map(([position, from]) => ({
      kind: "unreachable",
      path: `jobs[${position}].depends_on`,
      name: nameAt(jobs, position),
      from: nameAt(jobs, from),
    }));
}

/** Of the jobs on cycles or behind them those that have something of them behind themselves. */
function onCyclesOnly(
  parents: Positions,
  children: Positions,
  behindCycles: ReadonlySet<number>,
): ReadonlySet<number> {
  const left = new Set(behindCycles);
  const waiting = new Map(
    [...left].map((at) => [at, (children[at] ?? []).filter((child) => left.has(child)).length]),
  );
  const free = [...left].filter((at) => waiting.get(at) === 0);
  for (let at = free.pop(); at !== undefined; at = free.pop()) {
    left.delete(at);
    for (const parent of parents[at] ?? []) {
      if (!left.has(parent)) continue;
      const rest = (waiting.get(parent) ?? 0) - 1;
      waiting.set(parent, rest);
      if (rest === 0) free.push(parent);
    }
  }
  return left;
}

/**
 * Jobs that need another both to succeed and to fail. What a job needs is what its parents that
 * must succeed need, too. Only what is sure counts: a job that is held, an operator can still let
 * go, and one that failed may have been cancelled without ever having needed anything.
 */
function contradictions(jobs: readonly GraphJob[], index: ReadonlyMap<string, number>) {
  const faults: GraphFault[] = [];
  const words = Math.ceil(jobs.length / 32);
  const needs = jobs.map(() => ({
    success: new Uint32Array(words),
    failure: new Uint32Array(words),
  }));
  for (const position of topological(parentsOf(jobs, index))) {
    const own = needs[position] as (typeof needs)[number];
    for (const { name, condition, onFailure } of jobs[position]?.dependsOn ?? []) {
      const parent = index.get(name);
      if (parent === undefined) continue;
      const bit = 1 << (parent % 32);
      const word = parent >>> 5;
      if (condition === "failure") own.failure[word] = (own.failure[word] ?? 0) | bit;
      if (condition !== "success" || onFailure === "continue") continue;
      if (onFailure === "cancel") own.success[word] = (own.success[word] ?? 0) | bit;
      const theirs = needs[parent] as typeof own;
      for (let at = 0; at < words; at++) {
        own.success[at] = (own.success[at] ?? 0) | (theirs.success[at] ?? 0);
        own.failure[at] = (own.failure[at] ?? 0) | (theirs.failure[at] ?? 0);
      }
    }
    const of = commonBit(own.success, own.failure);
    if (of === undefined) continue;
    const path = `jobs[${position}].depends_on`;
    faults.push({
      ...{ kind: "contradiction", path, name: nameAt(jobs, position) },
      of: nameAt(jobs, of),
    });
  }
  return faults.sort((a, b) => pathOrder(a.path) - pathOrder(b.path));
}

const pathOrder = (path: string): number => Number(/\d+/.exec(path)?.[0]);

const nameAt = (jobs: readonly GraphJob[], position: number): string =>
  (jobs[position] as GraphJob).name;

function commonBit(a: Uint32Array, b: Uint32Array): number | undefined {
  for (let word = 0; word < a.length; word++) {
    const both = ((a[word] ?? 0) & (b[word] ?? 0)) >>> 0;
    if (both !== 0) return word * 32 + 31 - Math.clz32(both);
  }
  return undefined;
}

/** Positions in an order in which parents come first. The graph must have no cycle. */
function topological(parents: Positions): number[] {
  const unmet = parents.map((list) => list.length);
  const children = childrenOf(parents);
  const order = [...parents.keys()].filter((position) => unmet[position] === 0);
  for (const position of order) {
    for (const child of children[position] ?? []) {
      unmet[child] = (unmet[child] ?? 0) - 1;
      if (unmet[child] === 0) order.push(child);
    }
  }
  return order;
}

/** The names of a shortest cycle, each followed by one that depends on it; the first again. */
function shortestCycle(
  jobs: readonly GraphJob[],
  parents: Positions,
  remaining: ReadonlySet<number>,
): string[] | undefined {
  let best: number[] | undefined;
  for (const start of remaining) {
    // Only a shorter one is of interest, which keeps dense graphs from costing jobs times edges.
    const maxLength = best === undefined ? remaining.size : best.length - 2;
    best = shortestWayBack(start, parents, remaining, maxLength) ?? best;
  }
  return best?.map((position) => (jobs[position] as GraphJob).name);
}

/** What is left when jobs without unmet parents are taken away, again and again (Kahn's way). */
function jobsOnCycles(parents: Positions): Set<number> {
  const unmet = parents.map((list) => list.length);
  const children = childrenOf(parents);
  const remaining = new Set(parents.keys());
  const free = [...remaining].filter((position) => unmet[position] === 0);
  for (let position = free.pop(); position !== undefined; position = free.pop()) {
    remaining.delete(position);
    for (const child of children[position] ?? []) {
      unmet[child] = (unmet[child] ?? 0) - 1;
      if (unmet[child] === 0) free.push(child);
    }
  }
  return remaining;
}

/** Breadth first from a job over its parents back to itself, at most maxLength edges. */
function shortestWayBack(
  start: number,
  parents: Positions,
  within: ReadonlySet<number>,
  maxLength: number,
): number[] | undefined {
  /** From a job to the one that depends on it and by which the search reached it. */
  const reachedBy = new Map<number, number>();
  let frontier = [start];
  for (let length = 1; length <= maxLength && frontier.length > 0; length++) {
    const next: number[] = [];
    for (const position of frontier) {
      for (const parent of parents[position] ?? []) {
        if (parent === start) return wayFrom(start, position, reachedBy);
        if (!within.has(parent) || reachedBy.has(parent)) continue;
        reachedBy.set(parent, position);
        next.push(parent);
      }
    }
    frontier = next;
  }
  return undefined;
}

/** In the order of execution: start, the last job the search reached, …, start again. */
function wayFrom(start: number, last: number, reachedBy: ReadonlyMap<number, number>): number[] {
  const way = [start];
  for (let at: number | undefined = last; at !== undefined; at = reachedBy.get(at)) way.push(at);
  return way;
}
