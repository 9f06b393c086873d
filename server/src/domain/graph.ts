/** What happens to a job when one that it depends on becomes dead or cancelled. */
export type OnFailure = "cancel" | "hold";

/** A job of a graph, as far as its shape matters. */
export interface GraphJob {
  readonly name: string;
  readonly dependsOn: readonly { readonly name: string; readonly onFailure: OnFailure }[];
}

/** A fault of a graph; `path` is where in the request it stands. */
export type GraphFault =
  | { readonly kind: "duplicate_name"; readonly path: string; readonly name: string }
  | {
      readonly kind: "unknown_job";
      readonly path: string;
      readonly from: string;
      readonly to: string;
    }
  | {
      readonly kind: "repeated_edge";
      readonly path: string;
      readonly from: string;
      readonly to: string;
    }
  | { readonly kind: "cycle"; readonly path: string; readonly names: readonly string[] };

/**
 * Finds everything that is wrong with a graph at once: names that stand twice, dependencies on
 * jobs that are not there, edges that stand twice, and a shortest cycle. Empty: it is a DAG.
 */
export function findGraphFaults(jobs: readonly GraphJob[]): GraphFault[] {
  const faults: GraphFault[] = [];
  const index = new Map<string, number>();
  jobs.forEach((job, position) => {
    if (index.has(job.name)) {
      faults.push({ kind: "duplicate_name", path: `jobs[${position}].name`, name: job.name });
    } else {
      index.set(job.name, position);
    }
  });
  jobs.forEach((job, position) => {
    const seen = new Set<string>();
    job.dependsOn.forEach((dependency, edge) => {
      const path = `jobs[${position}].depends_on[${edge}].name`;
      const fault = { path, from: dependency.name, to: job.name };
      if (!index.has(dependency.name)) faults.push({ kind: "unknown_job", ...fault });
      if (seen.has(dependency.name)) faults.push({ kind: "repeated_edge", ...fault });
      seen.add(dependency.name);
    });
  });
  const cycle = shortestCycle(jobs, index);
  if (cycle !== undefined) {
    const at = index.get(cycle[0] as string);
    faults.push({ kind: "cycle", path: `jobs[${at}].depends_on`, names: cycle });
  }
  return faults;
}

/** The names of a shortest cycle, each followed by one that depends on it; the first again. */
function shortestCycle(
  jobs: readonly GraphJob[],
  index: ReadonlyMap<string, number>,
): string[] | undefined {
  const parents = jobs.map((job) => [
    ...new Set(job.dependsOn.map((d) => index.get(d.name)).filter((i) => i !== undefined)),
  ]);
  const remaining = jobsOnCycles(parents);
  let best: number[] | undefined;
  for (const start of remaining) {
    // Only a shorter one is of interest, which keeps dense graphs from costing jobs times edges.
    const maxLength = best === undefined ? remaining.size : best.length - 2;
    best = shortestWayBack(start, parents, remaining, maxLength) ?? best;
  }
  return best?.map((position) => (jobs[position] as GraphJob).name);
}

/** What is left when jobs without unmet parents are taken away, again and again (Kahn's way). */
function jobsOnCycles(parents: readonly (readonly number[])[]): Set<number> {
  const unmet = parents.map((list) => list.length);
  const children = parents.map((): number[] => []);
  parents.forEach((list, child) => {
    for (const parent of list) children[parent]?.push(child);
  });
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
  parents: readonly (readonly number[])[],
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
