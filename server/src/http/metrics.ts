import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "@prometheus-io/client";
import type { Outcome } from "../app/flow/outcomes.ts";
import { FIRING_OUTCOMES, type FiringOutcome } from "../app/schedules/stored-schedule.ts";
import type { StuckCounts } from "../app/stuck/stuck-work.ts";
import type { WatermarkLag } from "../app/watermarks/watermarks.ts";
import type { Blocked } from "../domain/flow/blocked.ts";
import { FAILURE_CLASSES, type FailureClass } from "../domain/lease.ts";
import { STUCK_CAUSES } from "../domain/stuck.ts";

/** Writes that share commits; see wiring/store.ts. */
export const COMMITS = ["enqueue", "accept", "renew", "progress", "complete", "end"] as const;
/** One of {@link COMMITS}. */
export type CommitKind = (typeof COMMITS)[number];

/** What is looked up only when somebody reads the metrics. */
export interface GaugeSources {
  /** Open worker streams of this replica. */
  readonly sessions: () => number;
  /** What those streams' workers declared, and how much of it they hold jobs in. */
  readonly slots: () => { readonly free: number; readonly busy: number };
  /** Jobs that are ready for the tenants served here. Rejects when nobody can tell. */
  readonly readyJobs: () => Promise<number>;
  /** Whether the ledger answers. */
  readonly ledgerUp: () => Promise<boolean>;
}

/** What this replica counts. Calls are cheap: they add to numbers in memory. */
export interface Metrics {
  /** Jobs were written that had not been there before. */
  readonly enqueued: (jobs: number) => void;
  /** Jobs were offered to a worker, or leased by a unary claim. */
  readonly handedOut: (jobs: number) => void;
  readonly attemptsEnded: (outcomes: readonly Pick<Outcome, "failureClass">[]) => void;
  /** Flow control held a lane back from a claim. */
  readonly blocked: (by: Pick<Blocked, "kind">) => void;
  /** A claim was answered, after so many milliseconds. */
  readonly claimAnswered: (elapsedMs: number) => void;
  /** A look for stuck work found so much of it, over all tenants. */
  readonly stuck: (counts: StuckCounts) => void;
  /** How far watermarks lag, over all tenants; undefined: nobody can tell. */
  readonly watermarks: (lag: WatermarkLag | undefined) => void;
  /** Schedules fired, so many times with each outcome. */
  readonly fired: (outcomes: ReadonlyMap<FiringOutcome, number>) => void;
  /** So many items were written in one batch. */
  readonly committed: (kind: CommitKind, items: number) => void;
  /** The text that Prometheus reads, and its content type. */
  readonly expose: () => Promise<{ readonly contentType: string; readonly text: string }>;
}

const BLOCKED_KINDS: readonly Blocked["kind"][] = [
  "pause",
  "blackout",
  "quota",
  "concurrency",
  "limiter",
  "breaker",
];

// A claim takes 0.5 ms on an idle ledger and is cut off by statement_timeout at 30 s.
const CLAIM_SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5, 30];

// Up to MAX_BATCH of wiring/store.ts.
const BATCH_SIZES = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000];

// What Node and the process say: its observers are never taken away again, so there is one.
let processMetrics: Registry | undefined;

/**
 * Makes the metrics of one replica, all at zero. No metric has a tenant, a job type or a source
 * as a label: these are unbounded, and would show one tenant's names to whoever may read another's
 * numbers (ADR 0031).
 */
export function createMetrics(sources: GaugeSources): Metrics {
  const registry = new Registry();
  if (processMetrics === undefined) {
    processMetrics = new Registry();
    collectDefaultMetrics({ register: processMetrics });
  }
  addGauges(registry, sources);
  const counters = addCounters(registry);
  const histograms = addHistograms(registry);
  const stuck = addStuck(registry);
  const fired = addFirings(registry);
  const watermarks = addWatermarks(registry);
  // Takes over what they have by now.
  const all = Registry.merge([processMetrics, registry]);
  return {
    ...counters,
    ...histograms,
    fired,
    stuck,
    watermarks,
    expose: async () => ({ contentType: all.contentType, text: await all.metrics() }),
  };
}

function addCounters(registry: Registry) {
  const registers = [registry];
  const enqueued = new Counter({
    name: "orch_jobs_enqueued_total",
    help: "Jobs that this replica wrote to the ledger; repeated calls count once.",
    registers,
  });
  const handedOut = new Counter({
    name: "orch_jobs_handed_out_total",
    help: "Jobs that this replica handed out to workers, each attempt anew.",
    registers,
  });
  const ended = new Counter({
    name: "orch_attempts_ended_total",
    help: "Attempts that ended here: succeeded, or the class of their failure.",
    labelNames: ["outcome"],
    registers,
  });
  const blocked = new Counter({
    name: "orch_dispatch_blocked_total",
    help: "Times that flow control held a lane back from a claim, by what held it.",
    labelNames: ["kind"],
    registers,
  });
  // Every label value is there from the start: a rate over a series that appears is wrong.
  const outcomes = new Map<FailureClass | undefined, { inc(count?: number): void }>();
  for (const failureClass of [undefined, ...FAILURE_CLASSES]) {
    const child = ended.labels({ outcome: failureClass ?? "succeeded" });
    child.inc(0);
    outcomes.set(failureClass, child);
  }
  const kinds = new Map<Blocked["kind"], { inc(): void }>();
  for (const kind of BLOCKED_KINDS) {
    const child = blocked.labels({ kind });
    child.inc(0);
    kinds.set(kind, child);
  }
  return {
    enqueued: (jobs: number) => enqueued.inc(jobs),
    handedOut: (jobs: number) => handedOut.inc(jobs),
    attemptsEnded: (batch: readonly Pick<Outcome, "failureClass">[]) => {
      // Nearly all succeed, and one call costs as much as a hundred additions.
      let succeeded = 0;
      for (const { failureClass } of batch) {
        if (failureClass === undefined) succeeded += 1;
        else outcomes.get(failureClass)?.inc();
      }
      if (succeeded > 0) outcomes.get(undefined)?.inc(succeeded);
    },
    blocked: ({ kind }: Pick<Blocked, "kind">) => kinds.get(kind)?.inc(),
  };
}

function addFirings(registry: Registry) {
  const firings = new Counter({
    name: "orch_schedule_firings_total",
    help: "Firings that this replica settled; one that was queued counts again in the end.",
    labelNames: ["outcome"],
    registers: [registry],
  });
  for (const outcome of FIRING_OUTCOMES) firings.inc({ outcome }, 0);
  return (outcomes: ReadonlyMap<FiringOutcome, number>) => {
    for (const [outcome, count] of outcomes) firings.inc({ outcome }, count);
  };
}

function addHistograms(registry: Registry) {
  const claims = new Histogram({
    name: "orch_claim_seconds",
    help: "How long claims took, from the search for ranges to the commit.",
    buckets: CLAIM_SECONDS,
    registers: [registry],
  });
  const batches = new Histogram({
    name: "orch_commit_batch_size",
    help: "Items that shared one transaction, by what was written.",
    labelNames: ["write"],
    buckets: BATCH_SIZES,
    registers: [registry],
  });
  for (const write of COMMITS) batches.zero({ write });
  const kinds = new Map(COMMITS.map((write) => [write, batches.labels({ write })]));
  return {
    claimAnswered: (elapsedMs: number) => claims.observe(elapsedMs / 1_000),
    committed: (kind: CommitKind, items: number) => kinds.get(kind)?.observe(items),
  };
}

function addStuck(registry: Registry) {
  const stuck = new Gauge({
    name: "orch_stuck",
    help: "Lanes and jobs of all tenants that wait in vain, as of this replica's last look.",
    labelNames: ["cause"],
    registers: [registry],
  });
  for (const cause of STUCK_CAUSES) stuck.set({ cause }, 0);
  return (counts: StuckCounts) => {
    for (const cause of STUCK_CAUSES) stuck.set({ cause }, counts[cause]);
  };
}

function addWatermarks(registry: Registry) {
  const registers = [registry];
  const lag = new Gauge({
    name: "orch_watermark_lag_seconds",
    help: "How far the watermark that is furthest behind lags, over all tenants and sources.",
    registers,
  });
  const behind = new Gauge({
    name: "orch_watermarks_behind",
    help: "Watermarks of all tenants and sources that lag.",
    registers,
  });
  const set = (found: WatermarkLag | undefined) => {
    lag.set(found === undefined ? Number.NaN : found.maxMs / 1_000);
    behind.set(found?.behind ?? Number.NaN);
  };
  set(undefined);
  return set;
}

function addGauges(registry: Registry, sources: GaugeSources): void {
  const registers = [registry];
  new Gauge({
    name: "orch_sessions",
    help: "Worker streams that are open on this replica.",
    registers,
    collect() {
      this.set(sources.sessions());
    },
  });
  new Gauge({
    name: "orch_slots",
    help: "Slots of the workers on this replica, by whether they hold a job.",
    labelNames: ["state"],
    registers,
    collect() {
      const { free, busy } = sources.slots();
      this.set({ state: "free" }, free);
      this.set({ state: "busy" }, busy);
    },
  });
  new Gauge({
    name: "orch_ready_jobs",
    help: "Ready jobs of the tenants that have workers on this replica, counted up to 10,000.",
    registers,
    async collect() {
      // Not a number is a value of the format: nobody can tell while the ledger is away.
      this.set(await sources.readyJobs().catch(() => Number.NaN));
    },
  });
  new Gauge({
    name: "orch_ledger_up",
    help: "1 while the ledger answers this replica, else 0.",
    registers,
    async collect() {
      this.set((await sources.ledgerUp()) ? 1 : 0);
    },
  });
}
