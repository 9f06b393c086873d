import { limitsOf } from "./flow/lane-limits.ts";
import type { FlowConfig } from "./flow/settings.ts";
import { type ShutForGood, shutForGood } from "./flow/shut.ts";
import type { Lane } from "./offer.ts";

/** Why what a job waits for cannot happen by itself. */
export const STUCK_CAUSES = ["no_worker", "dependency", "limit"] as const;
/** One of {@link STUCK_CAUSES}. */
export type StuckCause = (typeof STUCK_CAUSES)[number];

/** Something that waits in vain: a lane or a job. */
export interface StuckFinding {
  /** Names the lane or the job. */
  readonly subject: string;
  readonly cause: StuckCause;
  /** What to do about it, for people. */
  readonly advice: string;
}

/** What an earlier look wrote down. */
export interface StuckNote extends StuckFinding {
  /** Since when, in milliseconds before now. */
  readonly ageMs: number;
  /** Whether it was there for long enough to be said. */
  readonly announced: boolean;
}

/** What a look changes about the notes. */
export interface StuckChanges {
  /** New, or for another cause than before: their time begins now. */
  readonly begun: readonly StuckFinding[];
  /** There for long enough: to be announced. */
  readonly due: readonly StuckFinding[];
  /** Subjects whose cause is gone. */
  readonly gone: readonly string[];
}

/**
 * Compares what a look found with the notes of the looks before. A finding is announced once it
 * has been there, for the same cause, for `afterMs`: a worker that restarts is not a worker that
 * is missing.
 */
export function compareStuck(
  found: readonly StuckFinding[],
  notes: readonly StuckNote[],
  afterMs: number,
): StuckChanges {
  const known = new Map(notes.map((note) => [note.subject, note]));
  const begun: StuckFinding[] = [];
  const due: StuckFinding[] = [];
  for (const finding of found) {
    const note = known.get(finding.subject);
    known.delete(finding.subject);
    if (note?.cause !== finding.cause) begun.push(finding);
    else if (!note.announced && note.ageMs >= afterMs) due.push(finding);
  }
  return { begun, due, gone: [...known.keys()] };
}

/** Names a lane within its tenant, for notes; unlike a lane's key it can be stored as text. */
export const laneSubject = (lane: Lane): string =>
  JSON.stringify([lane.queue, lane.jobType, lane.priority, lane.source, lane.concurrencyKey]);

/**
 * Why the ready jobs of a lane wait in vain, if they do. A limit comes first: with it workers would
 * wait as well.
 *
 * @param served whether any worker, on any replica, takes its job type from its queue.
 */
export function judgeLane(lane: Lane, config: FlowConfig, served: boolean): StuckFinding[] {
  const subject = laneSubject(lane);
  const shut = shutForGood(limitsOf(config, lane));
  if (shut !== undefined) {
    return [{ subject, cause: "limit", advice: limitAdvice(shut) }];
  }
  if (served) return [];
  const { queue, jobType } = lane;
  const missing = `connect a worker that takes ${jobType} from queue ${queue}`;
  const rest = "put one back that is taken out, or move or cancel these jobs";
  return [{ subject, cause: "no_worker", advice: `${missing}, ${rest}` }];
}

/** What to do about a job that is held by one that it depends on. */
export const HELD_ADVICE =
  "a job that it depends on did not succeed, and its edge says hold: retry that, or cancel this";

function limitAdvice({ scope, by }: ShutForGood): string {
  const name = scope.kind === "tenant" ? "the tenant" : `${scope.kind} ${scope.name}`;
  switch (by) {
    case "pause":
      return `${name} is paused without an end: resume it`;
    case "max_concurrency":
      return `the max_concurrency of ${name} is 0: raise it`;
    case "quota":
      return `a quota of ${name} is 0: raise it`;
  }
}
