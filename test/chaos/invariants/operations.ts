import type { History } from "../history.ts";
import type { OperationResultRow, OperationRow } from "../plan-history.ts";
import { byJob, type Invariant, type Violation } from "./invariant.ts";
import { endIn } from "./steps.ts";

/** The event by which a job shows that a kind of operation was applied to it. */
const TRACE: Readonly<Record<string, string>> = {
  retry: "retried",
  discard: "discarded",
  reprioritise: "updated",
  extend_deadline: "updated",
};

/**
 * Beyond the list: an operation looks at each job once, counts right, and did what it says; a run
 * that was cancelled has nothing left that could start, and gets nothing more.
 */
export const operationsCount: Invariant = {
  number: "–",
  title: "operations do what they say, each job once",
  check(history) {
    const results = Map.groupBy(history.operationResults, ({ operationId }) => operationId);
    const violations = [
      ...history.operations.flatMap((operation) => {
        const own = results.get(operation.id) ?? [];
        const text = wrongSum(operation, own) ?? leftOut(operation, own, history);
        return text === undefined ? [] : [{ text: `${operation.kind} ${operation.id} ${text}` }];
      }),
      ...untraced(history),
      ...lateToRuns(history),
    ];
    return { checked: history.operations.length, violations };
  },
};

function wrongSum(
  { state, applied, unchanged, refused }: OperationRow,
  own: readonly OperationResultRow[],
): string | undefined {
  if (state === "running") return "is still running";
  if (new Set(own.map(({ jobId }) => jobId)).size < own.length) return "has a job twice";
  const counted = { applied, unchanged, refused };
  for (const outcome of ["applied", "unchanged", "refused"] as const) {
    const count = own.filter((result) => result.outcome === outcome).length;
    if (count !== counted[outcome]) return `says ${counted[outcome]} ${outcome}, and has ${count}`;
  }
  return undefined;
}

function leftOut(
  { kind, runId }: OperationRow,
  own: readonly OperationResultRow[],
  { jobs, runs }: History,
): string | undefined {
  if (kind === "replay_run" && runs.some(({ id, isBuilding }) => id === runId && isBuilding)) {
    return "has ended, and its run is still being written";
  }
  if (kind !== "cancel_run") return undefined;
  const seen = new Set(own.map(({ jobId }) => jobId));
  const missing = jobs.find((job) => job.runId === runId && !seen.has(job.id));
  return missing && `left out ${missing.id}`;
}

/** Each time that an operation changed a job must show in the job's history. */
function untraced({ operations, operationResults, events, jobs }: History): Violation[] {
  const kinds = new Map(operations.map(({ id, kind }) => [id, kind]));
  const steps = byJob(events);
  const asked = new Map<string, number>();
  const ended = new Set<string>();
  for (const { operationId, jobId, outcome } of operationResults) {
    const kind = kinds.get(operationId) ?? "";
    if (outcome !== "applied") continue;
    if (kind === "cancel" || kind === "cancel_run") ended.add(jobId);
    const trace = TRACE[kind];
    if (trace === undefined) continue;
    const key = `${trace} ${jobId}`;
    asked.set(key, (asked.get(key) ?? 0) + 1);
  }
  const untouched = [...asked].flatMap(([key, times]) => {
    const [trace = "", jobId = ""] = key.split(" ");
    const shown = (steps.get(jobId) ?? []).filter(({ kind }) => kind === trace).length;
    const text = `was ${trace} ${shown} times, and operations say ${times}`;
    return shown >= times ? [] : [{ jobId, text }];
  });
  const alive = jobs
    .filter(({ id }) => ended.has(id))
    .filter(({ id }) => !(steps.get(id) ?? []).some((step) => endIn(step) !== undefined))
    .map(({ id }) => ({ jobId: id, text: "an operation cancelled it, and it has not ended" }));
  return [...untouched, ...alive];
}

/** Jobs that came to a run after somebody had been told that it is cancelled. */
function lateToRuns({ grants, jobs, events }: History): Violation[] {
  const told = new Map(
    grants.filter(({ what }) => what === "cancelled run").map(({ id, atMs }) => [id, atMs]),
  );
  const born = new Map(
    events.filter(({ kind }) => kind === "enqueued").map(({ jobId, atMs }) => [jobId, atMs]),
  );
  return jobs.flatMap(({ id, runId = "" }) => {
    const lateMs = (born.get(id) ?? 0) - (told.get(runId) ?? Number.POSITIVE_INFINITY);
    // The producer's clock counts whole milliseconds.
    return lateMs <= 1
      ? []
      : [{ jobId: id, text: `came ${lateMs} ms after its run was cancelled` }];
  });
}
