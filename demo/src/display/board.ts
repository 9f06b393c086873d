/** Where a job stands, as the SDK names it. */
export type BoardState =
  | "blocked"
  | "scheduled"
  | "ready"
  | "offered"
  | "running"
  | "succeeded"
  | "failed"
  | "dead"
  | "cancelled";

/** What the display needs to know about a job; the SDK's Job has it all. */
export interface BoardJob {
  /** Its name in the run. */
  readonly name: string;
  /** Where it stands. */
  readonly state: BoardState;
  /** The number of the newest attempt; 0 before the first. */
  readonly attempt: number;
  /** When the newest attempt started. */
  readonly startTime: Date | undefined;
  /** When it became succeeded, dead or cancelled. */
  readonly finishTime: Date | undefined;
  /** How far the newest attempt got. */
  readonly progress: { readonly fraction: number; readonly message: string } | undefined;
  /** Why the newest attempt did not succeed. */
  readonly lastFailure: { readonly failureClass: string; readonly message: string } | undefined;
}

/** How many jobs stand where, in the words of the display. */
export interface Counts {
  /** Not started. */
  readonly waiting: number;
  /** Offered or running. */
  readonly running: number;
  /** Done. */
  readonly succeeded: number;
  /** Dead letters. */
  readonly dead: number;
  /** Cancelled. */
  readonly cancelled: number;
}

/** The jobs of the run as they stand; more may come at any time. */
export class Board {
  #jobs: Map<string, BoardJob>;
  #counted: Counts | undefined;

  /** The jobs that are known from the start; every one waits. */
  constructor(names: readonly string[]) {
    this.#jobs = new Map(names.map((name) => [name, waiting(name)]));
  }

  /** Takes news of a job; returns what was known before, undefined when it is new itself. */
  update(job: BoardJob): BoardJob | undefined {
    const known = this.#jobs.get(job.name);
    this.#jobs.set(job.name, job);
    return known;
  }

  /** Of a run with too many jobs to know each: how many stand where, and some worth showing. */
  count(counts: Counts, some: readonly BoardJob[]): void {
    this.#counted = counts;
    this.#jobs = new Map(some.map((job) => [job.name, job]));
  }

  /** The jobs that are known, in the order in which they came. */
  get jobs(): readonly BoardJob[] {
    return [...this.#jobs.values()];
  }

  /** How many stand where. */
  get counts(): Counts {
    if (this.#counted !== undefined) return this.#counted;
    const counts = noCounts();
    for (const { state } of this.#jobs.values()) counts[bucketOf(state)]++;
    return counts;
  }
}

/** Nothing stands anywhere; to be counted up. */
export function noCounts(): Record<keyof Counts, number> {
  return { waiting: 0, running: 0, succeeded: 0, dead: 0, cancelled: 0 };
}

/** The display's word for a state. */
export function bucketOf(state: BoardState): keyof Counts {
  switch (state) {
    case "succeeded":
    case "dead":
    case "cancelled":
      return state;
    case "offered":
    case "running":
      return "running";
    default:
      return "waiting";
  }
}

/** How long the newest attempt took, in seconds; undefined when none ended. */
export function attemptSeconds(job: BoardJob): number | undefined {
  if (job.startTime === undefined || job.finishTime === undefined) return undefined;
  return Math.max(job.finishTime.getTime() - job.startTime.getTime(), 0) / 1000;
}

function waiting(name: string): BoardJob {
  return {
    name,
    state: "blocked",
    attempt: 0,
    startTime: undefined,
    finishTime: undefined,
    progress: undefined,
    lastFailure: undefined,
  };
}
