import type { JobState } from "./job-machine.ts";

/** Why a job is part of a replay; "reused" ones do not run again. */
export type ReplayCause = "selected" | "not_succeeded" | "downstream" | "upstream" | "reused";

/** A run that is to be replayed; jobs go by their indices. */
export interface ReplayGraph {
  readonly jobs: readonly {
    readonly name: string;
    readonly state: JobState;
    readonly skipped: boolean;
  }[];
  /** The edge of an index leads from one job to another. */
  readonly from: ArrayLike<number>;
  readonly to: ArrayLike<number>;
}

/** What of it runs again. */
export interface ReplayChoice {
  /** By name; every job that did not succeed, skipped ones aside, if empty. */
  readonly jobNames: readonly string[];
  readonly includeDownstream: boolean;
  readonly rerunUpstream: boolean;
}

/** What a replay does with each job, by index; undefined: nothing. */
export type ReplayPlan =
  | { readonly kind: "plan"; readonly causes: readonly (ReplayCause | undefined)[] }
  | { readonly kind: "job_not_found"; readonly name: string };

/**
 * Chooses what runs again: the jobs asked for, then what depends on them, then what those depend
 * on, each if wanted; and what of the rest they reuse, which is what succeeded right before them.
 * Time and memory are linear in jobs and edges.
 */
export function planReplay(graph: ReplayGraph, choice: ReplayChoice): ReplayPlan {
  const causes = new Array<ReplayCause | undefined>(graph.jobs.length).fill(undefined);
  const chosen = choose(graph, choice.jobNames);
  if (typeof chosen === "string") return { kind: "job_not_found", name: chosen };
  const first = choice.jobNames.length > 0 ? "selected" : "not_succeeded";
  for (const index of chosen) causes[index] = first;
  const { from, to } = graph;
  if (choice.includeDownstream) spread(causes, neighbours(causes.length, from, to), "downstream");
  if (choice.rerunUpstream) spread(causes, neighbours(causes.length, to, from), "upstream");
  for (let edge = 0; edge < from.length; edge++) {
    const parent = from[edge] as number;
    const child = causes[to[edge] as number];
    const runs = child !== undefined && child !== "reused";
    if (!runs || causes[parent] !== undefined) continue;
    if (graph.jobs[parent]?.state === "succeeded") causes[parent] = "reused";
  }
  return { kind: "plan", causes };
}

/** The indices of the jobs asked for, or the first name that no job has. */
function choose({ jobs }: ReplayGraph, names: readonly string[]): readonly number[] | string {
  if (names.length === 0) {
    return [...jobs.keys()].filter((index) => {
      const job = jobs[index];
      return job !== undefined && job.state !== "succeeded" && !job.skipped;
    });
  }
  const wanted = new Set(names);
  const found = new Map<string, number>();
  jobs.forEach(({ name }, index) => {
    if (wanted.has(name)) found.set(name, index);
  });
  const missing = names.find((name) => !found.has(name));
  return missing ?? [...found.values()];
}

/** Where the edges out of each job lead, one list after the other. */
interface Neighbours {
  readonly starts: Int32Array;
  readonly ends: Int32Array;
}

function neighbours(count: number, out: ArrayLike<number>, into: ArrayLike<number>): Neighbours {
  const starts = new Int32Array(count + 1);
  for (let edge = 0; edge < out.length; edge++) {
    const at = (out[edge] as number) + 1;
    starts[at] = (starts[at] ?? 0) + 1;
  }
  for (let at = 0; at < count; at++) starts[at + 1] = (starts[at + 1] ?? 0) + (starts[at] ?? 0);
  const next = starts.slice();
  const ends = new Int32Array(out.length);
  for (let edge = 0; edge < out.length; edge++) {
    const at = out[edge] as number;
    const place = next[at] ?? 0;
    ends[place] = into[edge] as number;
    next[at] = place + 1;
  }
  return { starts, ends };
}

/** Adds everything that can be reached from what is there. */
function spread(
  causes: (ReplayCause | undefined)[],
  { starts, ends }: Neighbours,
  cause: ReplayCause,
): void {
  const open = [...causes.keys()].filter((index) => causes[index] !== undefined);
  for (let index = open.pop(); index !== undefined; index = open.pop()) {
    for (let at = starts[index] ?? 0; at < (starts[index + 1] ?? 0); at++) {
      const reached = ends[at] as number;
      if (causes[reached] !== undefined) continue;
      causes[reached] = cause;
      open.push(reached);
    }
  }
}
