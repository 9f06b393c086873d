import { setTimeout as pause } from "node:timers/promises";
import {
  type Job,
  type Orchestrator,
  OrchestratorError,
  type RunDetail,
} from "@stellaops/orchestrator";
import { compareText } from "./component.ts";
import { type Board, bucketOf, type Counts, noCounts } from "./display/board.ts";
import type { ProgressDisplay } from "./display/progress.ts";
import { DISCOVER_JOB_NAME } from "./handlers/discover.ts";
import { MERGE_JOB_NAME } from "./handlers/merge.ts";

const CANCEL_TIMEOUT_MS = 3_000;
const COUNT_INTERVAL_MS = 1_000;
// As many rows as the display has room for, and a few.
const MOST_SAMPLED = 20;
const SAMPLED_STATES = ["offered", "running", "dead"] as const;
// A log line for each twentieth of a large run.
const STEPS = 20;

/** Where a run is followed from, and where it is shown. */
export interface Following {
  /** The client. */
  readonly orchestrator: Orchestrator;
  /** The run. */
  readonly runId: string;
  /** What is known of its jobs. */
  readonly board: Board;
  /** Shows them. */
  readonly display: ProgressDisplay;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/**
 * Follows the run until every job is in a terminal state; returns its jobs as they ended, the
 * discovery first and the merge last. Throws the signal's reason.
 */
export async function followRun(following: Following): Promise<readonly Job[]> {
  const { orchestrator, runId, signal } = following;
  try {
    await watchRun(following);
  } catch (error) {
    // A watch is for runs of up to 1,000 jobs, and nobody knows before how many there will be.
    if (!(error instanceof OrchestratorError) || error.reason !== "RUN_TOO_LARGE") throw error;
    await countRun(following);
  }
  signal.throwIfAborted();
  const { isTruncated, jobs } = await orchestrator.getRun(runId, { signal });
  if (!isTruncated) return inOrder(jobs);
  const all: Job[] = [];
  for await (const job of orchestrator.listJobs({ runId }, { signal })) all.push(job);
  return inOrder(all);
}

async function watchRun({ orchestrator, runId, board, display, signal }: Following) {
  for await (const job of orchestrator.watchJobs({ runId }, { signal })) {
    const before = board.update(job);
    display.changed(job, before);
    const isFannedOut = job.name === DISCOVER_JOB_NAME && job.state === "succeeded";
    if (!isFannedOut || before?.state === "succeeded") continue;
    const { counts } = await orchestrator.getRun(runId, { signal });
    display.tell(`${sum(countsOf({ counts }))} jobs in the run`);
  }
}

async function countRun({ orchestrator, runId, board, display, signal }: Following) {
  display.tell("the run is too large to show every job: counting from now on");
  for (let told = 0; ; await pause(COUNT_INTERVAL_MS, undefined, { signal })) {
    const run = await orchestrator.getRun(runId, { signal });
    const counts = countsOf(run);
    const sample: Job[] = [];
    const filter = { runId, states: SAMPLED_STATES };
    for await (const job of orchestrator.listJobs(filter, { signal }))
      if (sample.push(job) === MOST_SAMPLED) break;
    board.count(counts, sample);
    const all = sum(counts);
    const done = all - counts.running - counts.waiting;
    const step = Math.floor((done / all) * STEPS);
    if (step > told) display.say(`${done} of ${all} jobs done`);
    told = Math.max(step, told);
    if (run.state !== "active") return;
  }
}

function countsOf(run: Pick<RunDetail, "counts">): Counts {
  const counts = noCounts();
  for (const [state, count] of Object.entries(run.counts))
    counts[bucketOf(state as Job["state"])] += count;
  return counts;
}

function sum(counts: Counts): number {
  return Object.values(counts).reduce((all, count) => all + count, 0);
}

function inOrder(jobs: readonly Job[]): readonly Job[] {
  const rank = ({ name }: Job) =>
    name === DISCOVER_JOB_NAME ? 0 : name === MERGE_JOB_NAME ? 2 : 1;
  return jobs.toSorted((a, b) => rank(a) - rank(b) || compareText(a.name, b.name));
}

/** Cancels what is unfinished, so that a stopped demo leaves no job waiting for nobody. */
export async function cancelRun(orchestrator: Orchestrator, runId: string): Promise<void> {
  try {
    await orchestrator.runs.cancel(runId, {
      reason: "the demo was stopped",
      graceMs: 0,
      timeoutMs: CANCEL_TIMEOUT_MS,
    });
  } catch {
    // The server may be what broke; the jobs wait in a queue that nobody else reads.
  }
}
