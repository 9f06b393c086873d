import type { EventRow, History, JobRow } from "../history.ts";
import type { ActionRow, FiringRow, ScheduleWish, SeriesRow } from "../plan-history.ts";
import { byJob, type Invariant, type Violation } from "./invariant.ts";
import { endBefore, wasRetried } from "./steps.ts";

/** A pause is noted a little after the moment as of which it counts. */
const PAUSE_SLACK_MS = 6_000;
/** What is late by less than this is not missed, as the contract says. */
const GRACE_MS = 60_000;
/** A run as long as this has schedules that fire. */
const LONG_RUN_MS = 60_000;
/** How late a firing may be in a run: the server leaves alone for 30 s what it failed at. */
const LATE_MS = 45_000;

/**
 * Beyond the list: of each nominal time of a schedule there is one firing, none is left out but
 * while it is paused, each made what it says, and overlap policies hold.
 */
export const firesOnce: Invariant = {
  number: "–",
  title: "every firing of a schedule happens once",
  check(history) {
    const jobs = new Map(history.jobs.map((job) => [job.id, job]));
    const steps = byJob(history.events);
    const violations = history.schedules.flatMap((schedule) => {
      const own = history.firings.filter((firing) => {
        return firing.tenant === schedule.tenant && firing.schedule === schedule.name;
      });
      const texts = [
        ...leftOut(schedule, own, history.actions),
        ...own.flatMap((firing) => wrongOutcome(schedule, firing, jobs, history)),
      ];
      const name = `${schedule.tenant} ${schedule.name}`;
      return [
        ...texts.map((text) => ({ text: `schedule ${name} ${text}` })),
        ...overlaps(schedule, own, history, steps),
      ];
    });
    return { checked: history.firings.length, violations };
  },
  leastChecked: ({ terms }) => (terms.runMs >= LONG_RUN_MS ? 1 : 0),
};

/** The times that a pause leaves out. */
function pausesOf({ tenant, name }: ScheduleWish, actions: readonly ActionRow[]) {
  const pauses: { fromMs: number; toMs: number }[] = [];
  let fromMs: number | undefined;
  for (const { tenant: whose, target, kind, atMs } of actions) {
    if (whose !== tenant || target !== name) continue;
    if (kind === "schedule_paused") fromMs ??= atMs - PAUSE_SLACK_MS;
    if (kind !== "schedule_resumed" || fromMs === undefined) continue;
    pauses.push({ fromMs, toMs: atMs });
    fromMs = undefined;
  }
  return fromMs === undefined ? pauses : [...pauses, { fromMs, toMs: Number.POSITIVE_INFINITY }];
}

/** Nominal times between the first and the last that no firing stands for, and too early an end. */
function leftOut(
  schedule: ScheduleWish,
  own: readonly FiringRow[],
  actions: readonly ActionRow[],
): string[] {
  const { everyMs, tenant, name } = schedule;
  const pauses = pausesOf(schedule, actions);
  const isPaused = (atMs: number) =>
    pauses.some(({ fromMs, toMs }) => atMs >= fromMs && atMs <= toMs);
  const texts: string[] = [];
  let next: number | undefined;
  for (const { nominalMs, isManual, missedCount } of own) {
    if (isManual) continue;
    if (nominalMs % everyMs !== 0) texts.push(`fired at ${nominalMs}, which is none of its times`);
    if (next !== undefined && nominalMs < next) texts.push(`fired twice at ${nominalMs}`);
    for (let atMs = next ?? nominalMs; atMs < nominalMs; atMs += everyMs) {
      if (!isPaused(atMs)) texts.push(`did not fire at ${atMs}`);
    }
    next = nominalMs + Math.max(1, missedCount) * everyMs;
  }
  const at = (kind: string) =>
    actions.find((one) => one.tenant === tenant && one.target === name && one.kind === kind)?.atMs;
  const until = (at("schedule_deleted") ?? 0) - LATE_MS;
  const since = at("schedule_created") ?? Number.POSITIVE_INFINITY;
  for (let atMs = Math.ceil((next ?? since) / everyMs) * everyMs; atMs < until; atMs += everyMs) {
    if (!isPaused(atMs)) return [...texts, `fired no more from ${atMs} on`];
  }
  return texts;
}

function wrongOutcome(
  { everyMs }: ScheduleWish,
  firing: FiringRow,
  jobs: ReadonlyMap<string, JobRow>,
  { runs, series }: History,
): string[] {
  const { nominalMs, firedMs, missedCount, outcome, jobId, runId, error } = firing;
  const made = jobId !== undefined || runId !== undefined;
  if (made !== (outcome === "created"))
    return [`${outcome} at ${nominalMs}, with ${jobId ?? runId}`];
  if (outcome === "missed") {
    const lastMs = nominalMs + (missedCount - 1) * everyMs;
    return lastMs + GRACE_MS <= firedMs
      ? []
      : [`missed ${lastMs}, which was not late by ${firedMs}`];
  }
  if (outcome === "failed") {
    return hasNoWindow(firing, series) ? [] : [`failed at ${nominalMs}: ${error}`];
  }
  if (runId !== undefined && !runs.some(({ id, schedule }) => id === runId && schedule)) {
    return [`made run ${runId} at ${nominalMs}, which is not there`];
  }
  if (jobId === undefined) return [];
  const job = jobs.get(jobId);
  if (job === undefined) return [`made job ${jobId} at ${nominalMs}, which is not there`];
  const says = Date.parse(job.nominal ?? "");
  return says === Math.floor(nominalMs) ? [] : [`made ${jobId} at ${nominalMs} for ${job.nominal}`];
}

/** Whether it says that no window was due yet, and none was: the first one has just begun. */
const hasNoWindow = ({ tenant, nominalMs, error }: FiringRow, series: readonly SeriesRow[]) =>
  series.some(
    ({ source, scope, originMs, widthMs, latenessMs, ...of }) =>
      of.tenant === tenant &&
      error === `NO_WINDOW_DUE: source=${source}; scope=${scope}` &&
      nominalMs < originMs + widthMs + latenessMs,
  );

/** With "skip" and "queue", what a firing makes comes after the end of what the one before made. */
function overlaps(
  { overlap }: ScheduleWish,
  own: readonly FiringRow[],
  { jobs }: History,
  steps: ReadonlyMap<string, readonly EventRow[]>,
): Violation[] {
  if (overlap !== "skip" && overlap !== "queue") return [];
  const made = own
    .filter(({ outcome }) => outcome === "created")
    .map(({ jobId, runId }) => {
      const ids =
        runId === undefined
          ? [jobId ?? ""]
          : jobs.filter((j) => j.runId === runId).map((j) => j.id);
      return ids.map((id) => ({ id, steps: steps.get(id) ?? [] }));
    })
    .sort((a, b) => (a[0]?.steps[0]?.id ?? 0) - (b[0]?.steps[0]?.id ?? 0));
  return made.flatMap((now, index) => {
    const born = now[0]?.steps[0]?.id ?? 0;
    return (made[index - 1] ?? [])
      .filter((before) => !wasRetried(before.steps))
      .filter((before) => endBefore(before.steps, born) === undefined)
      .map(({ id }) => ({
        jobId: now[0]?.id ?? "",
        text: `began beside ${id}, with "${overlap}"`,
      }));
  });
}
