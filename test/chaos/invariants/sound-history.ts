import type { History } from "../history.ts";
import { soundPlans } from "./sound-plans.ts";
import {
  AFTER_OTHERS,
  attempt,
  BLUE,
  edge,
  events,
  job,
  line,
  MS,
  RED,
  type Step,
  SUCCESS,
} from "./sound-rows.ts";

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
 * `child` waits for it, `keyed` was asked for twice, `poison` dies after four attempts; the rest is
 * in {@link soundPlans}.
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
  const plans = soundPlans();
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
    ...plans,
    intents: [...wishes, ...plans.intents],
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
      ...plans.jobs,
    ],
    attempts: [
      ...[attempt("plain"), attempt("child"), attempt("keyed"), ...poisoned],
      ...plans.attempts,
    ],
    events: [
      ...events("plain", SUCCESS),
      ...events("child", AFTER_OTHERS),
      ...events("keyed", SUCCESS),
      ...events("poison", DEATH),
      ...plans.events,
    ],
    tokens: [],
    edges: [edge("plain", "child"), ...plans.edges],
    letters: [...plans.letters, { tenant: RED, jobId: "poison" }],
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
