import type { EdgeRow, EventRow, History, JobRow, WorkLine } from "../history.ts";
import { byJob, type Invariant, type Violation } from "./invariant.ts";
import {
  AT_THE_END,
  endBefore,
  endIn,
  leaving,
  lettingGo,
  type Meaning,
  meaningOf,
} from "./steps.ts";

/**
 * 10: nothing is let go before everything that it depends on has ended as the edge wants it, by the
 * ledger and by the clocks; nothing is ended by its run without a cause; and what stays blocked
 * waits for as much as it says.
 */
export const dependenciesFirst: Invariant = {
  number: "10",
  title: "no job starts before its dependencies let it",
  check(history) {
    const graph = graphOf(history);
    const violations: Violation[] = [];
    for (const edge of history.edges) {
      const text = brokenAlong(graph, edge);
      if (text !== undefined) violations.push({ jobId: edge.toJob, text });
    }
    for (const [jobId, edges] of graph.into) {
      const text = endedWithoutCause(graph, jobId, edges) ?? miscounted(graph, jobId, edges);
      if (text !== undefined) violations.push({ jobId, text });
    }
    violations.push(...unjoined(graph, history));
    return { checked: history.edges.length, violations };
  },
};

interface Graph {
  readonly jobs: ReadonlyMap<string, JobRow>;
  readonly steps: ReadonlyMap<string, readonly EventRow[]>;
  readonly lines: ReadonlyMap<string, readonly WorkLine[]>;
  /** The edges that lead to a job. */
  readonly into: ReadonlyMap<string, readonly EdgeRow[]>;
  readonly cancelledRuns: ReadonlySet<string>;
}

const graphOf = ({ jobs, events, work, edges, runs }: History): Graph => ({
  jobs: new Map(jobs.map((job) => [job.id, job])),
  steps: byJob(events),
  lines: byJob(work),
  into: Map.groupBy(edges, ({ toJob }) => toJob),
  cancelledRuns: new Set(runs.filter(({ isCancelled }) => isCancelled).map(({ id }) => id)),
});

const stepsOf = ({ steps }: Graph, jobId: string): readonly EventRow[] => steps.get(jobId) ?? [];

function brokenAlong(graph: Graph, edge: EdgeRow): string | undefined {
  const { fromJob, toJob, settled } = edge;
  const parent = stepsOf(graph, fromJob);
  const child = stepsOf(graph, toJob);
  const go = lettingGo(child);
  if (settled) {
    const meanings = meaningsBefore(edge, parent, leaving(child)?.id ?? AT_THE_END);
    if (meanings.size === 0)
      return `has an edge that says that ${fromJob} had ended, and it had not`;
    return go === undefined || meanings.has("met")
      ? undefined
      : `was let go although the end of ${fromJob} before it does not allow it`;
  }
  // Edges from what is fanned out come with it, and may find the join gone.
  if (go === undefined || (parent[0]?.id ?? 0) > go.id) return undefined;
  const end = endBefore(parent, go.id);
  const says = `${edge.condition}${edge.condition === "success" ? `, or ${edge.onFailure}` : ""}`;
  if (end === undefined) return `was let go before the end of ${fromJob} (on ${says})`;
  if (meaningOf(edge, end) !== "met") {
    return `was let go although ${fromJob} ${end} (on ${says})`;
  }
  if (end !== "succeeded" || edge.condition === "failure") return undefined;
  const isEarly = ranTooEarly(graph.lines.get(toJob) ?? [], graph.lines.get(fromJob) ?? []);
  return isEarly ? `ran before the handler had finished of ${fromJob}` : undefined;
}

/** What the ends of a job before an event meant along an edge, apart from nothing. */
const meaningsBefore = (edge: EdgeRow, parent: readonly EventRow[], id: number): Set<Meaning> =>
  new Set(
    parent
      .filter((step) => step.id < id)
      .map(endIn)
      .flatMap((end) => (end === undefined ? [] : meaningOf(edge, end)))
      .filter((meaning) => meaning !== "nothing"),
  );

/** A job that its run cancelled or skipped needs an edge along which that came. */
function endedWithoutCause(
  graph: Graph,
  jobId: string,
  edges: readonly EdgeRow[],
): string | undefined {
  const end = leaving(stepsOf(graph, jobId));
  if (end?.toState !== "cancelled" || end.actor !== "ledger") return undefined;
  const wanted = end.kind === "skipped" ? "skip" : "cancel";
  const has = edges.some((edge) =>
    meaningsBefore(edge, stepsOf(graph, edge.fromJob), end.id).has(wanted),
  );
  return has ? undefined : `was ${end.kind} by its run, and no dependency says so`;
}

/** A blocked job waits for as many conditions as are not met. */
function miscounted(graph: Graph, jobId: string, edges: readonly EdgeRow[]): string | undefined {
  const job = graph.jobs.get(jobId);
  if (job?.baseState !== "blocked" || job.unmet === undefined) return undefined;
  // Nothing is told along the edges of a run that was cancelled.
  if (graph.cancelledRuns.has(job.runId ?? "")) return undefined;
  const waiting = edges.filter((edge) => {
    if (edge.settled) return false;
    const end = endBefore(stepsOf(graph, edge.fromJob), AT_THE_END);
    return end === undefined || meaningOf(edge, end) !== "met";
  }).length;
  return job.unmet === waiting
    ? undefined
    : `waits for ${job.unmet} conditions, of which ${waiting} are not met`;
}

/** What waits for all that a job fans out has an edge from each of it, unless it was gone then. */
function unjoined(graph: Graph, { jobs, intents, edges }: History): Violation[] {
  const parents = new Map(intents.map(({ nonce, fannedBy }) => [nonce, fannedBy]));
  const byWish = new Map(jobs.map((job) => [`${job.runId} ${job.nonce}`, job.id]));
  const joins = Map.groupBy(
    edges.filter(({ includeFanOut, settled }) => includeFanOut && !settled),
    ({ fromJob }) => fromJob,
  );
  const there = new Set(edges.map(({ fromJob, toJob }) => `${fromJob} ${toJob}`));
  return jobs.flatMap(({ id, nonce = "", runId }) => {
    const wish = parents.get(nonce);
    const handler = wish === undefined ? undefined : byWish.get(`${runId} ${wish}`);
    const born = stepsOf(graph, id)[0]?.id ?? 0;
    return (joins.get(handler ?? "") ?? [])
      .filter(({ toJob }) => (leaving(stepsOf(graph, toJob))?.id ?? AT_THE_END) > born)
      .filter(({ toJob }) => !there.has(`${id} ${toJob}`))
      .map(({ toJob }) => ({
        jobId: toJob,
        text: `does not wait for ${id}, which ${handler} made`,
      }));
  });
}

/** By the machine's monotonic clock, which all workers on it share. */
function ranTooEarly(child: readonly WorkLine[], parent: readonly WorkLine[]): boolean {
  const first = earliest(child.filter(({ event }) => event === "started"));
  const ended = earliest(parent.filter(({ event }) => event === "finished"));
  // A worker that is killed in mid-sentence may not have said that it finished.
  return first !== undefined && ended !== undefined && first < ended;
}

function earliest(lines: readonly WorkLine[]): bigint | undefined {
  return lines
    .map(({ monoNs }) => monoNs)
    .reduce<bigint | undefined>(
      (least, ns) => (least === undefined || ns < least ? ns : least),
      undefined,
    );
}
