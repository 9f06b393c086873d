import type { EdgeRow, EventRow } from "../history.ts";

/** How a job ended, as those see it that depend on it; "failed" is dead or cancelled. */
export type End = "succeeded" | "failed" | "skipped";

/** What an end means along an edge; as the contract says it, not as the server computes it. */
export type Meaning = "met" | "cancel" | "skip" | "nothing";

/** See {@link Meaning}. */
export function meaningOf({ condition, onFailure }: EdgeRow, end: End): Meaning {
  if (condition === "completion") return "met";
  if (condition === "failure") return end === "failed" ? "met" : "skip";
  if (end === "succeeded") return "met";
  if (onFailure === "continue") return "met";
  if (end === "skipped") return "skip";
  return onFailure === "cancel" ? "cancel" : "nothing";
}

/** The end that a step is, if it is one. */
export function endIn({ toState, kind }: EventRow): End | undefined {
  if (toState === "succeeded") return "succeeded";
  if (toState === "dead") return "failed";
  if (toState === "cancelled") return kind === "skipped" ? "skipped" : "failed";
  return undefined;
}

/** How a job had ended before an event, if it had. */
export function endBefore(steps: readonly EventRow[], id: number): End | undefined {
  const last = steps.findLast((step) => step.id < id);
  return last && endIn(last);
}

/** Whether somebody brought it back from the dead: its ends before that were none. */
export const wasRetried = (steps: readonly EventRow[]): boolean =>
  steps.some(({ kind, fromState }) => kind === "retried" && fromState === "dead");

/** The first step by which a job was not blocked, or no longer; it may have ended by it. */
export const leaving = (steps: readonly EventRow[]): EventRow | undefined =>
  steps.find(({ toState }) => toState !== "blocked");

/** The same, if it let the job go. */
export function lettingGo(steps: readonly EventRow[]): EventRow | undefined {
  const step = leaving(steps);
  return step?.toState === "ready" || step?.toState === "scheduled" ? step : undefined;
}

/** After all events. */
export const AT_THE_END = Number.POSITIVE_INFINITY;
