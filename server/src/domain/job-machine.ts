/** Where a job can stand. `failed` is passed through, never rested in. */
export type JobState =
  | "blocked"
  | "scheduled"
  | "ready"
  | "offered"
  | "running"
  | "succeeded"
  | "failed"
  | "dead"
  | "cancelled";

/** A legal move: what happened, from where (null: the job is new) and to where. */
export interface Move {
  readonly kind: string;
  readonly from: JobState | null;
  readonly to: JobState;
  /** What makes it happen, for the documentation. */
  readonly because: string;
}

const move = (kind: string, from: JobState | null, to: JobState, because: string) =>
  ({ kind, from, to, because }) as const;

/**
 * Every legal move of a job; one that is not listed is illegal. The ledger refuses it
 * (constraint `job_event_legal`), docs/job-states.md is generated from this table, and a test
 * fails when a move is never exercised.
 */
export const MOVES = [
  move("enqueued", null, "blocked", "it depends on other jobs"),
  move("enqueued", null, "scheduled", "its not_before lies ahead"),
  move("enqueued", null, "ready", "nothing holds it"),
  move("unblocked", "blocked", "scheduled", "all it depends on succeeded, its not_before is ahead"),
  move("unblocked", "blocked", "ready", "all it depends on succeeded"),
  move("due", "scheduled", "ready", "its moment came"),
  move("offered", "ready", "offered", "a session with a free slot"),
  move(
    "offer_returned",
    "offered",
    "ready",
    "not accepted in time, declined, or the session ended",
  ),
  move("started", "offered", "running", "the worker accepted"),
  move("started", "ready", "running", "a unary claim"),
  move("released", "running", "ready", "given back before the handler began"),
  move("succeeded", "running", "succeeded", "completed"),
  move("succeeded", "ready", "succeeded", "completed under an expired lease nobody else got"),
  move("failed", "running", "failed", "the attempt failed or ran past its deadline"),
  move("retry_scheduled", "failed", "scheduled", "attempts and time are left"),
  move("died", "failed", "dead", "terminal failure, or the retry budget is spent"),
  move("interrupted", "running", "ready", "crash, lost lease or drain; the budget is not spent"),
  move("quarantined", "running", "dead", "interrupted once more than the budget allows"),
  move("cancelled", "blocked", "cancelled", "cancelled, or a dependency failed"),
  move("cancelled", "scheduled", "cancelled", "cancelled"),
  move("cancelled", "ready", "cancelled", "cancelled"),
  move("cancelled", "offered", "cancelled", "cancelled"),
  move(
    "cancelled",
    "running",
    "cancelled",
    "cancelled, and the worker stopped or ran out of grace",
  ),
  move("retried", "dead", "ready", "an operator retried it"),
  move("retried", "scheduled", "ready", "an operator retried it now"),
  move("skipped", "blocked", "cancelled", "its run does not need it"),
  move("discarded", "dead", "dead", "an operator gave the dead letter up"),
  move("updated", "blocked", "blocked", "an operator changed its priority, queue or deadline"),
  move("updated", "scheduled", "scheduled", "an operator changed its priority, queue or deadline"),
  move("updated", "ready", "ready", "an operator changed its priority, queue or deadline"),
  move("updated", "offered", "offered", "an operator moved its deadline"),
  move("updated", "running", "running", "an operator moved its deadline"),
  move("stuck", "blocked", "blocked", "what it waits for cannot happen by itself"),
  move("stuck", "ready", "ready", "what it waits for cannot happen by itself"),
] as const satisfies readonly Move[];

/** States that a job never leaves by itself; only an operator's retry leaves `dead`. */
export const TERMINAL_STATES: ReadonlySet<JobState> = new Set(["succeeded", "dead", "cancelled"]);

/** Whether a job in this state is finished. */
export const isTerminal = (state: JobState): boolean => TERMINAL_STATES.has(state);
