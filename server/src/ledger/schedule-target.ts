import type { Admit } from "../app/flow/admit-jobs.ts";
import { pipelineRun } from "../app/pipelines/run-pipeline.ts";
import { type NewRun, newRun } from "../app/runs/create-run.ts";
import type { TargetRefusal } from "../app/schedules/stored-schedule.ts";
import { contentDigest, type JobSpec } from "../domain/job-spec.ts";
import { bindParameters, type Pipeline } from "../domain/plan/pipeline.ts";
import {
  NOMINAL_LABEL,
  NOMINAL_PARAMETER,
  newestDueWindow,
  nominalText,
  SCHEDULE_LABEL,
  type Schedule,
  type WindowGrid,
} from "../domain/plan/schedule.ts";
import type { ParameterValues } from "../domain/plan/template.ts";
import { newId } from "../lib/ids.ts";
import { type Aftermath, aftermathOf } from "./aftermath.ts";
import { storeJobsInTransaction } from "./enqueue.ts";
import type { PayloadQuota } from "./flow-usage.ts";
import { readPipeline } from "./pipelines.ts";
import { RunRefused, storeRunInTransaction } from "./runs.ts";
import { inPart } from "./savepoint.ts";
import { windowGrid } from "./schedule.sql.ts";
import type { Transaction } from "./transaction.ts";

/** What making jobs and runs by the clock needs. */
export interface TargetOptions {
  readonly retentionMs: number;
  readonly payloadQuota: PayloadQuota;
  readonly maxPayloadBytes: number;
  readonly admit: Admit;
}

/** What a firing made, or why it could not. */
export type Made =
  | {
      readonly kind: "created";
      readonly jobId: string | undefined;
      readonly runId: string | undefined;
      readonly jobs: number;
      readonly aftermath: Aftermath;
    }
  /** Not now: the queue is full, or a quota is used up. */
  | { readonly kind: "later"; readonly retryAfterMs: number; readonly refusal: TargetRefusal }
  | { readonly kind: "refused"; readonly refusal: TargetRefusal };

type Settle = (committed: boolean) => void;

/** Makes what a schedule is for, within the transaction that notes the firing. */
export class TargetMaker {
  readonly #tx: Transaction;
  readonly #options: TargetOptions;
  readonly #places: Settle[];

  /** @param places gets what gives places in queues back; call all of it after the transaction. */
  constructor(tx: Transaction, options: TargetOptions, places: Settle[]) {
    this.#tx = tx;
    this.#options = options;
    this.#places = places;
  }

  /** Makes the job or the run of one firing. What is refused has written nothing. */
  async make(tenant: string, name: string, schedule: Schedule, nominal: Date): Promise<Made> {
    const { target } = schedule;
    if (target.kind === "pipeline") return this.#makeRun(tenant, name, target, nominal);
    const labels = { [SCHEDULE_LABEL]: name, [NOMINAL_LABEL]: nominalText(nominal) };
    const spec = { ...target.spec, labels: { ...target.spec.labels, ...labels } };
    if (schedule.windowScope === undefined) return this.#makeJob(tenant, spec);
    const scope = schedule.windowScope;
    const { source } = spec;
    const grid = await readGrid(this.#tx, tenant, source, scope);
    if (grid === undefined) return refused({ kind: "window_series_not_found", source, scope });
    const window = newestDueWindow(grid, nominal);
    if (window === undefined) return refused({ kind: "no_window_due", source, scope });
    return this.#makeJob(tenant, { ...spec, window: { ...window, scope } });
  }

  async #makeJob(tenant: string, spec: JobSpec): Promise<Made> {
    const job = { tenant, jobId: newId(), spec, contentDigest: contentDigest(spec) };
    const full = await this.#takePlaces(tenant, [{ job, unmet: 0 }]);
    if (full !== undefined) return later({ kind: "job", why: full }, full.retryAfterMs);
    const { retentionMs, payloadQuota } = this.#options;
    const stored = await storeJobsInTransaction(this.#tx, [job], retentionMs, payloadQuota);
    const [why] = stored.results;
    if (why?.kind === "created") {
      const { jobId } = why;
      const aftermath = aftermathOf([tenant], stored.lanes);
      return { kind: "created", jobId, runId: undefined, jobs: 1, aftermath };
    }
    if (why === undefined || why.kind === "duplicate") throw new Error("a new id was taken");
    if (why.kind === "quota_exceeded") return later({ kind: "job", why }, why.retryAfterMs);
    return refused({ kind: "job", why });
  }

  async #makeRun(
    tenant: string,
    schedule: string,
    target: Extract<Schedule["target"], { kind: "pipeline" }>,
    nominal: Date,
  ): Promise<Made> {
    const { name, version } = target;
    const pipeline = await readPipeline(this.#tx, tenant, name, version);
    if (pipeline === undefined) return refused({ kind: "pipeline_not_found", name, version });
    const made = pipelineRun(pipeline, withNominal(pipeline, target.parameters, nominal), {
      runId: undefined,
      displayName: "",
      project: "",
      correlationId: undefined,
      maxPayloadBytes: this.#options.maxPayloadBytes,
    });
    if (made.kind === "faults") return refused({ kind: "parameter_faults", faults: made.faults });
    const run = newRun(tenant, { ...made.run, schedule });
    const full = await this.#takePlaces(tenant, run.jobs);
    if (full !== undefined) return later({ kind: "run", why: full }, full.retryAfterMs);
    return this.#storeRun(run);
  }

  async #storeRun(run: NewRun): Promise<Made> {
    const { retentionMs, payloadQuota } = this.#options;
    try {
      const answer = await inPart(this.#tx, () =>
        storeRunInTransaction(this.#tx, run, retentionMs, payloadQuota),
      );
      const { stored, ...aftermath } = answer;
      if (stored.kind !== "created") throw new Error("a new id was taken");
      const { runId } = stored;
      return { kind: "created", jobId: undefined, runId, jobs: run.jobs.length, aftermath };
    } catch (error) {
      if (!(error instanceof RunRefused)) throw error;
      const why = error.conflict;
      if (why.kind === "quota_exceeded") return later({ kind: "run", why }, why.retryAfterMs);
      return refused({ kind: "run", why });
    }
  }

  /** Takes places in the queues for jobs; answers the first that is full. */
  async #takePlaces(tenant: string, jobs: Parameters<TargetOptions["admit"]>[1]) {
    const admission = await this.#options.admit(tenant, jobs);
    if (admission === undefined) return undefined;
    const [full] = admission.full.values();
    this.#places.push((committed) => admission.settle(() => committed && full === undefined));
    return full;
  }
}

/** Why a schedule's target cannot be made as it is said; undefined as far as anybody can tell. */
export async function checkTarget(
  tx: Transaction,
  tenant: string,
  { target }: Schedule,
): Promise<TargetRefusal | undefined> {
  if (target.kind === "job") return undefined;
  const { name, version, parameters } = target;
  const pipeline = await readPipeline(tx, tenant, name, version);
  if (pipeline === undefined) return { kind: "pipeline_not_found", name, version };
  const bound = bindParameters(pipeline, withNominal(pipeline, parameters, new Date(0)));
  return bound.kind === "faults" ? { kind: "parameter_faults", faults: bound.faults } : undefined;
}

/** How the windows of a source and scope lie; undefined: nobody declared them. */
export async function readGrid(
  tx: Transaction,
  tenant: string,
  source: string,
  scope: string,
): Promise<WindowGrid | undefined> {
  const [row] = await tx.run(windowGrid, tenant, source, scope);
  return row && { widthMs: row.width_ms, latenessMs: row.lateness_ms, origin: row.origin };
}

function withNominal(pipeline: Pipeline, given: ParameterValues, nominal: Date): ParameterValues {
  const takesIt = pipeline.parameters.some(
    ({ name, kind }) => name === NOMINAL_PARAMETER && kind === "string",
  );
  if (!takesIt || Object.hasOwn(given, NOMINAL_PARAMETER)) return given;
  return { ...given, [NOMINAL_PARAMETER]: nominalText(nominal) };
}

const refused = (refusal: TargetRefusal): Made => ({ kind: "refused", refusal });

const later = (refusal: TargetRefusal, retryAfterMs: number): Made => ({
  kind: "later",
  retryAfterMs,
  refusal,
});
