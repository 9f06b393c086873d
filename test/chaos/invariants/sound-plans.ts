import type { History } from "../history.ts";
import type { PlanHistory } from "../plan-history.ts";
import { AFTER_OTHERS, attempt, edge, events, job, RED, type Step, SUCCESS } from "./sound-rows.ts";

/** What {@link soundPlans} adds to a history. */
export type SoundPlans = PlanHistory &
  Pick<History, "intents" | "jobs" | "attempts" | "events" | "edges">;

const SOURCE = { source: "feed", scope: "deep" } as const;
const SERIES = { tenant: RED, ...SOURCE } as const;

const wish = (id: string) => ({
  nonce: `nonce-${id}`,
  tenant: RED,
  jobType: "chaos.quick",
  content: id,
});

const DEAD: readonly Step[] = [...SUCCESS.slice(0, 3), ["failed", "running", "failed", 1]];
const DIED: Step = ["died", "failed", "dead", 1];
const failed = { outcome: "failed", terminal: true } as const;

/** A job of a run, with a wish of its own name unless told. */
const inRun = (runId: string, id: string, name = id, nonce = `nonce-${name}`) =>
  job(id, { runId, name, nonce });

/** A job of the backfill. */
const ofWindow = (id: string, windowStartMs: number, dead = false) =>
  job(id, {
    ...{ nonce: "nonce-backfill", ...SOURCE, windowStartMs, windowEndMs: windowStartMs + 10 },
    ...(dead ? { baseState: "dead" as const } : {}),
  });

const ticked = (id: string, second: number) =>
  job(id, { nonce: "nonce-clock", nominal: `1970-01-01T00:00:0${second}Z` });

const window = (startMs: number, state: "covered" | "failed", jobId: string) => {
  return { tenant: RED, backfillId: "b-1", startMs, endMs: startMs + 10, state, jobId } as const;
};

const firing = (nominalMs: number, jobId?: string) => ({
  ...{
    tenant: RED,
    schedule: "clock",
    nominalMs,
    firedMs: nominalMs,
    isManual: false,
    missedCount: 0,
  },
  ...(jobId === undefined
    ? { outcome: "skipped" as const }
    : { outcome: "created" as const, jobId }),
});

const run = (id: string, jobCount: number, over: Partial<PlanHistory["runs"][number]> = {}) => ({
  ...{ tenant: RED, id, jobCount, isOpen: false, isBuilding: false, isCancelled: false },
  ...over,
});

const operation = (id: string, kind: string, runId?: string) => ({
  ...{ tenant: RED, id, kind, state: "done" as const, applied: 1, unchanged: 0, refused: 0 },
  ...(runId === undefined ? {} : { runId }),
});

/**
 * In `r-1`, `first` succeeds, `late` is appended after it, `cure` is skipped because `first` did
 * not fail, and `join` waits for what `fan` appends; `r-2` replays `first`; `r-3` was cancelled. A
 * schedule fires at 1 s and 3 s and skips 2 s. A backfill covers two windows of three. `again` was
 * brought back from the dead by an operation.
 */
export function soundPlans(): SoundPlans {
  return { ...soundJobs(), ...soundLedger() };
}

function soundJobs(): Pick<SoundPlans, "intents" | "jobs" | "attempts" | "events" | "edges"> {
  const fanned = { ...wish("fanned"), fannedBy: "nonce-fan" };
  const names = ["first", "late", "cure", "fan", "join"];
  const jobs = [
    ...names.map((name) => inRun("r-1", name)),
    inRun("r-1", "fanned"),
    inRun("r-2", "first-2", "first"),
    { ...inRun("r-3", "gone"), baseState: "cancelled" as const },
    ticked("tick-1", 1),
    ticked("tick-3", 3),
    ...[ofWindow("w-0", 0), ofWindow("w-1", 10), ofWindow("w-2", 20, true)],
    job("again"),
  ].map((one) =>
    one.id === "cure" ? { ...one, baseState: "cancelled" as const, skipped: true } : one,
  );
  const succeeded = ["first", "late", "fan", "fanned", "join", "first-2", "tick-1", "tick-3"];
  return {
    intents: [
      ...[...names, "gone", "again"].map(wish),
      fanned,
      { ...wish("clock"), madeBy: "schedule" },
      { ...wish("backfill"), madeBy: "backfill" },
    ],
    jobs,
    attempts: [
      ...[...succeeded, "w-0", "w-1"].map((id) => attempt(id)),
      attempt("w-2", failed),
      attempt("again", failed),
      attempt("again", { attempt: 2 }),
    ],
    events: soundEvents(),
    edges: [
      edge("first", "late", { settled: true }),
      edge("first", "cure", { condition: "failure" }),
      edge("fan", "join", { includeFanOut: true }),
      edge("fanned", "join", { includeFanOut: true }),
    ],
  };
}

/** In the order of their ids. */
function soundEvents(): SoundPlans["events"] {
  return [
    ...events("first", SUCCESS),
    ...events("cure", [
      ["enqueued", undefined, "blocked", 0],
      ["skipped", "blocked", "cancelled", 0],
    ]).map((step) => ({ ...step, actor: "ledger" })),
    ...events("late", SUCCESS),
    ...events("fan", SUCCESS.slice(0, 3)),
    ...events("fanned", SUCCESS),
    ...events("fan", SUCCESS.slice(3)),
    ...events("join", AFTER_OTHERS),
    ...events("first-2", AFTER_OTHERS),
    ...events("gone", [SUCCESS[0] as Step, ["cancelled", "ready", "cancelled", 0]]),
    ...["tick-1", "tick-3", "w-0", "w-1"].flatMap((id) => events(id, SUCCESS)),
    ...events("w-2", [...DEAD, DIED]),
    ...events("again", [...DEAD, DIED, ["retried", "dead", "ready", 1]]),
    ...events(
      "again",
      SUCCESS.slice(1).map(([kind, from, to]): Step => [kind, from, to, 2]),
    ),
  ];
}

function soundLedger(): PlanHistory {
  const grant = (what: PlanHistory["grants"][number]["what"], id: string) => {
    return { tenant: RED, what, id, atMs: 9_000 };
  };
  return {
    grants: [
      ...[grant("run", "r-1"), grant("cancelled run", "r-3"), grant("backfill", "b-1")],
      ...[grant("operation", "o-1"), grant("schedule", "clock")],
    ],
    schedules: [{ tenant: RED, name: "clock", everyMs: 1_000, overlap: "skip" }],
    watermarks: [0, 10, 20].map((watermarkMs) => ({ ...SERIES, atMs: watermarkMs, watermarkMs })),
    runs: [run("r-1", 6), run("r-2", 1, { replayOf: "r-1" }), run("r-3", 1, { isCancelled: true })],
    firings: [firing(1_000, "tick-1"), firing(2_000), firing(3_000, "tick-3")],
    actions: [
      { tenant: RED, kind: "schedule_created", target: "clock", atMs: 500 },
      { tenant: RED, kind: "schedule_deleted", target: "clock", atMs: 3_500 },
    ],
    series: [{ ...SERIES, widthMs: 10, latenessMs: 0, originMs: 0, watermarkMs: 20 }],
    coverage: [{ ...SERIES, startMs: 0, endMs: 20 }],
    backfills: [
      {
        ...{ ...SERIES, id: "b-1", wish: "nonce-backfill", startMs: 0, endMs: 30 },
        ...{ createdMs: 1_000, state: "failed", maxParallel: 2, repeatCovered: false },
        ...{ windows: 3, covered: 2, shared: 0, failed: 1 },
      },
    ],
    backfillWindows: [
      ...[window(0, "covered", "w-0"), window(10, "covered", "w-1"), window(20, "failed", "w-2")],
    ],
    operations: [operation("o-1", "retry"), operation("o-2", "cancel_run", "r-3")],
    operationResults: [
      { tenant: RED, operationId: "o-1", jobId: "again", outcome: "applied" },
      { tenant: RED, operationId: "o-2", jobId: "gone", outcome: "applied" },
    ],
    letters: [{ tenant: RED, jobId: "w-2" }],
  };
}
