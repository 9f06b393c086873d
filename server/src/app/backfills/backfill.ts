import type { JobSpec } from "../../domain/job-spec.ts";
import type { Audit } from "../audit.ts";

/** What a backfill does, its defaults filled in. */
export interface BackfillSpec {
  readonly source: string;
  readonly scope: string;
  readonly start: Date;
  readonly end: Date;
  /** The job of each window, without the window. */
  readonly job: JobSpec;
  readonly maxParallel: number;
  readonly repeatCovered: boolean;
}

/** Where a backfill stands; cancelling: jobs of it are unfinished. */
export type BackfillState =
  | "running"
  | "paused"
  | "cancelling"
  | "succeeded"
  | "failed"
  | "cancelled";

/** A backfill as the ledger has it. */
export interface Backfill extends Audit {
  readonly tenant: string;
  readonly id: string;
  readonly spec: BackfillSpec;
  readonly state: BackfillState;
  readonly windows: number;
  readonly covered: number;
  readonly shared: number;
  readonly inProgress: number;
  readonly failed: number;
  readonly createdAt: Date;
  readonly finishedAt: Date | undefined;
}

/** What became of a window, as the contract has it. */
export type BackfillWindowState = "in_progress" | "covered" | "shared" | "failed";

/** A window that a backfill made or found a job for. */
export interface BackfillWindow {
  readonly start: Date;
  readonly end: Date;
  readonly state: BackfillWindowState;
  /** Undefined: it was covered before a job was made. */
  readonly jobId: string | undefined;
}

/** More would take a day at ten a second, and is better asked for in parts. */
export const MAX_BACKFILL_WINDOWS = 1_000_000;

/** max_parallel where none is said. */
export const DEFAULT_PARALLEL = 10;

/** Why a backfill cannot be. */
export type BackfillRefused =
  | { readonly kind: "series_not_found" }
  | { readonly kind: "too_large"; readonly windows: number; readonly maxWindows: number };
