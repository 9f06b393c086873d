import { contentHash } from "../digest.ts";
import { type JobSpecJson, readJobSpecJson, writeJobSpecJson } from "../job-spec-json.ts";
import type { Schedule, ScheduleTarget } from "./schedule.ts";
import type { ParameterValues } from "./template.ts";

/** A schedule as JSON keeps it. */
export interface ScheduleContent {
  readonly description: string;
  readonly clock:
    | { readonly kind: "cron"; readonly expression: string; readonly timeZone: string }
    | { readonly kind: "interval"; readonly everyMs: number; readonly anchor?: string };
  readonly start?: string;
  readonly end?: string;
  readonly jitterMs: number;
  readonly overlap: Schedule["overlap"];
  readonly catchUp: Schedule["catchUp"];
  readonly maxCatchUp: number;
  readonly target:
    | { readonly kind: "job"; readonly spec: JobSpecJson }
    | {
        readonly kind: "pipeline";
        readonly name: string;
        readonly version: number;
        readonly parameters: ParameterValues;
      };
  readonly windowScope?: string;
}

/** Writes a schedule so that {@link readSchedule} reads the same one. */
export function writeSchedule(schedule: Schedule): ScheduleContent {
  const { clock, target, start, end, windowScope } = schedule;
  const { description, jitterMs, overlap, catchUp, maxCatchUp } = schedule;
  return {
    ...{ description, jitterMs, overlap, catchUp, maxCatchUp },
    clock: clock.kind === "cron" ? clock : writeInterval(clock),
    ...(start && { start: start.toISOString() }),
    ...(end && { end: end.toISOString() }),
    target: target.kind === "job" ? { ...target, spec: writeJobSpecJson(target.spec) } : target,
    ...(windowScope !== undefined && { windowScope }),
  };
}

const writeInterval = ({ everyMs, anchor }: Schedule["clock"] & { kind: "interval" }) => ({
  kind: "interval" as const,
  everyMs,
  ...(anchor && { anchor: anchor.toISOString() }),
});

/** Reads what {@link writeSchedule} wrote. */
export function readSchedule(content: ScheduleContent): Schedule {
  const { clock, target, start, end, windowScope, ...plain } = content;
  return {
    ...plain,
    clock:
      clock.kind === "cron"
        ? clock
        : { ...clock, anchor: clock.anchor ? new Date(clock.anchor) : undefined },
    start: start === undefined ? undefined : new Date(start),
    end: end === undefined ? undefined : new Date(end),
    target: readTarget(target),
    windowScope,
  };
}

const readTarget = (target: ScheduleContent["target"]): ScheduleTarget =>
  target.kind === "job" ? { ...target, spec: readJobSpecJson(target.spec) } : target;

/** What "the same content" means for a schedule. */
export const scheduleDigest = (schedule: Schedule): Uint8Array =>
  contentHash(writeSchedule(schedule));
