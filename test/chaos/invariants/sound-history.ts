import type { AttemptRow, EventRow, History, JobRow, WorkLine } from "../history.ts";

/** A tenant of the sound history. */
export const RED = "tenant-red";
/** Another. */
export const BLUE = "tenant-blue";

const MS = 1_000;

/** A job's row, by default one that is not at rest. */
export const job = (id: string, over: Partial<JobRow> = {}): JobRow => ({
  tenant: RED,
  id,
  jobType: "chaos.quick",
  nonce: `nonce-${id}`,
  idempotencyKey: undefined,
  baseState: "ready",
  endReason: undefined,
  budgetFromAttempt: 0,
  maxAttempts: 5,
  priority: 0,
  source: "",
  concurrencyKey: "",
  ...over,
});

/** An ended attempt, by default the first, and a success. */
export const attempt = (jobId: string, over: Partial<AttemptRow> = {}): AttemptRow => ({
  tenant: RED,
  jobId,
  attempt: 1,
  leaseEpoch: over.attempt ?? 1,
  workerId: "w1-1",
  outcome: "succeeded",
  failureClass: undefined,
  terminal: false,
  completionId: undefined,
  startedMs: 2 * MS,
  endedMs: 3 * MS,
  ...over,
});

/** A line of a worker's journal. */
export const line = (jobId: string, event: WorkLine["event"], atMs: number): WorkLine => ({
  process: "w1-1#1",
  seq: atMs,
  monoNs: BigInt(atMs) * 1_000_000n,
  clockMs: atMs,
  event,
  tenant: RED,
  jobId,
  attempt: 1,
  leaseEpoch: 1,
});

let ids = 0;

type Step = readonly [kind: string, from: string | undefined, to: string, epoch: number];

/** A job's events, one a second from `fromMs` on. */
export const events = (jobId: string, steps: readonly Step[], fromMs = MS): EventRow[] =>
  steps.map(([kind, fromState, toState, leaseEpoch], index) => ({
    tenant: RED,
    jobId,
    id: ++ids,
    atMs: fromMs + index * MS,
    kind,
    fromState,
    toState,
    attempt: leaseEpoch,
    leaseEpoch,
    workerId: undefined,
  }));

/** From enqueued to succeeded under one epoch. */
export const SUCCESS: readonly Step[] = [
  ["enqueued", undefined, "ready", 0],
  ["offered", "ready", "offered", 1],
  ["started", "offered", "running", 1],
  ["succeeded", "running", "succeeded", 1],
];

const DEATH: readonly Step[] = [
  ["enqueued", undefined, "ready", 0],
  ...[1, 2, 3, 4].flatMap((epoch): Step[] => [
    ["offered", "ready", "offered", epoch],
    ["started", "offered", "running", epoch],
    epoch < 4
      ? ["interrupted", "running", "ready", epoch]
      : ["quarantined", "running", "dead", epoch],
  ]),
];

/**
 * A small history in which every invariant has something to look at and holds: `plain` succeeds,
 * `child` waits for it, `keyed` was asked for twice, `poison` dies after four attempts.
 */
export function soundHistory(): History {
  const poisoned = [1, 2, 3, 4].map((n) =>
    attempt("poison", {
      attempt: n,
      outcome: "interrupted",
      failureClass: "lease_expired",
      startedMs: 3 * n * MS,
      endedMs: 3 * n * MS + MS,
    }),
  );
  const wishes = ["plain", "child", "keyed", "poison"].map((id) => ({
    nonce: `nonce-${id}`,
    tenant: RED,
    jobType: id === "poison" ? "chaos.poison" : "chaos.quick",
    content: id,
    ...(id === "keyed" ? { idempotencyKey: "key" } : {}),
  }));
  const acks = ["plain", "child", "keyed", "poison"].map((id) => ({
    nonce: `nonce-${id}`,
    tenant: RED,
    outcome: "created" as const,
    jobId: id,
  }));
  const blocked: readonly Step[] = [
    ["enqueued", undefined, "blocked", 0],
    ["unblocked", "blocked", "ready", 0],
    ...SUCCESS.slice(1),
  ];
  return {
    terms: {
      leaseTtlMs: 4_000,
      sweepMs: 500,
      maxInterruptions: 3,
      maxAttempts: 5,
      drainMs: 60_000,
      runMs: 180_000,
    },
    tenants: [RED, BLUE],
    intents: wishes,
    acks: [...acks, { nonce: "nonce-keyed", tenant: RED, outcome: "duplicate", jobId: "keyed" }],
    reads: [{ tenant: RED, what: "getJob", marks: [RED] }],
    work: [
      { ...line("plain", "started", 100), nonce: "nonce-plain", marks: [RED] },
      line("plain", "finished", 200),
      line("child", "started", 300),
      line("child", "finished", 400),
      line("poison", "refused", 500),
    ],
    writes: [
      {
        tenant: RED,
        jobId: "poison",
        leaseEpoch: 1,
        newestEpoch: 2,
        operation: "complete",
        verdict: "stale_lease",
        completionId: "c-1",
      },
    ],
    faults: [{ kind: "worker-kill", target: "w1", fromMs: 0, toMs: 0, stopsControlPlane: false }],
    deaths: [{ workerId: "w1-1", atMs: 3_500 }],
    crashes: [],
    superseded: [],
    jobs: [
      job("plain"),
      job("child"),
      job("keyed", { idempotencyKey: "key" }),
      job("poison", { jobType: "chaos.poison", baseState: "dead" }),
    ],
    attempts: [attempt("plain"), attempt("child"), attempt("keyed"), ...poisoned],
    events: [
      ...events("plain", SUCCESS),
      ...events("child", blocked),
      ...events("keyed", SUCCESS),
      ...events("poison", DEATH),
    ],
    tokens: [],
    edges: [{ tenant: RED, fromJob: "plain", toJob: "child", onFailure: "cancel" }],
    limited: [{ limiter: "host", rate: 10, burst: 2, admittedMs: [0, 0, 100, 200, 300] }],
    concurrent: [
      {
        limit: "key",
        most: 1,
        spans: [
          { jobId: "plain", fromMs: 0, toMs: 10 },
          { jobId: "keyed", fromMs: 10, toMs: 20 },
        ],
      },
    ],
    drain: { fromMs: 20_000, doneMs: 30_000, unfinished: [] },
  };
}
