import { describe, expect, it } from "vitest";
import type { History } from "../history.ts";
import { judge } from "../report.ts";
import { INVARIANTS, NOT_YET } from "./all.ts";
import { longestCalm } from "./lost-leases.ts";
import { soundHistory } from "./sound-history.ts";
import { attempt, BLUE, events, job, line, RED, SUCCESS } from "./sound-rows.ts";

const sound = soundHistory();

function appliedAll(): History["writes"] {
  return sound.writes.map(({ completionId: _, ...write }) => ({ ...write, verdict: "applied" }));
}

/** What the invariant of the number says about the sound history with a change. */
function violationsOf(number: string, change: Partial<History>): string[] {
  const invariant = INVARIANTS.find((one) => one.number === number);
  return (invariant?.check({ ...sound, ...change }).violations ?? []).map(({ text }) => text);
}

const without = <Row>(rows: readonly Row[], isGone: (row: Row) => boolean): Row[] =>
  rows.filter((row) => !isGone(row));

const changed = <Row extends object>(
  rows: readonly Row[],
  isMeant: (row: Row) => boolean,
  change: Partial<Row>,
): Row[] => rows.map((row) => (isMeant(row) ? { ...row, ...change } : row));

describe("a sound history", () => {
  it("holds in every respect, and every respect was looked at", () => {
    const words = judge(sound, INVARIANTS).map(({ word, invariant, finding }) => {
      expect(finding.violations, invariant.title).toEqual([]);
      return word;
    });
    expect(new Set(words)).toEqual(new Set(["held"]));
  });

  it("is judged by every number of the design's list", () => {
    const numbers = [...INVARIANTS, ...NOT_YET].map(({ number }) => Number(number) || 0);
    const listed = numbers.filter((number) => number > 0).sort((a, b) => a - b);
    expect(listed).toEqual(Array.from({ length: 16 }, (_, n) => n + 1));
  });
});

// For each invariant, changes that break it: what a checker that cannot fail would let pass.
const BROKEN: readonly (readonly [number: string, what: string, change: Partial<History>])[] = [
  ["1", "an acknowledged job is gone", { jobs: without(sound.jobs, ({ id }) => id === "plain") }],
  [
    "1",
    "it is another tenant's",
    { jobs: changed(sound.jobs, ({ id }) => id === "plain", { tenant: BLUE }) },
  ],
  [
    "1",
    "it holds something else",
    { jobs: changed(sound.jobs, ({ id }) => id === "plain", { nonce: "nonce-child" }) },
  ],
  [
    "1",
    "it is of another type",
    { jobs: changed(sound.jobs, ({ id }) => id === "plain", { jobType: "chaos.work" }) },
  ],
  ["2", "a job that nobody asked for", { jobs: [...sound.jobs, job("extra")] }],
  ["2", "a job without content", { jobs: [...sound.jobs, job("extra", { nonce: undefined })] }],
  ["2", "a job twice", { jobs: [...sound.jobs, job("plain-2", { nonce: "nonce-plain" })] }],
  [
    "2",
    "another tenant's wish",
    { jobs: changed(sound.jobs, ({ id }) => id === "plain", { tenant: BLUE }) },
  ],
  [
    "3",
    "two jobs of one key",
    { jobs: [...sound.jobs, job("keyed-2", { idempotencyKey: "key", nonce: "nonce-keyed" })] },
  ],
  [
    "3",
    "another answer for the same key",
    { acks: changed(sound.acks, ({ outcome }) => outcome === "duplicate", { jobId: "plain" }) },
  ],
  [
    "3",
    "a conflict with itself",
    {
      acks: changed(sound.acks, ({ outcome }) => outcome === "duplicate", { outcome: "conflict" }),
    },
  ],
  [
    "3",
    "other content taken for the same",
    {
      intents: [
        ...sound.intents,
        { nonce: "n", tenant: RED, jobType: "t", idempotencyKey: "key", content: "other" },
      ],
      acks: [...sound.acks, { nonce: "n", tenant: RED, outcome: "duplicate", jobId: "keyed" }],
    },
  ],
  [
    "4",
    "a step after the end",
    { events: [...sound.events, ...events("plain", [["due", "scheduled", "ready", 0]])] },
  ],
  ["4", "no history", { events: without(sound.events, ({ jobId }) => jobId === "plain") }],
  [
    "4",
    "a success without an attempt",
    { attempts: without(sound.attempts, ({ jobId }) => jobId === "plain") },
  ],
  ["4", "two successes", { attempts: [...sound.attempts, attempt("plain", { attempt: 2 })] }],
  [
    "4",
    "a row that says something else",
    { jobs: changed(sound.jobs, ({ id }) => id === "poison", { baseState: "ready" }) },
  ],
  [
    "5",
    "a success under an old epoch",
    {
      events: events("plain", [
        ...SUCCESS.slice(0, 3),
        ["interrupted", "running", "ready", 1],
        ["offered", "ready", "offered", 2],
        ["succeeded", "running", "succeeded", 1],
      ]),
    },
  ],
  [
    "5",
    "an epoch twice",
    { events: events("plain", [...SUCCESS.slice(0, 2), ["offered", "ready", "offered", 1]]) },
  ],
  [
    "5",
    "a refused write that was stored",
    { attempts: [...sound.attempts, attempt("poison", { attempt: 5, completionId: "c-1" })] },
  ],
  [
    "5",
    "an applied write that was not",
    { writes: sound.writes.map((write) => ({ ...write, verdict: "applied", leaseEpoch: 9 })) },
  ],
  ["5", "a stale write that was applied", { writes: appliedAll() }],
  ["5", "a refused result that was stored", { work: [line("plain", "refused", 500)] }],
  [
    "6",
    "a gap",
    { attempts: without(sound.attempts, (row) => row.jobId === "poison" && row.attempt === 2) },
  ],
  [
    "6",
    "an epoch that does not grow",
    { attempts: changed(sound.attempts, ({ attempt: n }) => n === 2, { leaseEpoch: 1 }) },
  ],
  ["6", "too many interruptions", { terms: { ...sound.terms, maxInterruptions: 2 } }],
  ["6", "death before its time", { terms: { ...sound.terms, maxInterruptions: 4 } }],
  [
    "6",
    "too many failures",
    {
      jobs: [job("f", { maxAttempts: 1 })],
      attempts: [1, 2].map((n) => attempt("f", { attempt: n, outcome: "failed" })),
    },
  ],
  [
    "7",
    "taken back late",
    {
      attempts: changed(sound.attempts, (row) => row.outcome === "interrupted", {
        endedMs: 20_000,
      }),
    },
  ],
  [
    "7",
    "handed out late",
    {
      attempts: sound.attempts.filter(({ jobId }) => jobId === "poison"),
      events: [
        ...events("poison", [["interrupted", "running", "ready", 1]], 4_000),
        ...events("poison", [["offered", "ready", "offered", 2]], 14_000),
      ],
    },
  ],
  [
    "8",
    "poison that lives",
    { jobs: changed(sound.jobs, ({ id }) => id === "poison", { baseState: "ready" }) },
  ],
  ["8", "poison beyond its budget", { terms: { ...sound.terms, maxInterruptions: 2 } }],
  ["9", "a token of a finished job", { tokens: [{ tenant: RED, jobId: "plain", place: "ready" }] }],
  ["9", "a token without a job", { tokens: [{ tenant: RED, jobId: "nobody", place: "lease" }] }],
  ["9", "a job without a token", { jobs: [...sound.jobs, job("lost")] }],
  [
    "9",
    "a job in two places",
    {
      jobs: [...sound.jobs, job("twice")],
      tokens: (["ready", "lease"] as const).map((place) => ({
        tenant: RED,
        jobId: "twice",
        place,
      })),
    },
  ],
  [
    "9",
    "a job in the wrong place",
    {
      jobs: [...sound.jobs, job("late", { baseState: "scheduled" })],
      tokens: [{ tenant: RED, jobId: "late", place: "ready" }],
    },
  ],
  [
    "10",
    "a child before its parent's success",
    { events: [...events("child", SUCCESS), ...events("plain", SUCCESS)] },
  ],
  [
    "10",
    "a child without its parent's success",
    { events: without(sound.events, (row) => row.jobId === "plain" && row.kind === "succeeded") },
  ],
  [
    "10",
    "a handler before its parent's had finished",
    { work: [line("child", "started", 150), line("plain", "finished", 200)] },
  ],
  [
    "13",
    "a burst over its bound",
    { limited: [{ limiter: "host", rate: 10, burst: 2, admittedMs: [0, 0, 0] }] },
  ],
  [
    "13",
    "a rate over its bound, late in the run",
    {
      limited: [
        { limiter: "host", rate: 1, burst: 1, admittedMs: [0, 1_000, 60_000, 60_400, 60_800] },
      ],
    },
  ],
  [
    "13",
    "two at once",
    {
      concurrent: [
        {
          limit: "key",
          most: 1,
          spans: [
            { jobId: "plain", fromMs: 0, toMs: 10 },
            { jobId: "keyed", fromMs: 9, toMs: 20 },
          ],
        },
      ],
    },
  ],
  [
    "14",
    "a payload of another tenant",
    { work: changed(sound.work, ({ event }) => event === "started", { marks: [RED, BLUE] }) },
  ],
  ["14", "a job of another tenant", { jobs: sound.jobs.map((row) => ({ ...row, tenant: BLUE })) }],
  [
    "14",
    "an answer about another tenant",
    { reads: [{ tenant: RED, what: "getJob", marks: [BLUE] }] },
  ],
  ["11", "a watermark that nobody brought about", { attempts: [] }],
  ["16", "no end", { drain: { ...sound.drain, doneMs: undefined } }],
  [
    "16",
    "a job that has not finished",
    {
      drain: {
        fromMs: 0,
        doneMs: undefined,
        unfinished: [{ tenant: RED, jobId: "plain", what: "job" }],
      },
    },
  ],
  ["16", "an end too late", { drain: { ...sound.drain, doneMs: 80_001 } }],
  ["–", "a server that ended", { crashes: ["s1 ended by itself with code 1"] }],
];

describe("a broken history", () => {
  it.each(BROKEN)("is found by %s: %s", (number, _what, change) => {
    expect(violationsOf(number, change)).not.toEqual([]);
  });

  // Those about what makes jobs by itself are broken in plans-invariants.test.ts.
  it("has been tried for every invariant", () => {
    expect(new Set(BROKEN.map(([number]) => number))).toEqual(
      new Set(INVARIANTS.map(({ number }) => number)),
    );
  });
});

describe("a history that proves nothing", () => {
  it("fails when nobody stale wrote in a long run, and is let off in a short one", () => {
    const quiet = { ...sound, writes: [], work: without(sound.work, (l) => l.event === "refused") };
    const wordOf = (history: History) =>
      judge(history, INVARIANTS).find(({ invariant }) => invariant.number === "5")?.word;
    expect(wordOf(quiet)).toBe("PROVED NOTHING");
    const short = { ...quiet, terms: { ...sound.terms, runMs: 30_000 } };
    expect(wordOf(short)).toBe("not exercised");
  });
});

describe("a lost lease", () => {
  const lateBy = (faults: History["faults"]) =>
    violationsOf("7", {
      faults,
      attempts: changed(sound.attempts, (row) => row.attempt === 1 && row.jobId === "poison", {
        endedMs: 16_000,
      }),
    });

  it("may be late when the control plane was away, not when only workers were", () => {
    const fault = { kind: "pg-pause", target: "postgres", fromMs: 8_000, toMs: 9_000 };
    expect(lateBy([{ ...fault, stopsControlPlane: true }])).toEqual([]);
    expect(lateBy([{ ...fault, stopsControlPlane: false }])).not.toEqual([]);
  });

  it("may wait for its turn behind what goes first, or at a limit", () => {
    const late = {
      attempts: sound.attempts.filter(({ jobId }) => jobId === "poison"),
      events: [
        ...events("poison", [["interrupted", "running", "ready", 1]], 4_000),
        ...events("poison", [["offered", "ready", "offered", 2]], 14_000),
      ],
    };
    for (const change of [{ priority: -1 }, { source: "slow" }, { concurrencyKey: "scarce" }]) {
      const jobs = changed(sound.jobs, ({ id }) => id === "poison", change);
      expect(violationsOf("7", { ...late, jobs })).toEqual([]);
    }
  });

  it("is given the longest stretch that no fault reaches into", () => {
    const fault = (fromMs: number, toMs: number) => ({
      ...{ kind: "pg-pause", target: "postgres", stopsControlPlane: true },
      fromMs,
      toMs,
    });
    expect(longestCalm([], 1_000, 5_000)).toBe(4_000);
    // One that lies within another does not end its stretch.
    const nested = [fault(2_000, 8_000), fault(3_000, 4_000)];
    expect(longestCalm(nested, 0, 10_000)).toBe(2_000);
    expect(longestCalm([fault(20_000, 21_000)], 0, 10_000)).toBe(10_000);
    expect(longestCalm([fault(0, 60_000)], 1_000, 10_000)).toBe(0);
  });
});
