// What a run leaves behind: what the processes said they did, and what the ledger holds. Times in
// `…Ms` are milliseconds of this machine's wall clock, which Postgres shares; `monoNs` is the
// kernel's monotonic clock, the same for all processes and untouched by a shifted worker clock.

import type { PlanHistory } from "./plan-history.ts";

/** What a producer was about to ask for, written down before the call. */
export interface Intent {
  /** Names one wish; it is in the job's payload. */
  readonly nonce: string;
  readonly tenant: string;
  readonly jobType: string;
  readonly idempotencyKey?: string;
  /** The same for the same content; with the key it decides between duplicate and conflict. */
  readonly content: string;
  /** What makes jobs of it, and as many as it likes; unless told, the wish is for one job. */
  readonly madeBy?: "schedule" | "backfill";
  /** The wish for the job whose handler is to append it to its run. */
  readonly fannedBy?: string;
}

/** What a producer was answered. */
export interface Ack {
  readonly nonce: string;
  readonly tenant: string;
  /** "conflict": IDEMPOTENCY_CONFLICT. */
  readonly outcome: "created" | "duplicate" | "conflict";
  /** Empty for a conflict. */
  readonly jobId: string;
}

/** An answer that was looked at for what belongs to other tenants. */
export interface Read {
  readonly tenant: string;
  readonly what: string;
  /** The names of tenants that stand anywhere in the answer, errors included. */
  readonly marks: readonly string[];
}

/** A line of a worker's log. */
export interface WorkLine {
  /** The process and its incarnation, such as "w1.3". */
  readonly process: string;
  /** Counts the lines of the process. */
  readonly seq: number;
  readonly monoNs: bigint;
  /** The process's own clock, which may be an hour off. */
  readonly clockMs: number;
  readonly event: "started" | "finished" | "thrown" | "refused" | "lost" | "fanned";
  readonly tenant: string;
  readonly jobId: string;
  readonly attempt: number;
  readonly leaseEpoch: number;
  /** The wish that the payload names, and the tenants that it mentions; when started. */
  readonly nonce?: string;
  readonly marks?: readonly string[];
  /** When fanned: the ids of what was appended, by their wishes. */
  readonly appended?: Readonly<Record<string, string>>;
}

/** A write under a lease that the run made on its own, past the SDK: mostly stale ones. */
export interface FencedWrite {
  readonly tenant: string;
  readonly jobId: string;
  readonly leaseEpoch: number;
  /** The newest epoch that a worker had started under before the write was sent. */
  readonly newestEpoch: number;
  readonly operation: "complete" | "fail" | "progress" | "renew" | "release" | "accept";
  readonly verdict: "applied" | "already_applied" | "stale_lease" | "other";
  readonly completionId?: string;
}

/** Something that the nemesis did. */
export interface FaultRecord {
  readonly kind: string;
  readonly target: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** Whether it can keep the control plane from taking a renewal or taking back a lease. */
  readonly stopsControlPlane: boolean;
}

/** The end of a worker process. */
export interface Death {
  /** The worker's id on the wire. */
  readonly workerId: string;
  readonly atMs: number;
}

/** A job's row. */
export interface JobRow {
  readonly tenant: string;
  readonly id: string;
  readonly jobType: string;
  readonly nonce: string | undefined;
  readonly idempotencyKey: string | undefined;
  readonly baseState: "blocked" | "scheduled" | "ready" | "dead" | "cancelled";
  readonly endReason: string | undefined;
  readonly budgetFromAttempt: number;
  readonly maxAttempts: number;
  readonly priority: number;
  /** Empty: none. */
  readonly source: string;
  readonly concurrencyKey: string;
  readonly runId?: string;
  /** In its run. */
  readonly name?: string;
  /** Cancelled because it was not needed. */
  readonly skipped?: boolean;
  /** While it is blocked: how many conditions it waits for. */
  readonly unmet?: number;
  /** The window that it covers: all three or none. */
  readonly scope?: string;
  readonly windowStartMs?: number;
  readonly windowEndMs?: number;
  /** Of a job that a schedule made: the firing's nominal time. */
  readonly nominal?: string;
}

/** An ended attempt. */
export interface AttemptRow {
  readonly tenant: string;
  readonly jobId: string;
  readonly attempt: number;
  readonly leaseEpoch: number;
  readonly workerId: string;
  readonly outcome: "succeeded" | "failed" | "interrupted" | "cancelled";
  readonly failureClass: string | undefined;
  readonly terminal: boolean;
  readonly completionId: string | undefined;
  readonly startedMs: number;
  readonly endedMs: number;
}

/** A step of a job's history; ids grow along the history of one job. */
export interface EventRow {
  readonly tenant: string;
  readonly jobId: string;
  readonly id: number;
  readonly atMs: number;
  readonly kind: string;
  readonly fromState: string | undefined;
  readonly toState: string;
  readonly attempt: number;
  readonly leaseEpoch: number;
  readonly workerId: string | undefined;
  readonly actor?: string;
}

/** Where an unfinished job stands. */
export interface TokenRow {
  readonly tenant: string;
  readonly jobId: string;
  readonly place: "ready" | "lease" | "scheduled";
}

/** A dependency. */
export interface EdgeRow {
  readonly tenant: string;
  readonly fromJob: string;
  readonly toJob: string;
  readonly onFailure: "cancel" | "hold" | "continue";
  readonly condition: "success" | "completion" | "failure";
  readonly includeFanOut: boolean;
  /** The first job had ended when the edge was made, and meant something by it. */
  readonly settled: boolean;
}

/** What a rate limiter let through. */
export interface Limited {
  readonly limiter: string;
  /** Admissions a second. */
  readonly rate: number;
  readonly burst: number;
  readonly admittedMs: readonly number[];
}

/** What a concurrency limit let through. */
export interface Concurrent {
  readonly limit: string;
  readonly most: number;
  readonly spans: readonly {
    readonly jobId: string;
    readonly fromMs: number;
    readonly toMs: number;
  }[];
}

/** How the run ended after the last fault. */
export interface Drain {
  readonly fromMs: number;
  /** When the last job that could finish had finished; undefined: it did not in time. */
  readonly doneMs: number | undefined;
  /** What has not: a job, or something that makes or changes jobs, which then has no job's id. */
  readonly unfinished: readonly Unfinished[];
}

/** Something that did not come to its end. */
export interface Unfinished {
  readonly tenant: string;
  readonly jobId?: string;
  /** Such as "job" or "backfill 0190…". */
  readonly what: string;
}

/** The clocks and budgets that the run's servers work by. */
export interface Terms {
  readonly leaseTtlMs: number;
  readonly sweepMs: number;
  readonly maxInterruptions: number;
  /** For jobs without a retry policy of their own. */
  readonly maxAttempts: number;
  readonly drainMs: number;
  /** The length of the part with faults. */
  readonly runMs: number;
}

/** All of it. */
export interface History extends PlanHistory {
  readonly terms: Terms;
  readonly tenants: readonly string[];
  readonly intents: readonly Intent[];
  readonly acks: readonly Ack[];
  readonly reads: readonly Read[];
  readonly work: readonly WorkLine[];
  readonly writes: readonly FencedWrite[];
  readonly faults: readonly FaultRecord[];
  readonly deaths: readonly Death[];
  /** Processes that ended although nobody ended them. */
  readonly crashes: readonly string[];
  /** Workers that the server sent away as superseded. */
  readonly superseded: readonly string[];
  readonly jobs: readonly JobRow[];
  readonly attempts: readonly AttemptRow[];
  readonly events: readonly EventRow[];
  readonly tokens: readonly TokenRow[];
  readonly edges: readonly EdgeRow[];
  readonly limited: readonly Limited[];
  readonly concurrent: readonly Concurrent[];
  readonly drain: Drain;
}
