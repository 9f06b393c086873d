import { JobMaker, type PlannedJob, SERIES } from "./planned-jobs.ts";
import type { Seeded } from "./seeded.ts";

/** A schedule that will be made. */
export interface PlannedSchedule {
  readonly name: string;
  readonly everyMs: number;
  readonly jitterMs: number;
  readonly overlap: (typeof OVERLAPS)[number];
  readonly job: PlannedJob;
  /** Its jobs cover windows of this scope. */
  readonly scope?: string;
  /** It makes runs of two such jobs, by a pipeline of its name. */
  readonly makesRuns: boolean;
}

/** A backfill that will be asked for. */
export interface PlannedBackfill {
  readonly scope: string;
  /** Windows by their numbers from the origin on; the last one is not included. */
  readonly from: number;
  readonly to: number;
  readonly job: PlannedJob;
  readonly maxParallel: number;
  readonly repeatCovered: boolean;
}

/** What is done about time: schedules, windows, backfills. Their names are their jobs' nonces. */
export type TimeOperation =
  | { readonly kind: "schedule"; readonly schedule: PlannedSchedule }
  | { readonly kind: "pause schedule"; readonly name: string; readonly forMs: number }
  | { readonly kind: "trigger schedule"; readonly name: string }
  | { readonly kind: "backfill"; readonly backfill: PlannedBackfill }
  | { readonly kind: "pause backfill"; readonly backfill: string; readonly forMs: number }
  | { readonly kind: "cancel backfill"; readonly backfill: string }
  | { readonly kind: "windows"; readonly jobs: readonly PlannedJob[] }
  | { readonly kind: "look at watermark"; readonly scope: string };

/** What happens to a firing while what the one before made is unfinished. */
export const OVERLAPS = ["skip", "queue", "cancel_running", "allow"] as const;

const REMEMBERED = 4;
const [DEEP, LIVE] = SERIES;
/** Backfills keep away from what no run of a few minutes gets to. */
const DEEP_WINDOWS = 400;

/** The schedules of one tenant: between them the tenants have every overlap policy twice. */
export function planSchedules(random: Seeded, tenant: string, place: number): PlannedSchedule[] {
  const jobs = new JobMaker(`${tenant}/s`);
  return Array.from({ length: 3 }, (_, index): PlannedSchedule => {
    const overlap = OVERLAPS[(place * 3 + index) % OVERLAPS.length] ?? "skip";
    const everyMs = random.between(1, 3) * 1_000;
    // Sometimes longer than the schedule's distance, so that firings meet what is unfinished.
    const workMs = random.between(0, Math.floor(everyMs * (overlap === "queue" ? 0.7 : 1.5)));
    const covers = index === 0;
    return {
      name: `clock-${place}-${index}`,
      everyMs: covers ? LIVE.widthMs : everyMs,
      jitterMs: random.chance(0.5) ? 0 : 300,
      overlap,
      job: jobs.job("chaos.work", { workMs }),
      ...(covers ? { scope: LIVE.scope } : {}),
      makesRuns: index === 2,
    };
  });
}

/** Invents what is done about the event time of one tenant. */
export class TimeDraft {
  readonly #random: Seeded;
  readonly #jobs: JobMaker;
  readonly #schedules: readonly PlannedSchedule[];
  readonly #backfills: string[] = [];

  constructor(random: Seeded, tenant: string, schedules: readonly PlannedSchedule[]) {
    this.#random = random;
    this.#jobs = new JobMaker(`${tenant}/t`);
    this.#schedules = schedules;
  }

  /** `atMs` is when it will be done: what is live has come so far. */
  next(atMs: number): TimeOperation {
    const draw = this.#random.next() * 100;
    if (draw < 22) return this.#backfill(atMs);
    if (draw < 32) return this.#about("pause backfill") ?? this.#backfill(atMs);
    if (draw < 38) return this.#about("cancel backfill") ?? this.#backfill(atMs);
    if (draw < 46) return this.#pauseSchedule();
    if (draw < 54) return { kind: "trigger schedule", name: this.#schedule().name };
    if (draw < 64) return { kind: "look at watermark", scope: this.#random.pick(SERIES).scope };
    return { kind: "windows", jobs: this.#windows(atMs) };
  }

  #about(kind: "pause backfill" | "cancel backfill"): TimeOperation | undefined {
    if (this.#backfills.length === 0) return undefined;
    const backfill = this.#random.pick(this.#backfills);
    const forMs = this.#random.between(500, 4_000);
    return kind === "cancel backfill" ? { kind, backfill } : { kind, backfill, forMs };
  }

  #schedule = (): PlannedSchedule => this.#random.pick(this.#schedules);

  #pauseSchedule(): TimeOperation {
    const forMs = this.#random.between(500, 6_000);
    return { kind: "pause schedule", name: this.#schedule().name, forMs };
  }

  /** Ranges of different backfills overlap more often than not. */
  #backfill(atMs: number): TimeOperation {
    const isLive = this.#random.chance(0.2);
    const reached = Math.ceil(atMs / LIVE.widthMs);
    const count = this.#random.between(20, 120);
    const from = isLive ? 0 : this.#random.between(0, DEEP_WINDOWS - count);
    // Beyond what is live by then: windows that are not due are left out.
    const to = isLive ? reached + 10 : from + count;
    const job = this.#random.chance(0.4)
      ? this.#jobs.job("chaos.window", { failures: 1, priority: -5 })
      : this.#jobs.job("chaos.work", { workMs: this.#random.between(0, 100), priority: -5 });
    this.#backfills.push(job.nonce);
    if (this.#backfills.length > REMEMBERED) this.#backfills.shift();
    const maxParallel = this.#random.between(5, 30);
    const repeatCovered = this.#random.chance(0.2);
    const scope = isLive ? LIVE.scope : DEEP.scope;
    return {
      kind: "backfill",
      backfill: { scope, from, to, job, maxParallel, repeatCovered },
    };
  }

  /** Jobs that say themselves what they cover: some that nobody else does, some too early. */
  #windows(atMs: number): PlannedJob[] {
    const isLive = this.#random.chance(0.5);
    const { scope } = isLive ? LIVE : DEEP;
    const now = Math.floor(atMs / LIVE.widthMs);
    return Array.from({ length: this.#random.between(1, 5) }, () => {
      const index = isLive
        ? Math.max(0, now - this.#random.between(0, 4))
        : this.#random.between(0, DEEP_WINDOWS + 100);
      const workMs = this.#random.between(0, 300);
      return this.#jobs.job("chaos.work", { workMs, window: { scope, index } });
    });
  }
}
