import type { PlanFault } from "../../domain/plan/fault.ts";
import type { ScheduleContent } from "../../domain/plan/schedule-content.ts";
import type { EnqueueResult } from "../jobs/enqueue-jobs.ts";
import type { CreateRunResult } from "../runs/create-run.ts";

/** Why a schedule does not fire. */
export interface SchedulePause {
  readonly reason: string;
  readonly actor: string;
  /** RFC 3339. */
  readonly since: string;
}

/** A schedule as the ledger has it; plain JSON but for the moments. */
export interface StoredSchedule {
  readonly name: string;
  readonly content: ScheduleContent;
  readonly version: number;
  readonly pause: SchedulePause | undefined;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Jitter included; undefined: it does not fire any more, or is paused. */
  readonly nextFireAt: Date | undefined;
  /** Of the newest firing, whatever became of it. */
  readonly lastNominal: Date | undefined;
}

/** What can become of a firing. */
export const FIRING_OUTCOMES = ["created", "skipped", "queued", "missed", "failed"] as const;
/** One of {@link FIRING_OUTCOMES}. */
export type FiringOutcome = (typeof FIRING_OUTCOMES)[number];

/** One firing of a schedule. */
export interface Firing {
  readonly schedule: string;
  readonly nominalAt: Date;
  readonly firedAt: Date;
  readonly outcome: FiringOutcome;
  readonly jobId: string | undefined;
  readonly runId: string | undefined;
  /** How many firings a missed one stands for; 0 for others. */
  readonly missedCount: number;
  readonly error: string | undefined;
  /** Of the call that triggered it; undefined: the clock did. */
  readonly requestId: string | undefined;
}

/** Why a target cannot be made: now, or ever. */
export type TargetRefusal =
  | {
      readonly kind: "job";
      readonly why: Exclude<EnqueueResult, { kind: "created" | "duplicate" }>;
    }
  | {
      readonly kind: "run";
      readonly why: Exclude<CreateRunResult, { kind: "created" | "existing" }>;
    }
  | { readonly kind: "pipeline_not_found"; readonly name: string; readonly version: number }
  | { readonly kind: "parameter_faults"; readonly faults: readonly PlanFault[] }
  | {
      readonly kind: "window_series_not_found" | "no_window_due";
      readonly source: string;
      readonly scope: string;
    };

/** Why a target was refused, as the list of firings says it: the reason of the error, and facts. */
export function refusalText(refusal: TargetRefusal): string {
  switch (refusal.kind) {
    case "job":
    case "run": {
      const { kind, ...facts } = refusal.why;
      return `${kind.toUpperCase()}: ${factsText(facts)}`;
    }
    case "pipeline_not_found": {
      const { name, version } = refusal;
      return `PIPELINE_NOT_FOUND: ${factsText(version === 0 ? { name } : { name, version })}`;
    }
    case "parameter_faults": {
      const faults = refusal.faults.map(({ path, description }) => `${path}: ${description}`);
      return `PARAMETER_INVALID: ${faults.join("; ")}`.slice(0, MAX_ERROR_CHARACTERS);
    }
    case "window_series_not_found":
    case "no_window_due": {
      const { kind, source, scope } = refusal;
      return `${kind.toUpperCase()}: ${factsText({ source, scope })}`;
    }
  }
}

/** Enough for every reason there is; parameters can be many. */
const MAX_ERROR_CHARACTERS = 2_000;

const factsText = (facts: object): string =>
  Object.entries(facts)
    .map(([name, value]) => `${name}=${typeof value === "object" ? JSON.stringify(value) : value}`)
    .join("; ")
    .slice(0, MAX_ERROR_CHARACTERS);
