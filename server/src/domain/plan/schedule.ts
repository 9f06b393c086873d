import type { JobSpec } from "../job-spec.ts";
import type { CatchUp } from "./due-firings.ts";
import type { PlanFault } from "./fault.ts";
import { jitterOf, nextFiring, type ScheduleTiming, timingFaults } from "./schedule-timing.ts";
import type { ParameterValues } from "./template.ts";
import { alignDown, dueUntil, type EventWindow } from "./windows.ts";

/** What happens to a firing while what the one before it made is unfinished. */
export type Overlap = "skip" | "queue" | "cancel_running" | "allow";

/** What a schedule makes. */
export type ScheduleTarget =
  | { readonly kind: "job"; readonly spec: JobSpec }
  | {
      readonly kind: "pipeline";
      readonly name: string;
      /** 0: the newest at each firing. */
      readonly version: number;
      readonly parameters: ParameterValues;
    };

/** When a schedule fires, without its bounds and its jitter. */
export type ScheduleClock =
  | { readonly kind: "cron"; readonly expression: string; readonly timeZone: string }
  | { readonly kind: "interval"; readonly everyMs: number; readonly anchor: Date | undefined };

/** What somebody says about a schedule. */
export interface Schedule {
  readonly description: string;
  readonly clock: ScheduleClock;
  readonly start: Date | undefined;
  readonly end: Date | undefined;
  readonly jitterMs: number;
  readonly overlap: Overlap;
  readonly catchUp: CatchUp["kind"];
  /** For catch-up "all": how many at most, above 0. */
  readonly maxCatchUp: number;
  readonly target: ScheduleTarget;
  /** The scope of the job's source whose windows it covers; undefined: it covers none. */
  readonly windowScope: string | undefined;
}

/** How many fire at most when all are caught up and nobody says how many. */
export const DEFAULT_MAX_CATCH_UP = 100;

/** How many firings of a schedule may be queued; more are skipped. */
export const MAX_QUEUED = 100;

/** A firing that is late by less is made whatever the catch-up policy says, in milliseconds. */
export const GRACE_MS = 60_000;

/** Labels that each firing sets on its job. */
export const SCHEDULE_LABEL = "orchestrator/schedule";
/** See {@link SCHEDULE_LABEL}; its value is RFC 3339. */
export const NOMINAL_LABEL = "orchestrator/nominal-time";

/** The parameter that a pipeline is told the nominal time in, if it has it. */
export const NOMINAL_PARAMETER = "nominal_time";

/** What the contract allows a job. */
const MAX_LABELS = 32;

/** When a schedule fires, all of it. */
export const timingOf = ({ clock, start, end, jitterMs }: Schedule): ScheduleTiming => ({
  ...clock,
  start,
  end,
  jitterMs,
});

/** The policy for firings that nobody could make in time. */
export const catchUpOf = ({ catchUp, maxCatchUp }: Schedule): CatchUp =>
  catchUp === "all" ? { kind: "all", max: maxCatchUp } : { kind: catchUp };

/** What tells schedules apart whose firings are spread: see {@link jitterOf}. */
export const seedOf = (tenant: string, name: string): string => `${tenant}/${name}`;

/** The moment that a firing names: RFC 3339, without milliseconds where there are none. */
export const nominalText = (nominal: Date): string => nominal.toISOString().replace(".000Z", "Z");

/**
 * Everything that is wrong with a schedule, with paths as the contract's Schedule has them, but
 * for what only the ledger knows.
 *
 * @param maxPayloadBytes what the lease policy allows a job.
 */
export function scheduleFaults(schedule: Schedule, maxPayloadBytes: number): PlanFault[] {
  return [...timingFaults(timingOf(schedule)), ...targetFaults(schedule, maxPayloadBytes)];
}

function targetFaults({ target, windowScope }: Schedule, maxPayloadBytes: number): PlanFault[] {
  const faults: PlanFault[] = [];
  const refuse = (path: string, description: string) => faults.push({ path, description });
  if (target.kind === "pipeline") {
    if (windowScope !== undefined) refuse("window", "goes with a job only");
    return faults;
  }
  const { spec } = target;
  if (spec.idempotencyKey !== undefined) refuse("job.idempotency_key", EACH_ITS_OWN);
  if (spec.notBefore !== undefined) refuse("job.not_before", EACH_ITS_OWN);
  if (spec.window !== undefined) refuse("job.window", "must be empty; see Schedule.window");
  if (spec.payload.length > maxPayloadBytes) {
    refuse("job.payload", `has ${spec.payload.length} bytes, at most ${maxPayloadBytes} fit`);
  }
  const labels = new Set([...Object.keys(spec.labels), SCHEDULE_LABEL, NOMINAL_LABEL]);
  if (labels.size > MAX_LABELS) {
    refuse("job.labels", `leave no room for ${SCHEDULE_LABEL} and ${NOMINAL_LABEL}`);
  }
  if (windowScope !== undefined && spec.source === "") {
    refuse("job.source", "must be set where windows are declared");
  }
  return faults;
}

const EACH_ITS_OWN = "must be empty in a schedule, which makes many jobs";

/** Whether what fires next is another moment after a change. */
export const changesTiming = (before: Schedule, after: Schedule): boolean =>
  JSON.stringify(timingOf(before)) !== JSON.stringify(timingOf(after));

/** When the first firing comes after a settled one, jitter included; undefined: none does. */
export function nextFireTime(schedule: Schedule, seed: string, settled: Date): Date | undefined {
  const nominal = nextFiring(timingOf(schedule), settled);
  const at = nominal && fireTime(schedule, seed, nominal);
  return at !== undefined && at.getTime() <= LAST_MS ? at : undefined;
}

/** What is wrong with a schedule of which no firing comes from a moment on. */
export function neverFires({ end }: Schedule, now: Date): PlanFault {
  if (end === undefined) return { path: "start_time", description: "no firing comes after it" };
  const why = end <= now ? "is in the past" : "comes before the next firing";
  return { path: "end_time", description: `${why}: the schedule would never fire` };
}

/** The last moment that the contract's Timestamp can hold. */
const LAST_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** When a firing comes. */
export const fireTime = ({ jitterMs }: Schedule, seed: string, nominal: Date): Date =>
  new Date(nominal.getTime() + jitterOf(seed, nominal, jitterMs));

/** How far ahead a plan looks, in milliseconds: a hundred years; counting leap days takes time. */
const PLAN_HORIZON_MS = 100 * 366 * 86_400_000;

/**
 * The nominal times of the firings from a moment on, at most `max`, of the next hundred years. One
 * after the other, because rare ones take some 40 ms each to find.
 */
export function* plannedFirings(schedule: Schedule, from: Date, max: number): Iterable<Date> {
  const timing = timingOf(schedule);
  const horizon = new Date(from.getTime() + PLAN_HORIZON_MS);
  const end = timing.end !== undefined && timing.end < horizon ? timing.end : horizon;
  let at = new Date(from.getTime() - 1);
  for (let count = 0; count < max; count++) {
    const next = nextFiring({ ...timing, end }, at);
    if (next === undefined) return;
    yield next;
    at = next;
  }
}

/** How the windows of a source and scope lie. */
export interface WindowGrid {
  readonly widthMs: number;
  readonly latenessMs: number;
  readonly origin: Date;
}

/**
 * The newest window whose data is there at a moment, lateness considered; undefined: the series
 * has none by then.
 */
export function newestDueWindow(grid: WindowGrid, at: Date): EventWindow | undefined {
  const end = alignDown(dueUntil(at, grid.latenessMs), grid.widthMs);
  const start = new Date(end.getTime() - grid.widthMs);
  return start < grid.origin ? undefined : { start, end };
}

/** What is to be done about a firing whose time has come. */
export type OverlapDecision = "make" | "skip" | "queue" | "replace";

/**
 * What is to be done about a firing.
 *
 * @param queued how many firings wait; none overtakes them.
 * @param isBusy whether what was made last is unfinished; no matter where overlaps are allowed.
 */
export function decideOverlap(overlap: Overlap, queued: number, isBusy: boolean): OverlapDecision {
  switch (overlap) {
    case "allow":
      // Those that wait here wait for a place, and each in its turn.
      if (queued === 0) return "make";
      return queued < MAX_QUEUED ? "queue" : "skip";
    case "skip":
      return queued > 0 || isBusy ? "skip" : "make";
    case "queue":
      if (queued === 0 && !isBusy) return "make";
      return queued < MAX_QUEUED ? "queue" : "skip";
    case "cancel_running":
      return queued > 0 || isBusy ? "replace" : "make";
  }
}

/**
 * Whether a queued firing waits for the one before it, and not only for a place in its queue. Where
 * overlaps are cancelled, too: several may wait from before the policy was that.
 */
export const waitsItsTurn = (overlap: Overlap): boolean => overlap !== "allow";
