// What a run leaves behind of all that makes or changes jobs by itself. Times as in history.ts.

/** Something that a producer was told is there, or done. */
export interface Grant {
  readonly tenant: string;
  readonly what: "run" | "cancelled run" | "backfill" | "operation" | "schedule";
  /** Its id; a schedule's name. */
  readonly id: string;
  /** When the answer had come. */
  readonly atMs: number;
}

/** A schedule that a producer asked for. */
export interface ScheduleWish {
  readonly tenant: string;
  readonly name: string;
  readonly everyMs: number;
  readonly overlap: "skip" | "queue" | "cancel_running" | "allow";
}

/** A run. */
export interface RunRow {
  readonly tenant: string;
  readonly id: string;
  readonly replayOf?: string;
  readonly schedule?: string;
  readonly isOpen: boolean;
  readonly isBuilding: boolean;
  readonly isCancelled: boolean;
  /** As the run says; its jobs are counted elsewhere. */
  readonly jobCount: number;
}

/** A firing of a schedule. */
export interface FiringRow {
  readonly tenant: string;
  readonly schedule: string;
  readonly nominalMs: number;
  /** When it was decided about. */
  readonly firedMs: number;
  readonly outcome: "created" | "skipped" | "queued" | "missed" | "failed";
  /** Somebody asked for it. */
  readonly isManual: boolean;
  readonly jobId?: string;
  readonly runId?: string;
  readonly missedCount: number;
  readonly error?: string;
}

/** Something that an operator did. */
export interface ActionRow {
  readonly tenant: string;
  readonly kind: string;
  readonly target: string;
  readonly atMs: number;
}

/** A series of windows. */
export interface SeriesRow {
  readonly tenant: string;
  readonly source: string;
  readonly scope: string;
  readonly widthMs: number;
  readonly latenessMs: number;
  readonly originMs: number;
  readonly watermarkMs: number;
}

/** A covered range. */
export interface CoverageRow {
  readonly tenant: string;
  readonly source: string;
  readonly scope: string;
  readonly startMs: number;
  readonly endMs: number;
}

/** A watermark as it was at some time of the run, in the order of the looks. */
export interface WatermarkSample {
  readonly tenant: string;
  readonly source: string;
  readonly scope: string;
  readonly atMs: number;
  readonly watermarkMs: number;
}

/** A backfill. */
export interface BackfillRow {
  readonly tenant: string;
  readonly id: string;
  /** The wish that it serves. */
  readonly wish: string;
  readonly source: string;
  readonly scope: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly createdMs: number;
  readonly state: "running" | "paused" | "cancelling" | "succeeded" | "failed" | "cancelled";
  readonly maxParallel: number;
  readonly repeatCovered: boolean;
  readonly windows: number;
  readonly covered: number;
  readonly shared: number;
  readonly failed: number;
}

/** A window for which a backfill made or found a job. */
export interface BackfillWindowRow {
  readonly tenant: string;
  readonly backfillId: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly state: "in_progress" | "waiting" | "covered" | "shared" | "failed";
  readonly jobId?: string;
}

/** A change to many jobs. */
export interface OperationRow {
  readonly tenant: string;
  readonly id: string;
  readonly kind: string;
  readonly state: "running" | "done" | "stopped";
  readonly runId?: string;
  readonly applied: number;
  readonly unchanged: number;
  readonly refused: number;
}

/** What became of one job. */
export interface OperationResultRow {
  readonly tenant: string;
  readonly operationId: string;
  readonly jobId: string;
  readonly outcome: "applied" | "unchanged" | "refused";
}

/** A dead job that waits for somebody to decide. */
export interface LetterRow {
  readonly tenant: string;
  readonly jobId: string;
}

/** What the ledger holds of it at the end of a run. */
export interface PlanLedger {
  readonly runs: readonly RunRow[];
  readonly firings: readonly FiringRow[];
  readonly actions: readonly ActionRow[];
  readonly series: readonly SeriesRow[];
  readonly coverage: readonly CoverageRow[];
  readonly backfills: readonly BackfillRow[];
  readonly backfillWindows: readonly BackfillWindowRow[];
  readonly operations: readonly OperationRow[];
  readonly operationResults: readonly OperationResultRow[];
  readonly letters: readonly LetterRow[];
}

/** All of it. */
export interface PlanHistory extends PlanLedger {
  readonly grants: readonly Grant[];
  readonly schedules: readonly ScheduleWish[];
  readonly watermarks: readonly WatermarkSample[];
}
