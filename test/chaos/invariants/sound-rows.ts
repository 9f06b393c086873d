import type { AttemptRow, EdgeRow, EventRow, JobRow, WorkLine } from "../history.ts";

/** A tenant of the sound history. */
export const RED = "tenant-red";
/** Another. */
export const BLUE = "tenant-blue";

/** A second: from one event of a job to the next. */
export const MS = 1_000;

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

/** A dependency, with the contract's defaults unless told. */
export const edge = (fromJob: string, toJob: string, over: Partial<EdgeRow> = {}): EdgeRow => ({
  ...{ tenant: RED, fromJob, toJob, onFailure: "cancel", condition: "success" },
  ...{ includeFanOut: false, settled: false },
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

/** A step of a job, as {@link events} takes it. */
export type Step = readonly [kind: string, from: string | undefined, to: string, epoch: number];

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

/** The same of one that waited for others. */
export const AFTER_OTHERS: readonly Step[] = [
  ["enqueued", undefined, "blocked", 0],
  ["unblocked", "blocked", "ready", 0],
  ...SUCCESS.slice(1),
];
