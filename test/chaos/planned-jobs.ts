import { POISON_TYPE } from "./invariants/poison.ts";

/** The tenants of a run. No name is a part of another, or of anything else that is written. */
export const TENANTS = ["tenant-red", "tenant-green", "tenant-blue"] as const;

/** What the job types do; see worker.ts. The last two have handlers in TypeScript only. */
export const JOB_TYPES = [
  "chaos.quick",
  "chaos.work",
  "chaos.deaf",
  "chaos.flaky",
  "chaos.hopeless",
  POISON_TYPE,
  "chaos.fan",
  "chaos.window",
] as const;

/** A job that will be asked for. All of it but `delayMs` is its content. */
export interface PlannedJob {
  readonly nonce: string;
  readonly jobType: (typeof JOB_TYPES)[number];
  /** How long its handler works. */
  readonly workMs: number;
  /** How many attempts fail before one succeeds; of "chaos.window" those of every bad window. */
  readonly failures: number;
  readonly maxAttempts?: number;
  readonly priority: number;
  readonly idempotencyKey?: string;
  readonly source?: string;
  readonly concurrencyKey?: string;
  /** It starts no earlier than this after it was asked for. */
  readonly delayMs?: number;
  /** A label that bulk operations look for. */
  readonly herd?: string;
  /** The window that it covers; its source is {@link SOURCE}. */
  readonly window?: PlannedWindow;
  /** What its handler appends to its run. */
  readonly fanOut?: readonly PlannedStep[];
}

/** A dependency of a step; the contract's defaults where nothing is said. */
export interface PlannedDependency {
  readonly name: string;
  readonly onFailure?: "cancel" | "hold" | "continue";
  readonly when?: "success" | "completion" | "failure";
  readonly includeFanOut?: boolean;
}

/** A job of a run that will be asked for. */
export interface PlannedStep extends PlannedJob {
  readonly name: string;
  readonly dependsOn: readonly PlannedDependency[];
}

/** The source whose event time is covered; each tenant has one of that name. */
export const SOURCE = "feed";

/** A series of windows of {@link SOURCE}. */
export interface PlannedSeries {
  readonly scope: string;
  readonly widthMs: number;
  readonly latenessMs: number;
  /** How many windows lie between its origin and the start of the run. */
  readonly before: number;
}

/**
 * "deep" lies in the past, all of it due: backfills are about it. "live" begins with the run: its
 * windows become due while it goes on, and attempts that come too early cover nothing.
 */
export const SERIES: readonly [deep: PlannedSeries, live: PlannedSeries] = [
  { scope: "deep", widthMs: 60_000, latenessMs: 0, before: 600 },
  { scope: "live", widthMs: 2_000, latenessMs: 1_000, before: 0 },
];

/** A window by its number from the origin of its series on. */
export interface PlannedWindow {
  readonly scope: string;
  readonly index: number;
}

/** When a series begins, given when the run does. */
export const originOf = ({ widthMs, before }: PlannedSeries, startedAtMs: number): number =>
  (Math.floor(startedAtMs / widthMs) - before) * widthMs;

/** The window as a job declares it. */
export function windowOf({ scope, index }: PlannedWindow, startedAtMs: number) {
  const series = SERIES.find((one) => one.scope === scope);
  if (series === undefined) throw new RangeError(`no series ${scope}`);
  const startMs = originOf(series, startedAtMs) + index * series.widthMs;
  return { scope, start: new Date(startMs), end: new Date(startMs + series.widthMs) };
}

/** Makes jobs of one tenant whose nonces begin with a prefix that nobody else uses. */
export class JobMaker {
  readonly #prefix: string;
  #count = 0;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** A name that nothing else has. */
  nonce(): string {
    return `${this.#prefix}${++this.#count}`;
  }

  job(jobType: PlannedJob["jobType"], over: Partial<PlannedJob> = {}): PlannedJob {
    return { nonce: this.nonce(), jobType, workMs: 0, failures: 0, priority: 0, ...over };
  }
}
