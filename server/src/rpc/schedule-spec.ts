import type { PlanFault } from "../domain/plan/fault.ts";
import {
  DEFAULT_MAX_CATCH_UP,
  type Overlap,
  type Schedule,
  type ScheduleClock,
  type ScheduleTarget,
} from "../domain/plan/schedule.ts";
import {
  CatchUpPolicy,
  OverlapPolicy,
  type Schedule as ScheduleMessage,
} from "../gen/stellaops/orchestrator/v1/schedule_pb.ts";
import { exactMsOf, momentOf } from "./durations.ts";
import { type FieldViolation, invalidArgument } from "./errors.ts";
import { readJobSpec } from "./job-spec.ts";
import { readStruct } from "./json-values.ts";

const OVERLAPS: Readonly<Record<OverlapPolicy, Overlap>> = {
  [OverlapPolicy.UNSPECIFIED]: "skip",
  [OverlapPolicy.SKIP]: "skip",
  [OverlapPolicy.QUEUE]: "queue",
  [OverlapPolicy.CANCEL_RUNNING]: "cancel_running",
  [OverlapPolicy.ALLOW]: "allow",
};

const CATCH_UPS: Readonly<Record<CatchUpPolicy, Schedule["catchUp"]>> = {
  [CatchUpPolicy.UNSPECIFIED]: "latest",
  [CatchUpPolicy.NONE]: "none",
  [CatchUpPolicy.LATEST]: "latest",
  [CatchUpPolicy.ALL]: "all",
};

/** Which fields of a Schedule each name in an update mask stands for. */
const MASK: Readonly<Record<string, keyof Schedule>> = {
  description: "description",
  timing: "clock",
  cron: "clock",
  interval: "clock",
  start_time: "start",
  end_time: "end",
  jitter: "jitterMs",
  overlap: "overlap",
  catch_up: "catchUp",
  max_catch_up: "maxCatchUp",
  target: "target",
  job: "target",
  pipeline: "target",
  window: "windowScope",
};

const ALL_FIELDS = new Set(Object.values(MASK));

/** A schedule off the wire, its defaults filled in. */
export const readSchedule = (message: ScheduleMessage): Schedule =>
  readFields(message, ALL_FIELDS) as Schedule;

/** What an update says about a schedule: what the mask names, or all of it without a mask. */
export function readScheduleChange(
  message: ScheduleMessage,
  paths: readonly string[],
): Partial<Schedule> {
  const wrong = paths.filter((path) => !Object.hasOwn(MASK, path));
  if (wrong.length > 0) {
    const description = `may name ${Object.keys(MASK).join(", ")}`;
    throw invalidArgument("REQUEST_INVALID", [
      { field: "update_mask", description, reason: "FIELD_UNKNOWN" },
    ]);
  }
  const named = paths.map((path) => MASK[path] as keyof Schedule);
  return readFields(message, paths.length === 0 ? ALL_FIELDS : new Set(named));
}

function readFields(
  message: ScheduleMessage,
  fields: ReadonlySet<keyof Schedule>,
): Partial<Schedule> {
  const violations: FieldViolation[] = [];
  const at = (name: "anchor" | "start" | "end", field: string) => {
    const moment =
      name === "anchor"
        ? message.timing.case === "interval"
          ? message.timing.value.anchorTime
          : undefined
        : message[`${name}Time`];
    return momentOf(violations, `schedule.${field}`, moment);
  };
  const clock = fields.has("clock")
    ? readClock(message, at("anchor", "interval.anchor_time"))
    : undefined;
  const target = fields.has("target") ? readTarget(message) : undefined;
  if (fields.has("clock") && clock === undefined) violations.push(required("schedule.timing"));
  if (fields.has("target") && target === undefined) violations.push(required("schedule.target"));
  const read = {
    description: message.description,
    clock,
    start: fields.has("start") ? at("start", "start_time") : undefined,
    end: fields.has("end") ? at("end", "end_time") : undefined,
    jitterMs: message.jitter === undefined ? 0 : exactMsOf(message.jitter),
    overlap: OVERLAPS[message.overlap],
    catchUp: CATCH_UPS[message.catchUp],
    maxCatchUp: message.maxCatchUp || DEFAULT_MAX_CATCH_UP,
    target,
    windowScope: message.window?.scope,
  };
  if (violations.length > 0) throw invalidArgument("REQUEST_INVALID", violations);
  const named = Object.entries(read).filter(([field]) => fields.has(field as keyof Schedule));
  return Object.fromEntries(named);
}

const required = (field: string): FieldViolation => ({
  field,
  description: "must be set",
  reason: "REQUIRED",
});

function readClock(
  { timing }: ScheduleMessage,
  anchor: Date | undefined,
): ScheduleClock | undefined {
  switch (timing.case) {
    case "cron": {
      const { expression, timeZone } = timing.value;
      return { kind: "cron", expression, timeZone: timeZone || "UTC" };
    }
    case "interval": {
      const { every } = timing.value;
      return { kind: "interval", everyMs: every === undefined ? 0 : exactMsOf(every), anchor };
    }
    default:
      return undefined;
  }
}

function readTarget({ target }: ScheduleMessage): ScheduleTarget | undefined {
  switch (target.case) {
    case "job":
      return { kind: "job", spec: readJobSpec(target.value, "schedule.job") };
    case "pipeline": {
      const { name, version } = target.value;
      const { values: parameters, faults } = readStruct(target.value.parameters);
      if (faults.size === 0) return { kind: "pipeline", name, version, parameters };
      const path = (member: string) => `pipeline.parameters[${JSON.stringify(member)}]`;
      throw scheduleInvalid(
        Array.from(faults, ([member, description]) => ({ path: path(member), description })),
      );
    }
    default:
      return undefined;
  }
}

/** INVALID_ARGUMENT (SCHEDULE_INVALID) for what is wrong with a schedule, all of it. */
export const scheduleInvalid = (faults: readonly PlanFault[]) =>
  invalidArgument(
    "SCHEDULE_INVALID",
    faults.map(({ path, description }) => ({ field: `schedule.${path}`, description })),
  );
