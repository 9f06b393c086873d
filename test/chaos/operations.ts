import { SCARCE_KEY, SLOW_SOURCE } from "./flow-limits.ts";
import { POISON_TYPE } from "./invariants/poison.ts";
import { OperatorDraft, type OperatorOperation } from "./plan-operator.ts";
import { RunDraft, type RunOperation } from "./plan-runs.ts";
import { planSchedules, TimeDraft, type TimeOperation } from "./plan-time.ts";
import { type PlannedJob, type PlannedStep, TENANTS } from "./planned-jobs.ts";
import { type Seeded, seeded } from "./seeded.ts";

type Doing =
  | { readonly kind: "enqueue" | "repeat" | "conflict"; readonly job: PlannedJob }
  | { readonly kind: "batch"; readonly jobs: readonly PlannedJob[] }
  | { readonly kind: "run"; readonly run: string; readonly steps: readonly PlannedStep[] }
  /** Of an earlier wish, if it was answered by then. `foreign` asks as another tenant. */
  | { readonly kind: "cancel" | "replay" | "read" | "foreign"; readonly nonce: string }
  | { readonly kind: "list" }
  | RunOperation
  | TimeOperation
  | OperatorOperation;

/** Something that a producer will do, `atMs` after the start. */
export type Operation = Doing & { readonly atMs: number; readonly tenant: string };

/** What {@link planOperations} goes by. */
export interface OperationsPlan {
  readonly seed: number;
  readonly runMs: number;
  /** Operations a second, on average. */
  readonly rate: number;
  /** Whether jobs that kill their workers are among them. */
  readonly poison: boolean;
}

// Of a hundred operations, about how many are of which kind; the first row is for what is left.
const SHARES: readonly (readonly [share: number, plan: (draft: Draft) => Doing | undefined])[] = [
  [16, (draft) => ({ kind: "enqueue", job: draft.job("chaos.quick", { isKeyed: true }) })],
  [9, (draft) => ({ kind: "batch", jobs: draft.batch() })],
  [2, (draft) => ({ kind: "batch", jobs: draft.scarce() })],
  [6, (draft) => draft.again("repeat")],
  [3, (draft) => draft.again("conflict")],
  [9, (draft) => ({ kind: "enqueue", job: draft.work(50, 600) })],
  [3, (draft) => ({ kind: "enqueue", job: draft.work(3_500, 6_000) })],
  [2, (draft) => ({ kind: "enqueue", job: draft.deaf() })],
  [5, (draft) => ({ kind: "enqueue", job: draft.flaky() })],
  [2, (draft) => ({ kind: "enqueue", job: draft.hopeless() })],
  [4, (draft) => ({ kind: "enqueue", job: draft.delayed() })],
  [4, (draft) => draft.run()],
  [3, (draft) => draft.about("cancel", draft.plain)],
  [2, (draft) => draft.about("replay", draft.doomed)],
  [3, (draft) => draft.about("read", draft.plain)],
  [2, (draft) => draft.about("foreign", draft.plain)],
  [1, () => ({ kind: "list" })],
];

const POISON_EVERY_MS = 25_000;
/** More than may ever go at once, and twelve seconds' worth of what may go. */
const SLOW_JOBS = 24;
const SLOW_EVERY_MS = 30_000;
/** The last part of a run has neither: both take their time, and are to end unaided. */
const TAIL = 0.2;

/** The operations of a run, by time. The same plan gives the same operations. */
export function planOperations({ seed, runMs, rate, poison }: OperationsPlan): Operation[] {
  const random = seeded(seed, "operations");
  const drafts = TENANTS.map((tenant) => ({ tenant, draft: new Draft(random, tenant) }));
  const operations: Operation[] = [];
  for (let atMs = 0; atMs < runMs; atMs += (2 * random.next() * 1_000) / rate) {
    const { tenant, draft } = random.pick(drafts);
    operations.push({ ...draft.next(), atMs: Math.floor(atMs), tenant });
  }
  for (let atMs = 1_000; atMs < runMs * (1 - TAIL); atMs += SLOW_EVERY_MS) {
    for (const { tenant, draft } of drafts) {
      operations.push({ kind: "batch", jobs: draft.slow(), atMs, tenant });
    }
  }
  for (let atMs = 2_000; poison && atMs < runMs * (1 - TAIL); atMs += POISON_EVERY_MS) {
    const { tenant, draft } = random.pick(drafts);
    operations.push({ kind: "enqueue", job: draft.job(POISON_TYPE), atMs, tenant });
  }
  operations.push(...planGreater(seed, runMs, rate));
  return operations.sort((a, b) => a.atMs - b.atMs);
}

/** About how many of a hundred operations each of the greater ones comes on top of. */
const GREATER = { runs: 5, time: 5, operator: 3 } as const;

/**
 * Runs that grow, schedules, windows, backfills and operators, each with randomness of its own, so
 * that what one of them does shifts nothing else.
 */
function planGreater(seed: number, runMs: number, rate: number): Operation[] {
  const operations: Operation[] = [];
  // What takes long does not begin at the end.
  const lastMs = runMs * (1 - TAIL);
  for (const [place, tenant] of TENANTS.entries()) {
    const random = (purpose: string) => seeded(seed, `${purpose} of ${tenant}`);
    const runs = new RunDraft(random("runs"), tenant);
    const schedules = planSchedules(random("schedules"), tenant, place);
    const time = new TimeDraft(random("time"), tenant, schedules);
    const operator = new OperatorDraft(random("operator"), tenant);
    const add = (per100: number, next: (atMs: number) => Doing) => {
      const meanMs = (TENANTS.length * 100_000) / (rate * per100);
      const pauses = random(`pauses for ${per100}`);
      for (let atMs = meanMs * pauses.next(); atMs < lastMs; atMs += 2 * pauses.next() * meanMs) {
        operations.push({ ...next(atMs), atMs: Math.floor(atMs), tenant });
      }
    };
    for (const schedule of schedules) {
      operations.push({ kind: "schedule", schedule, atMs: 100, tenant });
    }
    add(GREATER.runs, () => runs.next());
    add(GREATER.time, (atMs) => time.next(atMs));
    add(GREATER.operator, () => operator.next());
  }
  return operations;
}

/** Invents operations of one tenant, and remembers those that later ones are about. */
class Draft {
  /** Nonces of jobs that nothing else is planned for, newest last. */
  readonly plain: string[] = [];
  /** Of jobs that end dead. */
  readonly doomed: string[] = [];
  readonly #random: Seeded;
  readonly #tenant: string;
  readonly #keyed: PlannedJob[] = [];
  #count = 0;

  constructor(random: Seeded, tenant: string) {
    this.#random = random;
    this.#tenant = tenant;
  }

  next(): Doing {
    let left = this.#random.next() * 100;
    for (const [share, plan] of SHARES) {
      left -= share;
      if (left < 0) return plan(this) ?? this.#quick();
    }
    return this.#quick();
  }

  job(
    jobType: PlannedJob["jobType"],
    over: Partial<PlannedJob> & { readonly isKeyed?: boolean } = {},
  ): PlannedJob {
    const { isKeyed, ...fields } = over;
    const nonce = `${this.#tenant}/${++this.#count}`;
    const job: PlannedJob = {
      nonce,
      jobType,
      workMs: 0,
      failures: 0,
      priority: this.#random.chance(0.2) ? this.#random.between(-5, 5) : 0,
      ...(isKeyed ? { idempotencyKey: `key-${nonce}` } : {}),
      ...fields,
    };
    if (isKeyed) this.#keyed.push(job);
    return job;
  }

  work(least: number, most: number): PlannedJob {
    return this.#remembered(this.job("chaos.work", { workMs: this.#random.between(least, most) }));
  }

  deaf(): PlannedJob {
    return this.job("chaos.deaf", { workMs: this.#random.between(4_000, 7_000) });
  }

  flaky(): PlannedJob {
    return this.job("chaos.flaky", { failures: this.#random.between(1, 3) });
  }

  hopeless(): PlannedJob {
    const job = this.#random.chance(0.5)
      ? this.job("chaos.hopeless")
      : this.job("chaos.flaky", { failures: 1_000, maxAttempts: this.#random.between(1, 3) });
    this.doomed.push(job.nonce);
    return job;
  }

  delayed(): PlannedJob {
    const delayMs = this.#random.between(200, 8_000);
    return this.#remembered(this.job("chaos.quick", { delayMs }));
  }

  batch(): PlannedJob[] {
    return Array.from({ length: this.#random.between(5, 20) }, () =>
      this.#random.chance(0.7) ? this.#plainQuick() : this.work(10, 200),
    );
  }

  scarce(): PlannedJob[] {
    return Array.from({ length: 5 }, () =>
      this.job("chaos.work", {
        workMs: this.#random.between(50, 400),
        concurrencyKey: SCARCE_KEY,
      }),
    );
  }

  slow(): PlannedJob[] {
    return Array.from({ length: SLOW_JOBS }, () =>
      this.job("chaos.quick", { source: SLOW_SOURCE }),
    );
  }

  /** A layered graph; a step depends on some of the layer before it. */
  run(): Doing {
    const steps: PlannedStep[] = [];
    let before: PlannedStep[] = [];
    const layers = this.#random.between(2, 4);
    for (let layer = 0; layer < layers; layer++) {
      const width = this.#random.between(1, 3);
      const now = Array.from({ length: width }, (_, place) => this.#step(layer, place, before));
      steps.push(...now);
      before = now;
    }
    return { kind: "run", run: `${this.#tenant}/run-${++this.#count}`, steps };
  }

  /** The same key again, with the same content or another. */
  again(kind: "repeat" | "conflict"): Doing | undefined {
    if (this.#keyed.length === 0) return undefined;
    const job = this.#random.pick(this.#keyed.slice(-50));
    if (kind === "repeat") return { kind, job };
    const { nonce } = this.job(job.jobType);
    return { kind, job: { ...job, nonce } };
  }

  about(kind: "cancel" | "replay" | "read" | "foreign", nonces: string[]): Doing | undefined {
    if (nonces.length === 0) return undefined;
    return { kind, nonce: this.#random.pick(nonces.slice(-30)) };
  }

  #step(layer: number, place: number, before: readonly PlannedStep[]): PlannedStep {
    const draw = this.#random.next();
    const job =
      draw < 0.06
        ? this.job("chaos.hopeless")
        : draw < 0.2
          ? this.flaky()
          : this.job("chaos.work", { workMs: this.#random.between(0, 300) });
    const parents = before.filter(() => this.#random.chance(0.6));
    const [first] = before;
    if (parents.length === 0 && first !== undefined) parents.push(first);
    const onFailure = this.#random.chance(0.8) ? "cancel" : "hold";
    const dependsOn = parents.map(({ name }) => ({ name, onFailure }) as const);
    return { ...job, name: `step-${layer}-${place}`, dependsOn };
  }

  #quick(): Doing {
    return { kind: "enqueue", job: this.#plainQuick() };
  }

  #plainQuick(): PlannedJob {
    return this.#remembered(this.job("chaos.quick"));
  }

  #remembered(job: PlannedJob): PlannedJob {
    this.plain.push(job.nonce);
    return job;
  }
}
