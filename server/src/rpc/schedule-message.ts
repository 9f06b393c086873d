import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { etagOf } from "../app/flow/change.ts";
import type { PlannedFiring } from "../app/schedules/preview-schedule.ts";
import type { Firing, FiringOutcome, StoredSchedule } from "../app/schedules/stored-schedule.ts";
import { localText } from "../domain/plan/local-text.ts";
import type { Overlap, Schedule } from "../domain/plan/schedule.ts";
import { readSchedule } from "../domain/plan/schedule-content.ts";
import {
  CatchUpPolicy,
  type Firing as FiringMessage,
  FiringOutcome as FiringOutcomeMessage,
  FiringSchema,
  OverlapPolicy,
  type PlannedFiring as PlannedFiringMessage,
  PlannedFiringSchema,
  type Schedule as ScheduleMessage,
  SchedulePauseSchema,
  ScheduleSchema,
} from "../gen/stellaops/orchestrator/v1/schedule_pb.ts";
import { durationOfMs } from "./errors.ts";
import { jobSpecMessage, windowMessage } from "./job-view.ts";

const OVERLAPS: Readonly<Record<Overlap, OverlapPolicy>> = {
  skip: OverlapPolicy.SKIP,
  queue: OverlapPolicy.QUEUE,
  cancel_running: OverlapPolicy.CANCEL_RUNNING,
  allow: OverlapPolicy.ALLOW,
};

const CATCH_UPS: Readonly<Record<Schedule["catchUp"], CatchUpPolicy>> = {
  none: CatchUpPolicy.NONE,
  latest: CatchUpPolicy.LATEST,
  all: CatchUpPolicy.ALL,
};

const OUTCOMES: Readonly<Record<FiringOutcome, FiringOutcomeMessage>> = {
  created: FiringOutcomeMessage.CREATED,
  skipped: FiringOutcomeMessage.SKIPPED,
  queued: FiringOutcomeMessage.QUEUED,
  missed: FiringOutcomeMessage.MISSED,
  failed: FiringOutcomeMessage.FAILED,
};

const timestampOf = (moment: Date | undefined) => moment && timestampFromDate(moment);

/** A schedule as the contract writes it. */
export function scheduleMessage(stored: StoredSchedule): ScheduleMessage {
  const { name, pause } = stored;
  return create(ScheduleSchema, {
    ...propertiesInit(name, readSchedule(stored.content)),
    pause:
      pause &&
      create(SchedulePauseSchema, { ...pause, since: timestampFromDate(new Date(pause.since)) }),
    etag: etagOf(stored.version),
    createTime: timestampFromDate(stored.createdAt),
    updateTime: timestampFromDate(stored.updatedAt),
    nextFireTime: timestampOf(stored.nextFireAt),
    lastNominalTime: timestampOf(stored.lastNominal),
  });
}

function propertiesInit(name: string, schedule: Schedule): MessageInitShape<typeof ScheduleSchema> {
  const { description, start, end, jitterMs, overlap, catchUp, maxCatchUp } = schedule;
  const { windowScope: scope } = schedule;
  return {
    name,
    description,
    timing: timingInit(schedule),
    startTime: timestampOf(start),
    endTime: timestampOf(end),
    jitter: jitterMs === 0 ? undefined : durationOfMs(jitterMs),
    overlap: OVERLAPS[overlap],
    catchUp: CATCH_UPS[catchUp],
    maxCatchUp,
    target: targetInit(schedule),
    window: scope === undefined ? undefined : { scope },
  };
}

function timingInit({ clock }: Schedule) {
  if (clock.kind === "cron") {
    const { expression, timeZone } = clock;
    return { case: "cron" as const, value: { expression, timeZone } };
  }
  const { everyMs, anchor } = clock;
  const value = { every: durationOfMs(everyMs), anchorTime: timestampOf(anchor) };
  return { case: "interval" as const, value };
}

function targetInit({ target }: Schedule) {
  if (target.kind === "job") {
    return { case: "job" as const, value: jobSpecMessage("", target.spec) };
  }
  const { name, version, parameters } = target;
  const value = { name, version, parameters: structuredClone(parameters) as object as never };
  return { case: "pipeline" as const, value };
}

/** A firing as the contract writes it. */
export const firingMessage = (firing: Firing): FiringMessage =>
  create(FiringSchema, {
    schedule: firing.schedule,
    nominalTime: timestampFromDate(firing.nominalAt),
    fireTime: timestampFromDate(firing.firedAt),
    outcome: OUTCOMES[firing.outcome],
    jobId: firing.jobId ?? "",
    runId: firing.runId ?? "",
    missedCount: BigInt(firing.missedCount),
    error: firing.error ?? "",
    manual: firing.requestId !== undefined,
  });

/** A firing to come as the contract writes it. */
export const plannedMessage = (
  { clock }: Schedule,
  { nominal, fireAt, window }: PlannedFiring,
): PlannedFiringMessage =>
  create(PlannedFiringSchema, {
    nominalTime: timestampFromDate(nominal),
    fireTime: timestampFromDate(fireAt),
    localTime: localText(clock.kind === "cron" ? clock.timeZone : "UTC", nominal),
    window: window && windowMessage(window),
  });
