import { describe, expect, it } from "vitest";
import type { History } from "../history.ts";
import { acknowledgedIsStored } from "./acknowledged.ts";
import { nothingLost } from "./conservation.ts";
import { dependenciesFirst } from "./dependencies.ts";
import { firesOnce } from "./firings.ts";
import type { Invariant } from "./invariant.ts";
import { operationsCount } from "./operations.ts";
import { noPhantoms } from "./phantoms.ts";
import { soundHistory } from "./sound-history.ts";
import { AFTER_OTHERS, attempt, edge, events, job, RED, SUCCESS } from "./sound-rows.ts";
import { windowsCoveredOnce } from "./windows.ts";

const sound = soundHistory();

const changed = <Row extends object>(
  rows: readonly Row[],
  isMeant: (row: Row) => boolean,
  change: Partial<Row>,
): Row[] => rows.map((row) => (isMeant(row) ? { ...row, ...change } : row));

const eventsWithout = (jobId: string) => sound.events.filter((step) => step.jobId !== jobId);
/** Of a job only its first steps. */
const eventsAfter = (jobId: string, count: number) => {
  const first = new Set(sound.events.filter((step) => step.jobId === jobId).slice(0, count));
  return sound.events.filter((step) => step.jobId !== jobId || first.has(step));
};
const isEdge = (from: string, to: string) => (row: History["edges"][number]) =>
  row.fromJob === from && row.toJob === to;
const isJob = (id: string) => (row: { readonly id: string }) => row.id === id;
const [backfill] = sound.backfills;
const [series] = sound.series;
if (backfill === undefined || series === undefined) throw new Error("a sound history has both");

/** The job of another backfill for the first window, made when the first one's had succeeded. */
const secondBackfill = (repeatCovered: boolean): Partial<History> => ({
  backfills: [
    ...sound.backfills,
    {
      ...{ ...backfill, id: "b-2", wish: "nonce-second", endMs: 10, repeatCovered },
      ...{ state: "succeeded", windows: 1, covered: 1, failed: 0 },
    },
  ],
  backfillWindows: [
    ...sound.backfillWindows,
    {
      ...{ tenant: RED, backfillId: "b-2", startMs: 0, endMs: 10 },
      ...{ state: "covered", jobId: "v-0" },
    },
  ],
  jobs: [...sound.jobs, job("v-0", { ...windowOf(0), nonce: "nonce-second" })],
  attempts: [...sound.attempts, attempt("v-0")],
  events: [...sound.events, ...events("v-0", SUCCESS)],
});

const windowOf = (windowStartMs: number) => ({
  ...{ source: series.source, scope: series.scope, windowStartMs },
  windowEndMs: windowStartMs + 10,
});

type Broken = readonly [invariant: Invariant, what: string, change: Partial<History>];

/** A job that came to the replay `r-2` alone: what appends it came to nothing before. */
const appendedAgain = (fannedBy: string): Partial<History> => ({
  intents: [
    ...sound.intents,
    { nonce: "nonce-x", tenant: RED, jobType: "chaos.work", content: "x", fannedBy },
  ],
  jobs: [...sound.jobs, job("x", { nonce: "nonce-x", runId: "r-2", name: "x" })],
});

/** The firing at 2,000 says that it found no window, of a series whose first is due then or not. */
const withoutWindow = (firstDueMs: number): Partial<History> => ({
  firings: changed(sound.firings, ({ nominalMs }) => nominalMs === 2_000, {
    ...{
      outcome: "failed",
      error: `NO_WINDOW_DUE: source=${series.source}; scope=${series.scope}`,
    },
  }),
  series: [{ ...series, originMs: firstDueMs - series.widthMs - 5, latenessMs: 5 }],
});

const BROKEN: readonly Broken[] = [
  [acknowledgedIsStored, "a run that was answered is gone", { runs: sound.runs.slice(1) }],
  [
    acknowledgedIsStored,
    "a run that was cancelled is not",
    { runs: changed(sound.runs, isJob("r-3"), { isCancelled: false }) },
  ],
  [acknowledgedIsStored, "an operation that was answered is gone", { operations: [] }],
  [acknowledgedIsStored, "a backfill that was answered is gone", { backfills: [] }],
  [acknowledgedIsStored, "a schedule that was answered never was", { actions: [] }],
  [noPhantoms, "a job of a schedule without a firing", { firings: sound.firings.slice(1) }],
  [
    noPhantoms,
    "two jobs of one firing",
    { firings: changed(sound.firings, () => true, { nominalMs: 1_000 }) },
  ],
  [
    noPhantoms,
    "a job of a backfill without a window",
    { backfillWindows: sound.backfillWindows.slice(1) },
  ],
  [
    noPhantoms,
    "a job twice in a replay",
    { jobs: [...sound.jobs, job("x", { nonce: "nonce-first", runId: "r-2", name: "first" })] },
  ],
  [
    noPhantoms,
    "a replay of what another run has",
    { runs: changed(sound.runs, isJob("r-2"), { replayOf: "r-3" }) },
  ],
  [noPhantoms, "an appended job in a replay without what appends it", appendedAgain("nonce-fan")],
  [
    nothingLost,
    "a run with fewer jobs than it says",
    { runs: changed(sound.runs, isJob("r-1"), { jobCount: 7 }) },
  ],
  [nothingLost, "a dead job without a letter", { letters: sound.letters.slice(1) }],
  [
    nothingLost,
    "a letter of a job that succeeded",
    { letters: [...sound.letters, { tenant: RED, jobId: "again" }] },
  ],
  [
    dependenciesFirst,
    "a success that lets go what waits for a failure",
    { edges: [...sound.edges, edge("first", "join", { condition: "failure" })] },
  ],
  [
    dependenciesFirst,
    "a death that lets go what waits for a success",
    { edges: [...sound.edges, edge("w-2", "again")] },
  ],
  [
    dependenciesFirst,
    "what goes on whatever happens, before anything did",
    {
      events: [...eventsAfter("late", 3), ...events("late", SUCCESS.slice(3))],
      edges: [edge("late", "join", { condition: "completion" })],
    },
  ],
  [
    dependenciesFirst,
    "an edge that is settled by an end that never was",
    { events: [...eventsWithout("first"), ...events("first", SUCCESS)] },
  ],
  [
    dependenciesFirst,
    "an edge that is settled by an end that does not let go",
    { edges: changed(sound.edges, isEdge("first", "late"), { condition: "failure" }) },
  ],
  [
    dependenciesFirst,
    "a job that was skipped without a cause",
    { edges: changed(sound.edges, isEdge("first", "cure"), { condition: "completion" }) },
  ],
  [
    dependenciesFirst,
    "a join that does not wait for what was fanned out",
    { edges: sound.edges.filter((row) => row.fromJob !== "fanned") },
  ],
  [
    dependenciesFirst,
    "a blocked job that waits for nothing",
    {
      jobs: changed(sound.jobs, isJob("join"), { baseState: "blocked", unmet: 1 }),
      events: [...eventsWithout("join"), ...events("join", AFTER_OTHERS.slice(0, 1))],
    },
  ],
  [windowsCoveredOnce, "a watermark over a gap", { series: [{ ...series, watermarkMs: 30 }] }],
  [windowsCoveredOnce, "a watermark that lags", { series: [{ ...series, watermarkMs: 10 }] }],
  [windowsCoveredOnce, "a watermark that went back", { watermarks: sound.watermarks.toReversed() }],
  [windowsCoveredOnce, "coverage without a success", { attempts: [] }],
  [windowsCoveredOnce, "a success without coverage", { coverage: [] }],
  [
    windowsCoveredOnce,
    "an attempt that began too early to cover",
    { series: [{ ...series, latenessMs: 1_995 }] },
  ],
  [
    windowsCoveredOnce,
    "a window that nobody covered",
    {
      attempts: sound.attempts.filter(({ jobId }) => jobId !== "w-1"),
      coverage: changed(sound.coverage, () => true, { endMs: 10 }),
      series: [{ ...series, watermarkMs: 10 }],
    },
  ],
  [
    windowsCoveredOnce,
    "a failed window whose job covered it",
    {
      attempts: [...sound.attempts, attempt("w-2", { attempt: 2 })],
      coverage: changed(sound.coverage, () => true, { endMs: 30 }),
      series: [{ ...series, watermarkMs: 30 }],
    },
  ],
  [windowsCoveredOnce, "counts that are wrong", { backfills: [{ ...backfill, covered: 3 }] }],
  [windowsCoveredOnce, "a wrong end", { backfills: [{ ...backfill, state: "succeeded" }] }],
  [
    windowsCoveredOnce,
    "a window without a row",
    { backfills: [{ ...backfill, endMs: 40, windows: 4 }] },
  ],
  [
    windowsCoveredOnce,
    "a window that is open after the end",
    {
      backfillWindows: changed(sound.backfillWindows, ({ state }) => state === "failed", {
        state: "waiting",
      }),
    },
  ],
  [
    windowsCoveredOnce,
    "a job for no window",
    { jobs: changed(sound.jobs, isJob("w-1"), { windowStartMs: 20, windowEndMs: 30 }) },
  ],
  [windowsCoveredOnce, "a second job for a window that is covered", secondBackfill(false)],
  [
    windowsCoveredOnce,
    "a second job beside an unfinished one",
    {
      ...secondBackfill(true),
      events: [
        ...eventsWithout("w-0"),
        ...events("w-0", SUCCESS.slice(0, 3)),
        ...events("v-0", SUCCESS),
        ...events("w-0", SUCCESS.slice(3)),
      ],
    },
  ],
  [
    windowsCoveredOnce,
    "more jobs at once than allowed",
    {
      backfills: [{ ...backfill, maxParallel: 1 }],
      events: [
        ...sound.events.filter(({ jobId }) => jobId !== "w-0" && jobId !== "w-1"),
        ...events("w-0", SUCCESS.slice(0, 1)),
        ...events("w-1", SUCCESS),
        ...events("w-0", SUCCESS.slice(1)),
      ],
    },
  ],
  [
    firesOnce,
    "a firing that is left out",
    { firings: sound.firings.filter(({ nominalMs }) => nominalMs !== 2_000) },
  ],
  [
    firesOnce,
    "a missed one that stands for too many",
    {
      firings: changed(sound.firings, ({ nominalMs }) => nominalMs === 2_000, { missedCount: 2 }),
    },
  ],
  [
    firesOnce,
    "a missed one that was not late",
    {
      firings: changed(sound.firings, ({ nominalMs }) => nominalMs === 2_000, {
        ...{ outcome: "missed", missedCount: 1 },
      }),
    },
  ],
  [
    firesOnce,
    "a moment that is none of its times",
    {
      firings: changed(sound.firings, ({ nominalMs }) => nominalMs === 3_000, { nominalMs: 3_001 }),
    },
  ],
  [
    firesOnce,
    "a schedule that stops",
    {
      actions: changed(sound.actions, ({ kind }) => kind === "schedule_deleted", {
        atMs: 60_000,
      }),
    },
  ],
  [
    firesOnce,
    "a job for another moment",
    { jobs: changed(sound.jobs, isJob("tick-3"), { nominal: "1970-01-01T00:00:02Z" }) },
  ],
  [firesOnce, "a job that is gone", { jobs: sound.jobs.filter(({ id }) => id !== "tick-1") }],
  [
    firesOnce,
    "a firing that failed",
    {
      firings: changed(sound.firings, ({ nominalMs }) => nominalMs === 2_000, {
        outcome: "failed",
      }),
    },
  ],
  [firesOnce, "a firing that did not see its window", withoutWindow(2_000)],
  [
    firesOnce,
    "a firing beside the one before",
    {
      events: [
        ...sound.events.filter(({ jobId }) => jobId !== "tick-1" && jobId !== "tick-3"),
        ...events("tick-1", SUCCESS.slice(0, 3)),
        ...events("tick-3", SUCCESS),
        ...events("tick-1", SUCCESS.slice(3)),
      ],
    },
  ],
  [
    operationsCount,
    "an operation that goes on",
    { operations: changed(sound.operations, isJob("o-1"), { state: "running" }) },
  ],
  [
    operationsCount,
    "counts that are wrong",
    { operations: changed(sound.operations, isJob("o-1"), { applied: 2 }) },
  ],
  [
    operationsCount,
    "a job of a cancelled run that was left out",
    { jobs: changed(sound.jobs, isJob("again"), { runId: "r-3" }) },
  ],
  [
    operationsCount,
    "a job twice",
    {
      operations: changed(sound.operations, isJob("o-1"), { applied: 2 }),
      operationResults: [...sound.operationResults, ...sound.operationResults.slice(0, 1)],
    },
  ],
  [
    operationsCount,
    "a retry that never was",
    { events: sound.events.filter(({ kind }) => kind !== "retried") },
  ],
  [
    operationsCount,
    "a cancelled job that did not end",
    { events: sound.events.filter(({ kind }) => kind !== "cancelled") },
  ],
  [
    operationsCount,
    "a job that comes to a cancelled run",
    { grants: sound.grants.map((grant) => ({ ...grant, atMs: 100 })) },
  ],
];

describe("a broken history of plans", () => {
  const named = BROKEN.map(([invariant, what, change]) => ({ invariant, what, change }));
  it.each(named)("$invariant.title: $what", ({ invariant, change }) => {
    expect(invariant.check({ ...sound, ...change }).violations).not.toEqual([]);
  });
});

// What looks like a violation and is none.
const SOUND: readonly Broken[] = [
  [firesOnce, "a firing before the first window was due", withoutWindow(2_001)],
  [
    dependenciesFirst,
    "a parent that was retried after it let go",
    {
      edges: [...sound.edges, edge("again", "tick-1", { condition: "completion" })],
      events: [
        ...sound.events.filter(({ jobId }) => jobId !== "again" && jobId !== "tick-1"),
        ...sound.events
          .filter(({ jobId, kind }) => jobId === "again" && kind !== "retried")
          .slice(0, 5),
        ...events("tick-1", AFTER_OTHERS.slice(0, 2)),
        ...events("again", [["retried", "dead", "ready", 1]]),
        ...events("tick-1", AFTER_OTHERS.slice(2)),
      ],
    },
  ],
  [windowsCoveredOnce, "a window that is to be covered again", secondBackfill(true)],
  [noPhantoms, "a job that is appended in a replay first", appendedAgain("nonce-first")],
  [
    firesOnce,
    "a firing that a pause left out",
    {
      firings: sound.firings.filter(({ nominalMs }) => nominalMs !== 2_000),
      actions: [
        ...sound.actions,
        { tenant: RED, kind: "schedule_paused", target: "clock", atMs: 1_500 },
        { tenant: RED, kind: "schedule_resumed", target: "clock", atMs: 2_500 },
      ],
    },
  ],
];

describe("a sound history of plans", () => {
  const named = SOUND.map(([invariant, what, change]) => ({ invariant, what, change }));
  it.each(named)("$invariant.title: $what", ({ invariant, change }) => {
    expect(invariant.check({ ...sound, ...change }).violations).toEqual([]);
  });
});
