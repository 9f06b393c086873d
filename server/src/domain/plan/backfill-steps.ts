import type { JobState } from "../job-machine.ts";
import { isTerminal } from "../job-machine.ts";

/** What is decided about: milliseconds since 1970, on the grid of the series. */
export interface WalkRange {
  readonly startMs: number;
  readonly endMs: number;
}

/** Where a backfill goes on in its range. */
export interface Walk {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly widthMs: number;
  /** Runs of windows to leave out, in order; complete up to `untilMs`. */
  readonly covered: readonly WalkRange[];
  /** The most windows to take. */
  readonly max: number;
}

/** Windows that need a job, and how far that looked. */
export interface Walked {
  /** The starts of windows, in order. */
  readonly starts: readonly number[];
  /** Every window before this one is taken or left out. */
  readonly uptoMs: number;
  /** How many were left out as covered. */
  readonly skipped: number;
}

/** The next windows of a range that are not covered; a run of covered ones costs one step. */
export function walkWindows({ fromMs, untilMs, widthMs, covered, max }: Walk): Walked {
  const starts: number[] = [];
  let uptoMs = fromMs;
  let skipped = 0;
  let next = 0;
  while (uptoMs < untilMs) {
    const run = covered[next];
    if (run !== undefined && run.endMs <= uptoMs) next++;
    else if (run !== undefined && run.startMs <= uptoMs) {
      const endMs = Math.min(run.endMs, untilMs);
      skipped += (endMs - uptoMs) / widthMs;
      uptoMs = endMs;
    } else {
      if (starts.length >= max) break;
      starts.push(uptoMs);
      uptoMs += widthMs;
    }
  }
  return { starts, uptoMs, skipped };
}

/** A window of a backfill that is still open, and where the job stands that is to cover it. */
export interface OpenWindow {
  /** in_progress: its own job; waiting: somebody else's, or none. */
  readonly state: "in_progress" | "waiting";
  /** Undefined: it has no job, or the job is gone from the ledger. */
  readonly jobState: JobState | undefined;
  readonly covered: boolean;
}

/** What becomes of an open window; retry: it needs a job of the backfill's own. */
export type WindowVerdict = "open" | "covered" | "shared" | "failed" | "retry";

/**
 * What becomes of an open window. With `repeat` it does not count that it is covered: a job of now
 * must have succeeded.
 */
export function settleWindow(window: OpenWindow, repeat: boolean): WindowVerdict {
  const { state, jobState, covered } = window;
  const unfinished = jobState !== undefined && !isTerminal(jobState);
  if (state === "waiting") {
    if (repeat ? jobState === "succeeded" && covered : covered) return "shared";
    return unfinished ? "open" : "retry";
  }
  if (unfinished) return "open";
  // It began before the window was due, as the lateness that is allowed is now.
  if (jobState === "succeeded") return covered ? "covered" : "retry";
  return covered && !repeat ? "shared" : "failed";
}
