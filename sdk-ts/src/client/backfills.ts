import { v7 } from "uuid";
import { toDate, toMs, toTimestamp } from "../contract/time.ts";
import type {
  Backfill as BackfillMessage,
  PreviewBackfillResponse,
  BackfillSpec as SpecMessage,
} from "../gen/stellaops/orchestrator/v1/backfill_pb.ts";
import { type ActionOptions, type Caller, type CallOptions, whyOf } from "./call.ts";
import { type FlowScope, toFlowScope } from "./explaining.ts";
import { type JobTemplate, toJobRequest, toTemplateSpec } from "./job-spec.ts";
import { pages } from "./listing.ts";
import { type BackfillState, backfillStates } from "./names.ts";
import { present } from "./present.ts";
import { type EventWindow, toWindow } from "./window.ts";

/** What a backfill does. */
export interface BackfillSpec {
  readonly source: string;
  /** The partition of the source; the source has none unless told. */
  readonly scope?: string;
  /** From this event time on; rounded down to the start of a window. */
  readonly start: Date;
  /** Up to this event time; rounded up to the end of a window. */
  readonly end: Date;
  /** The job of each window; its source is the backfill's. */
  readonly job: JobTemplate;
  /** The most of its jobs that may be unfinished at once; 10 unless told. */
  readonly maxParallel?: number;
  /** Whether windows that are covered are covered again. False unless told. */
  readonly repeatCovered?: boolean;
}

/** What a backfill would do. */
export interface BackfillPreview {
  /** How many windows the range has. */
  readonly windows: number;
  /** How many of them are covered. */
  readonly covered: number;
  /** How many unfinished jobs are to cover already. */
  readonly inProgress: number;
  /** How many are not due yet; they are left out. */
  readonly notDue: number;
  /** How many jobs it would make. */
  readonly jobs: number;
  /** The range after rounding. */
  readonly start: Date | undefined;
  readonly end: Date | undefined;
  /** How long one job takes by the newest attempts of the series; undefined if there are none. */
  readonly meanJobMs: number | undefined;
  /** How long all of it takes at that pace, if nothing limits it. */
  readonly estimatedMs: number | undefined;
  /** What has limits that apply to its jobs. */
  readonly limitedBy: readonly FlowScope[];
  /** The first 10 windows that it would cover. */
  readonly sample: readonly EventWindow[];
}

/** A backfill as the ledger has it. */
export interface Backfill {
  readonly backfillId: string;
  /** What it does, its range rounded. */
  readonly spec: BackfillSpec;
  readonly state: BackfillState;
  readonly actor: string;
  readonly reason: string;
  readonly ticket: string;
  /** How many windows the range has. */
  readonly windows: number;
  /** How many its jobs covered. */
  readonly covered: number;
  /** How many were covered already, or by jobs that are not its own. */
  readonly shared: number;
  /** How many of its jobs are unfinished. */
  readonly inProgress: number;
  /** How many failed: their job is dead or was cancelled. */
  readonly failed: number;
  readonly createTime: Date | undefined;
  readonly finishTime: Date | undefined;
}

const fromSpec = (spec: BackfillSpec) => ({
  source: spec.source,
  scope: spec.scope ?? "",
  startTime: toTimestamp(spec.start),
  endTime: toTimestamp(spec.end),
  job: toTemplateSpec(spec.job),
  maxParallel: spec.maxParallel ?? 0,
  repeatCovered: spec.repeatCovered ?? false,
});

const toSpec = (spec: SpecMessage): BackfillSpec => ({
  source: spec.source,
  scope: spec.scope,
  start: present(toDate(spec.startTime), "start of the range"),
  end: present(toDate(spec.endTime), "end of the range"),
  job: spec.job ? toJobRequest(spec.job) : { jobType: "" },
  maxParallel: spec.maxParallel,
  repeatCovered: spec.repeatCovered,
});

const toBackfill = (backfill: BackfillMessage): Backfill => ({
  backfillId: backfill.backfillId,
  spec: toSpec(present(backfill.spec, "spec of the backfill")),
  state: backfillStates.nameOf(backfill.state) ?? "running",
  actor: backfill.actor,
  reason: backfill.reason,
  ticket: backfill.ticket,
  windows: Number(backfill.windows),
  covered: Number(backfill.covered),
  shared: Number(backfill.shared),
  inProgress: Number(backfill.inProgress),
  failed: Number(backfill.failed),
  createTime: toDate(backfill.createTime),
  finishTime: toDate(backfill.finishTime),
});

const toPreview = (preview: PreviewBackfillResponse): BackfillPreview => ({
  windows: Number(preview.windows),
  covered: Number(preview.covered),
  inProgress: Number(preview.inProgress),
  notDue: Number(preview.notDue),
  jobs: Number(preview.jobs),
  start: toDate(preview.startTime),
  end: toDate(preview.endTime),
  meanJobMs: toMs(preview.meanJobDuration),
  estimatedMs: toMs(preview.estimatedDuration),
  limitedBy: preview.limits.map(({ scope }) => toFlowScope(scope)),
  sample: preview.sample.map(toWindow).filter((window) => window !== undefined),
});

/** Covers event time that was missed, or covers it again: `orchestrator.backfills`. */
export class Backfills {
  readonly #caller: Caller;

  /** Made by the Orchestrator. */
  constructor(caller: Caller) {
    this.#caller = caller;
  }

  /** Says what a backfill would do. Errors: WINDOW_SERIES_NOT_FOUND, BACKFILL_TOO_LARGE. */
  async preview(spec: BackfillSpec, options: CallOptions = {}): Promise<BackfillPreview> {
    const { connection, call } = this.#caller;
    const request = { spec: fromSpec(spec) };
    return toPreview(
      await call(options, (signal) => connection.backfills.previewBackfill(request, { signal })),
    );
  }

  /** Starts a backfill; the history wants a reason. Errors: those of {@link preview}. */
  async create(
    spec: BackfillSpec,
    options: ActionOptions & { readonly reason: string },
  ): Promise<Backfill> {
    const { connection, call } = this.#caller;
    const request = { spec: fromSpec(spec), requestId: v7(), ...whyOf(options) };
    const { backfill } = await call(options, (signal) =>
      connection.backfills.createBackfill(request, { signal }),
    );
    return toBackfill(present(backfill, "backfill"));
  }

  /** A backfill with its progress. Errors: BACKFILL_NOT_FOUND. */
  async get(backfillId: string, options: CallOptions = {}): Promise<Backfill> {
    const { connection, call } = this.#caller;
    const { backfill } = await call(options, (signal) =>
      connection.backfills.getBackfill({ backfillId }, { signal }),
    );
    return toBackfill(present(backfill, "backfill"));
  }

  /** Lists backfills, newest first, fetching pages as they are wanted. */
  list(
    filter: {
      /** Of this source; of all unless told. */
      readonly source?: string;
    } = {},
    options: CallOptions = {},
  ): AsyncIterable<Backfill> {
    const { connection, call } = this.#caller;
    const { source = "" } = filter;
    return pages(async (pageToken) => {
      const page = await call(options, (signal) =>
        connection.backfills.listBackfills({ source, pageToken }, { signal }),
      );
      return { items: page.backfills.map(toBackfill), nextPageToken: page.nextPageToken };
    });
  }

  /** Stops it from making jobs. Errors: BACKFILL_NOT_FOUND, BACKFILL_FINISHED. */
  pause(backfillId: string, options: ActionOptions = {}): Promise<Backfill> {
    return this.#change("pauseBackfill", backfillId, options);
  }

  /** Ends a pause. Errors: BACKFILL_NOT_FOUND, BACKFILL_FINISHED. */
  resume(backfillId: string, options: ActionOptions = {}): Promise<Backfill> {
    return this.#change("resumeBackfill", backfillId, options);
  }

  /**
   * Cancels a backfill and its unfinished jobs; what is covered stays covered. Errors:
   * BACKFILL_NOT_FOUND, BACKFILL_FINISHED.
   */
  cancel(backfillId: string, options: ActionOptions = {}): Promise<Backfill> {
    return this.#change("cancelBackfill", backfillId, options);
  }

  async #change(
    method: "pauseBackfill" | "resumeBackfill" | "cancelBackfill",
    backfillId: string,
    options: ActionOptions,
  ): Promise<Backfill> {
    const { connection, call } = this.#caller;
    const request = { backfillId, ...whyOf(options) };
    const { backfill } = await call<{ readonly backfill?: BackfillMessage }>(options, (signal) =>
      connection.backfills[method](request, { signal }),
    );
    return toBackfill(present(backfill, "backfill"));
  }
}
