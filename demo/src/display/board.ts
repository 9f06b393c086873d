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

/** The jobs of the run as they stand, in the run's order. */
export class Board {
  readonly #jobs: Map<string, BoardJob>;

  /** Every job waits at first. */
  constructor(names: readonly string[]) {
    this.#jobs = new Map(names.map((name) => [name, waiting(name)]));
  }

  /** Takes news of a job; returns what was known before. News of unknown jobs is left out. */
  update(job: BoardJob): BoardJob | undefined {
    const known = this.#jobs.get(job.name);
    if (known !== undefined) this.#jobs.set(job.name, job);
    return known;
  }

  /** All jobs in the run's order. */
  get jobs(): readonly BoardJob[] {
    return [...this.#jobs.values()];
  }

  /** How many stand where. */
  get counts(): Counts {
    const counts = { waiting: 0, running: 0, succeeded: 0, dead: 0, cancelled: 0 };
    for (const { state } of this.#jobs.values()) counts[bucketOf(state)]++;
    return counts;
  }
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
