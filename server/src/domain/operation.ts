import type { DeadLetterFilter } from "./dead-letter.ts";
import type { JobState } from "./job-machine.ts";
import type { JobFilter } from "./job-view.ts";

/** What an operation does: something to jobs of a choice, or to a run. */
export type OperationKind = JobAction["kind"] | "cancel_run" | "replay_run";

/** Where an operation stands. */
export type OperationState = "running" | "done" | "stopped";

/** What became of one job. */
export type OperationOutcome = "applied" | "unchanged" | "refused";

/** What an operator does to jobs. */
export type JobAction =
  | { readonly kind: "retry" }
  /** How long a running job may take to stop; the lease policy's drain_grace if undefined. */
  | { readonly kind: "cancel"; readonly graceMs: number | undefined }
  | { readonly kind: "discard" }
  | { readonly kind: "reprioritise"; readonly priority: number }
  | { readonly kind: "move"; readonly queue: string }
  | { readonly kind: "extend_deadline"; readonly deadlineMs: number };

/** Which jobs it is done to. */
export type OperationTarget =
  | { readonly kind: "jobs"; readonly jobIds: readonly string[] }
  | { readonly kind: "matching"; readonly filter: JobFilter }
  | { readonly kind: "dead_letters"; readonly filter: DeadLetterFilter };

/** One change to many jobs. */
export interface JobOperation {
  readonly target: OperationTarget;
  readonly action: JobAction;
  /** 0: as many as the server can. */
  readonly maxPerSecond: number;
}

const UNFINISHED = ["blocked", "scheduled", "ready", "offered", "running"] as const;

/**
 * Where jobs stand that an action can change or has to refuse because somebody is at work on them.
 * A filter looks nowhere else: nobody should walk over ten million finished jobs to be refused.
 */
const LOOKED_AT: Readonly<Record<JobAction["kind"], readonly JobState[]>> = {
  retry: ["scheduled", "dead"],
  cancel: UNFINISHED,
  discard: ["dead"],
  reprioritise: UNFINISHED,
  move: UNFINISHED,
  extend_deadline: UNFINISHED,
};

/** The states in which jobs that match a filter are looked at; `wanted` empty: any. */
export const statesToLookAt = (
  action: JobAction["kind"],
  wanted: readonly JobState[],
): readonly JobState[] =>
  LOOKED_AT[action].filter((state) => wanted.length === 0 || wanted.includes(state));

/** The most jobs that a step changes: it holds their locks until it commits. */
export const MAX_STEP = 500;

/** How many steps a second an operation with a rate makes, so that it goes evenly. */
const STEPS_PER_SECOND = 4;

// A hundred years: a rate can be as small as a double, and no clock shows what lies so far ahead.
const LONGEST_REST_MS = 100 * 366 * 86_400_000;

/** How many jobs a step takes, and how long to rest after so many, in milliseconds. */
export interface Pace {
  readonly size: number;
  readonly restMs: (jobs: number) => number;
}

/** The pace that keeps to a rate of jobs a second; 0 stands for no rate. */
export function paceOf(maxPerSecond: number): Pace {
  if (maxPerSecond === 0) return { size: MAX_STEP, restMs: () => 0 };
  const size = Math.min(MAX_STEP, Math.max(1, Math.floor(maxPerSecond / STEPS_PER_SECOND)));
  return { size, restMs: (jobs) => Math.min(LONGEST_REST_MS, (jobs * 1_000) / maxPerSecond) };
}

/** Why a job could not be changed. */
export type Refusal =
  | "JOB_NOT_FOUND"
  | "JOB_FINISHED"
  | "JOB_NOT_DEAD"
  | "JOB_BEING_WORKED_ON"
  | "QUEUE_FULL"
  | "DEAD_LETTER_DISCARDED";

/** What an action left as it was. */
export type LeftAlone =
  | { readonly outcome: "unchanged"; readonly reason: "" }
  | { readonly outcome: "refused"; readonly reason: Refusal };

const UNCHANGED: LeftAlone = { outcome: "unchanged", reason: "" };

const refused = (reason: Refusal): LeftAlone => ({ outcome: "refused", reason });

/** A job that an action did not change; undefined: there is none. */
export type Standing =
  | {
      readonly state: JobState;
      /** Whether what the action sets has that value: the priority, the queue, the deadline. */
      readonly alike: boolean;
    }
  | undefined;

/** What is to be said about a job that an action did not change. */
export function leftAlone(action: JobAction["kind"], standing: Standing): LeftAlone {
  if (standing === undefined) return refused("JOB_NOT_FOUND");
  const { state, alike } = standing;
  const finished = state === "succeeded" || state === "cancelled" || state === "dead";
  switch (action) {
    case "retry":
      if (state === "dead") return refused("DEAD_LETTER_DISCARDED");
      return finished ? refused("JOB_NOT_DEAD") : UNCHANGED;
    case "discard":
      return state === "dead" ? UNCHANGED : refused("JOB_NOT_DEAD");
    case "cancel":
      if (state === "cancelled") return UNCHANGED;
      break;
    default:
      if (alike && !finished) return UNCHANGED;
  }
  return refused(finished ? "JOB_FINISHED" : "JOB_BEING_WORKED_ON");
}
