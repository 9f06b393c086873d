import { randomUUID } from "node:crypto";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { OrchestratorError } from "@stellaops/orchestrator";
import {
  CatchUpPolicy,
  OverlapPolicy,
} from "../../server/src/gen/stellaops/orchestrator/v1/schedule_pb.ts";
import { as, insist } from "./operator-clients.ts";
import type { PlannedBackfill, PlannedSchedule, TimeOperation } from "./plan-time.ts";
import { originOf, SERIES, SOURCE } from "./planned-jobs.ts";
import { type Producing, templateOf } from "./producing.ts";

const OVERLAP = {
  skip: OverlapPolicy.SKIP,
  queue: OverlapPolicy.QUEUE,
  cancel_running: OverlapPolicy.CANCEL_RUNNING,
  allow: OverlapPolicy.ALLOW,
} as const;

const WHY = { reason: "chaos" } as const;

/** What is done by its own clock rather than the plan's must not be left behind at the end. */
interface Left {
  readonly tenant: string;
  readonly name: string;
}

/** Makes schedules and backfills, pauses and ends them, and enqueues what covers windows. */
export class TimeProducer {
  readonly #producing: Producing;
  readonly #schedules: Left[] = [];
  /** Ids of backfills by their wishes. */
  readonly #backfills = new Map<string, string>();
  readonly #paused: Left[] = [];

  constructor(producing: Producing) {
    this.#producing = producing;
  }

  async perform(
    tenant: string,
    operation: Exclude<TimeOperation, { kind: "windows" }>,
  ): Promise<void> {
    switch (operation.kind) {
      case "schedule":
        return await this.#schedule(tenant, operation.schedule);
      case "pause schedule":
        return await this.#pauseSchedule(tenant, operation.name, operation.forMs);
      case "trigger schedule": {
        const request = { name: operation.name, requestId: randomUUID(), ...WHY };
        const { schedules } = this.#producing.operator;
        await insist(() => schedules.triggerSchedule(request, as(tenant)));
        return;
      }
      case "backfill":
        return await this.#backfill(tenant, operation.backfill);
      case "pause backfill":
        return await this.#pauseBackfill(tenant, operation.backfill, operation.forMs);
      case "cancel backfill": {
        const id = this.#backfills.get(operation.backfill);
        if (id !== undefined) await this.#producing.clientOf(tenant).backfills.cancel(id, WHY);
        return;
      }
      case "look at watermark":
        await this.#producing.clientOf(tenant).watermarks.get(SOURCE, operation.scope);
        return;
    }
  }

  /** Ends the schedules, and what is paused: the rest has to end unaided. */
  async settle(): Promise<void> {
    const { schedules } = this.#producing.operator;
    await Promise.all(
      this.#schedules.map(({ tenant, name }) =>
        insist(() => schedules.deleteSchedule({ name, ...WHY }, as(tenant))),
      ),
    );
    await Promise.all(this.#paused.map(({ tenant, name }) => this.#resume(tenant, name)));
  }

  async #schedule(tenant: string, planned: PlannedSchedule): Promise<void> {
    const { name, everyMs, overlap, job, scope, makesRuns } = planned;
    const producing = this.#producing;
    producing.wish(tenant, job, { madeBy: "schedule" });
    producing.write({ line: "schedule", tenant, name, everyMs, overlap });
    const template = templateOf(tenant, job);
    if (makesRuns) {
      const { payload, ...rest } = template;
      const step = { ...rest, payloadTemplate: payload };
      const second = { ...step, name: "second", dependsOn: ["first"] };
      const pipeline = { name, jobs: [{ ...step, name: "first" }, second] };
      await producing.clientOf(tenant).pipelines.put(pipeline, WHY);
    }
    this.#schedules.push({ tenant, name });
    const { payload, jobType, priority, labels } = template;
    const spec = {
      ...{ jobType, priority, labels, payloadMediaType: "application/json" },
      payload: Buffer.from(JSON.stringify(payload)),
      ...(scope === undefined ? {} : { source: SOURCE }),
    };
    const schedule = {
      name,
      timing: { case: "interval", value: { every: durationFromMs(everyMs) } } as const,
      jitter: durationFromMs(planned.jitterMs),
      overlap: OVERLAP[overlap],
      catchUp: CatchUpPolicy.ALL,
      target: makesRuns
        ? ({ case: "pipeline", value: { name } } as const)
        : ({ case: "job", value: spec } as const),
      ...(scope === undefined ? {} : { window: { scope } }),
    };
    const { schedules } = producing.operator;
    await insist(() => schedules.createSchedule({ schedule, ...WHY }, as(tenant)));
    producing.grant(tenant, "schedule", name);
  }

  async #pauseSchedule(tenant: string, name: string, forMs: number): Promise<void> {
    const { schedules } = this.#producing.operator;
    await insist(() => schedules.pauseSchedule({ name, ...WHY }, as(tenant)));
    await this.#producing.rest(forMs);
    await insist(() => schedules.resumeSchedule({ name, ...WHY }, as(tenant)));
  }

  async #backfill(tenant: string, planned: PlannedBackfill): Promise<void> {
    const { scope, from, to, job, maxParallel, repeatCovered } = planned;
    const producing = this.#producing;
    const series = SERIES.find((one) => one.scope === scope) ?? SERIES[0];
    const originMs = originOf(series, producing.startedAtMs);
    producing.wish(tenant, job, { madeBy: "backfill" });
    const spec = {
      ...{ source: SOURCE, scope, maxParallel, repeatCovered },
      start: new Date(originMs + from * series.widthMs),
      end: new Date(originMs + to * series.widthMs),
      job: templateOf(tenant, job),
    };
    const { backfills } = producing.clientOf(tenant);
    const { backfillId } = await backfills.create(spec, { ...WHY, ticket: job.nonce });
    this.#backfills.set(job.nonce, backfillId);
    producing.grant(tenant, "backfill", backfillId);
  }

  async #pauseBackfill(tenant: string, wish: string, forMs: number): Promise<void> {
    const id = this.#backfills.get(wish);
    if (id === undefined) return;
    const left = { tenant, name: id };
    this.#paused.push(left);
    await this.#producing.clientOf(tenant).backfills.pause(id, WHY);
    await this.#producing.rest(forMs);
    await this.#resume(tenant, id);
  }

  async #resume(tenant: string, id: string): Promise<void> {
    try {
      await this.#producing.clientOf(tenant).backfills.resume(id, WHY);
    } catch (error) {
      // It ended meanwhile, or was never paused: what was asked for is so.
      const isOver = error instanceof OrchestratorError && error.reason === "BACKFILL_FINISHED";
      if (!isOver) throw error;
    }
  }
}
