import { positionsOf, type ReplaySelection } from "../app/runs/replay-run.ts";
import { type EdgeEffect, edgeEffect } from "../domain/graph.ts";
import { newId } from "../lib/ids.ts";
import { type Aftermath, aftermathOf, mergeLanes } from "./aftermath.ts";
import { countDown, endDependants } from "./cascade.sql.ts";
import { tellDependants } from "./cascade.ts";
import type { OperationResult, OperationStep, StepAnswer } from "./operation-steps.ts";
import { growRun, insertEdges, lockRun } from "./run.sql.ts";
import { lockForEdges } from "./run-append.sql.ts";
import {
  addToCounts,
  copyJobs,
  EDGES_AT_ONCE,
  finishBuilding,
  inheritReused,
  insertReused,
  jobsAtPositions,
  jobsBetween,
  type ReplayEdgeRow,
  type ReplayJobRow,
  readReplayEdges,
} from "./run-replay.sql.ts";
import { FIRST_ID } from "./run-replay.ts";
import type { Transaction } from "./transaction.ts";

/** Jobs of one step. */
const STEP = 500;

/** How far a replay came. Each phase ends when it finds nothing more. */
type Progress =
  /** So many of the selected jobs are copied. */
  | { readonly phase: "jobs"; readonly at: number }
  /** So many of the reused ones are noted. */
  | { readonly phase: "reused"; readonly at: number }
  /** What the first run reused is taken over up to this job. */
  | { readonly phase: "inherited"; readonly after: string }
  /** The edges to so many of the new jobs are written, and those to the next up to this parent. */
  | { readonly phase: "edges"; readonly at: number; readonly after: string }
  /** So many of the new jobs are no longer held back. */
  | { readonly phase: "release"; readonly at: number };

interface Replay {
  readonly tenant: string;
  readonly runId: string;
  readonly source: string;
  /** What runs again and what is reused, by positions in the source. */
  readonly running: readonly number[];
  readonly reused: readonly number[];
}

/** What a phase did, and where to go on; undefined: nowhere. */
interface PhaseAnswer {
  readonly next: Progress | undefined;
  readonly results?: readonly OperationResult[];
  readonly after?: Aftermath;
}

/**
 * Writes the next part of a replay: first all jobs, each held back, then their edges, and then it
 * lets go of the jobs; so none starts before everything that it waits for is there. A run that is
 * cancelled meanwhile is left as it is: the cancellation looks after the jobs that it has.
 */
export const replayRunStep = (): OperationStep => async (tx, operation) => {
  const { tenant, run_id: runId } = operation;
  if (runId === null) throw new Error("an operation that replays a run has no run");
  const selection = operation.request as ReplaySelection;
  const replay = { tenant, runId, source: selection.source, ...positionsOf(selection) };
  const [run] = await tx.run(lockRun, tenant, runId);
  if (run === undefined || run.cancelled || !run.building) return answerOf(tenant, DONE);
  const progress = (operation.progress as Partial<Progress>).phase
    ? (operation.progress as Progress)
    : ({ phase: "jobs", at: 0 } as const);
  const answer = await doPhase(tx, replay, progress);
  if (answer.next === undefined) await tx.run(finishBuilding, tenant, runId);
  return answerOf(tenant, answer);
};

const DONE: PhaseAnswer = { next: undefined };

const answerOf = (tenant: string, { next, results = [], after }: PhaseAnswer): StepAnswer => ({
  ...(after ?? aftermathOf([tenant], [])),
  results,
  stops: [],
  progress: next ?? {},
  done: next === undefined,
});

function doPhase(tx: Transaction, replay: Replay, progress: Progress): Promise<PhaseAnswer> {
  switch (progress.phase) {
    case "jobs":
      return copyNextJobs(tx, replay, progress.at);
    case "reused":
      return noteReused(tx, replay, progress.at);
    case "inherited":
      return takeOverReused(tx, replay, progress.after);
    case "edges":
      return copyNextEdges(tx, replay, progress.at, progress.after);
    case "release":
      return release(tx, replay, progress.at);
  }
}

async function copyNextJobs(tx: Transaction, replay: Replay, at: number): Promise<PhaseAnswer> {
  const { tenant, runId, source, running } = replay;
  const positions = running.slice(at, at + STEP);
  if (positions.length === 0) return { next: { phase: "reused", at: 0 } };
  const ids = positions.map(() => newId());
  const copied = await tx.run(copyJobs, tenant, source, positions, ids, runId, at);
  // A finished run keeps its jobs until retention takes all of it, and replays of it must wait.
  if (copied.length < ids.length) throw new Error("jobs of a run that is replayed are gone");
  await tx.run(growRun, tenant, runId, ids.length, false);
  const results = ids.map((jobId): OperationResult => {
    return { jobId, outcome: "applied", reason: "", state: "blocked" };
  });
  return { next: { phase: "jobs", at: at + positions.length }, results };
}

async function noteReused(tx: Transaction, replay: Replay, at: number): Promise<PhaseAnswer> {
  const { tenant, runId, source, reused } = replay;
  const positions = reused.slice(at, at + STEP);
  if (positions.length === 0) return { next: { phase: "inherited", after: FIRST_ID } };
  await tx.run(insertReused, tenant, source, positions, runId);
  return { next: { phase: "reused", at: at + positions.length } };
}

async function takeOverReused(tx: Transaction, replay: Replay, after: string) {
  const { tenant, runId, source } = replay;
  const [page] = await tx.run(inheritReused, tenant, runId, source, after);
  const last = page?.last ?? undefined;
  const next: Progress =
    last === undefined
      ? { phase: "edges", at: 0, after: FIRST_ID }
      : { phase: "inherited", after: last };
  return { next };
}

async function copyNextEdges(
  tx: Transaction,
  replay: Replay,
  at: number,
  after: string,
): Promise<PhaseAnswer> {
  const { tenant, runId, source, running } = replay;
  const positions = running.slice(at, at + STEP);
  if (positions.length === 0) return { next: { phase: "release", at: 0 } };
  const page = await tx.run(readReplayEdges, tenant, source, positions, after);
  const last = page.length < EDGES_AT_ONCE ? undefined : page.at(-1);
  const next: Progress =
    last === undefined
      ? { phase: "edges", at: at + positions.length, after: FIRST_ID }
      : { phase: "edges", at: at + positions.indexOf(last.to_position), after: last.from_job };
  const placeOf = new Int32Array((running.at(-1) ?? 0) + 1);
  running.forEach((position, index) => {
    placeOf[position] = index + 1;
  });
  const edges = page.flatMap((edge) => {
    const [from = 0, to = 0] = [placeOf[edge.from_position], placeOf[edge.to_position]];
    return from > 0 && to > 0 ? [{ edge, from, to }] : [];
  });
  if (edges.length === 0) return { next };
  const parents = await lockAt(tx, replay, [...new Set(edges.map(({ from }) => from))]);
  const between = await tx.run(jobsBetween, tenant, runId, at, at + positions.length);
  const children = new Map(between.map((row) => [row.run_position, row.job_id]));
  const rows = edges.map(({ edge, from, to }) => ({
    edge,
    from: parents.get(from) as ReplayJobRow,
    toId: children.get(to) as string,
  }));
  return { next, after: await writeEdges(tx, tenant, runId, rows) };
}

async function writeEdges(
  tx: Transaction,
  tenant: string,
  runId: string,
  rows: readonly { edge: ReplayEdgeRow; from: ReplayJobRow; toId: string }[],
): Promise<Aftermath> {
  const effects = rows.map(({ edge, from }): EdgeEffect => {
    // Somebody may have cancelled a new job already; nothing else can have happened to it.
    if (from.state !== "cancelled") return "none";
    const policy = { condition: edge.condition, onFailure: edge.on_failure };
    return edgeEffect(policy, from.skipped ? "skipped" : "failed");
  });
  await tx.run(
    insertEdges,
    tenant,
    runId,
    rows.map(({ from }) => from.job_id),
    rows.map(({ toId }) => toId),
    rows.map(({ edge }) => edge.condition),
    rows.map(({ edge }) => edge.on_failure),
    rows.map(({ edge }) => edge.include_fan_out),
    effects.map((effect) => effect !== "none"),
  );
  const counts = new Map<string, number>();
  const doomed = new Map<string, boolean>();
  rows.forEach(({ toId }, index) => {
    const effect = effects[index];
    if (effect === "none") counts.set(toId, (counts.get(toId) ?? 0) + 1);
    if (effect === "cancel" || effect === "skip") {
      doomed.set(toId, effect === "skip" && (doomed.get(toId) ?? true));
    }
  });
  if (counts.size > 0) {
    await tx.run(addToCounts, tenant, [...counts.keys()], [...counts.values()]);
  }
  if (doomed.size === 0) return aftermathOf([tenant], []);
  const ids = [...doomed.keys()];
  const tenants = ids.map(() => tenant);
  const ended = await tx.run(endDependants, tenants, ids, [...doomed.values()]);
  const letGo = await tellDependants(
    tx,
    ended.map(({ job_id: jobId, skipped }) => {
      return { tenant, jobId, outcome: skipped ? "skipped" : "failed" };
    }),
  );
  const { moved, scheduled, cascading } = letGo;
  return aftermathOf([tenant], mergeLanes(moved), scheduled, cascading);
}

/** The new jobs at positions. */
async function at(tx: Transaction, { tenant, runId }: Replay, positions: number[]) {
  const rows = await tx.run(jobsAtPositions, tenant, runId, positions);
  return new Map(rows.map((row) => [row.run_position, row]));
}

/** The same, locked, and then read again: what ended before is seen, and what ends waits. */
async function lockAt(tx: Transaction, replay: Replay, positions: number[]) {
  const found = await at(tx, replay, positions);
  const ids = [...found.values()].map((row) => row.job_id);
  await tx.run(lockForEdges, replay.tenant, ids);
  return await at(tx, replay, positions);
}

async function release(tx: Transaction, replay: Replay, at: number): Promise<PhaseAnswer> {
  const { tenant, runId, running } = replay;
  if (at >= running.length) return DONE;
  const jobs = await tx.run(jobsBetween, tenant, runId, at, at + STEP);
  const tenants = jobs.map(() => tenant);
  const ids = jobs.map((job) => job.job_id);
  const ones = jobs.map(() => 1);
  const moved = await tx.run(countDown, tenants, ids, ones);
  const scheduled = moved.some((row) => row.seq === null);
  return {
    next: { phase: "release", at: at + STEP },
    after: aftermathOf([tenant], mergeLanes(moved), scheduled),
  };
}
