import type { JobState } from "./job-machine.ts";
import type { AttemptOutcome } from "./job-view.ts";

/** What a job spent a span of time on. */
export type SpanKind = "blocked" | "waiting" | "offered" | "running";

/** A span of a job's time. */
export interface Span {
  readonly kind: SpanKind;
  readonly start: Date;
  /** Undefined: it is not over. */
  readonly end: Date | undefined;
  /** 0 where it is about none. */
  readonly attempt: number;
  /** Empty where it is about none. */
  readonly workerId: string;
  /** How the attempt ended; of ended ones that were worked on. */
  readonly outcome: AttemptOutcome | undefined;
}

/** An attempt, ended or not. */
export interface TimedAttempt {
  readonly attempt: number;
  readonly workerId: string;
  readonly offeredAt: Date;
  /** Undefined: not accepted yet. */
  readonly startedAt: Date | undefined;
  /** Undefined: under way. */
  readonly endedAt: Date | undefined;
  readonly outcome: AttemptOutcome | undefined;
}

/** What the ledger knows about a job's time. */
export interface JobTimes {
  readonly state: JobState;
  readonly createdAt: Date;
  readonly beganBlocked: boolean;
  readonly unblockedAt: Date | undefined;
  /** When it became dead or was cancelled. */
  readonly endedAt: Date | undefined;
  /** When operators made it ready after its death. */
  readonly retriedAt: readonly Date[];
  /** The newest, oldest first; the first ones may be missing. */
  readonly attempts: readonly TimedAttempt[];
}

/** How many attempts a timeline shows: the newest. */
export const MAX_SHOWN_ATTEMPTS = 20;

const NOBODY = { attempt: 0, workerId: "", outcome: undefined } as const;

/**
 * What a job spent its time on, oldest first. Spans do not overlap; while a job was dead it spent
 * time on nothing. Of more than {@link MAX_SHOWN_ATTEMPTS} attempts only the newest are told, and
 * what was before them is a gap. Moments come from transactions that ran at the same time, so one
 * may seem to lie before its cause: such a span is left out.
 */
export function spansOf(job: JobTimes): Span[] {
  const spans: Span[] = [];
  const add = (kind: SpanKind, start: Date, end: Date | undefined, by: Partial<Span> = NOBODY) => {
    if (end === undefined || end > start) spans.push({ ...NOBODY, ...by, kind, start, end });
  };
  const [first] = job.attempts;
  let since = job.createdAt;
  if (job.beganBlocked) {
    const end = job.unblockedAt ?? first?.offeredAt ?? job.endedAt;
    add("blocked", since, job.state === "blocked" ? undefined : end);
    if (end === undefined || (first === undefined && job.unblockedAt === undefined)) return spans;
    since = end;
  }
  const left = job.attempts.length - MAX_SHOWN_ATTEMPTS;
  const skipped = left > 0 ? job.attempts[left - 1] : undefined;
  since = skipped?.endedAt ?? since;
  for (const one of job.attempts.slice(Math.max(0, left))) {
    const { attempt, workerId, offeredAt, startedAt, endedAt, outcome } = one;
    add("waiting", waitFrom(job, since, offeredAt), offeredAt);
    add("offered", offeredAt, startedAt, { attempt, workerId });
    if (startedAt === undefined) return spans;
    add("running", startedAt, endedAt, { attempt, workerId, outcome });
    if (endedAt === undefined) return spans;
    since = endedAt;
  }
  const waits = job.state === "ready" || job.state === "scheduled";
  const end = waits ? undefined : job.state === "cancelled" ? job.endedAt : since;
  add("waiting", waitFrom(job, since, end), end);
  return spans;
}

/** From the end before on; or, if the job was dead then, from when it was no longer. */
function waitFrom({ retriedAt }: JobTimes, since: Date, until: Date | undefined): Date {
  const within = retriedAt.filter((at) => at >= since && (until === undefined || at <= until));
  return within.at(-1) ?? since;
}
