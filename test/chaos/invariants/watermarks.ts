import type { History } from "../history.ts";
import type { SeriesRow } from "../plan-history.ts";
import type { Violation } from "./invariant.ts";

/** Names a series. */
export const seriesKey = (of: {
  readonly tenant: string;
  readonly source: string;
  readonly scope: string;
}): string => `${of.tenant} ${of.source} ${of.scope}`;

interface Range {
  readonly startMs: number;
  readonly endMs: number;
}

/** Whether an attempt that began then covers what ends there: data may come so much later. */
const counts = (endMs: number, startedMs: number, { latenessMs }: SeriesRow): boolean =>
  endMs + latenessMs <= startedMs;

/** The ids of the jobs whose success covered their windows. */
export function coveringJobs({ jobs, attempts, series }: History): ReadonlySet<string> {
  const named = new Map(series.map((one) => [seriesKey(one), one]));
  const byId = new Map(jobs.map((job) => [job.id, job]));
  return new Set(
    attempts
      .filter(({ outcome, jobId, startedMs }) => {
        const job = outcome === "succeeded" ? byId.get(jobId) : undefined;
        const { windowEndMs } = job ?? {};
        if (job === undefined || windowEndMs === undefined) return false;
        const one = named.get(seriesKey({ ...job, scope: job.scope ?? "" }));
        return one !== undefined && counts(windowEndMs, startedMs, one);
      })
      .map(({ jobId }) => jobId),
  );
}

/** Ranges that overlap or touch, as one. */
function merged(ranges: readonly Range[]): Range[] {
  const all: Range[] = [];
  for (const range of [...ranges].sort((a, b) => a.startMs - b.startMs)) {
    const last = all.at(-1);
    if (last === undefined || range.startMs > last.endMs) all.push(range);
    else all[all.length - 1] = { ...last, endMs: Math.max(last.endMs, range.endMs) };
  }
  return all;
}

const say = (ranges: readonly Range[]): string =>
  ranges.map(({ startMs, endMs }) => `[${startMs}, ${endMs})`).join(" ");

/** Where a series says something else than its successful attempts, or once said more than now. */
export function wrongSeries(history: History): Violation[] {
  const covering = coveringJobs(history);
  const jobs = Map.groupBy(
    history.jobs.filter(({ id }) => covering.has(id)),
    (job) => seriesKey({ ...job, scope: job.scope ?? "" }),
  );
  const stored = Map.groupBy(history.coverage, seriesKey);
  return history.series.flatMap((one) => {
    const key = seriesKey(one);
    const windows = (jobs.get(key) ?? []).map(({ windowStartMs = 0, windowEndMs = 0 }) => {
      return { startMs: windowStartMs, endMs: windowEndMs };
    });
    const should = merged(windows);
    const texts: string[] = [];
    const is = (stored.get(key) ?? []).map(({ startMs, endMs }) => ({ startMs, endMs }));
    is.sort((a, b) => a.startMs - b.startMs);
    if (say(is) !== say(should)) texts.push(`covers ${say(is)}, its jobs ${say(should)}`);
    const prefix = should.find(({ startMs, endMs }) => {
      return startMs <= one.originMs && endMs > one.originMs;
    });
    const watermarkMs = prefix?.endMs ?? one.originMs;
    if (one.watermarkMs !== watermarkMs) {
      texts.push(`has its watermark at ${one.watermarkMs}, its jobs have it at ${watermarkMs}`);
    }
    texts.push(...wentBack(history, one));
    return texts.map((text) => ({ text: `${key} ${text}` }));
  });
}

function wentBack({ watermarks }: History, series: SeriesRow): string[] {
  const own = watermarks.filter((sample) => seriesKey(sample) === seriesKey(series));
  const all = [...own.map(({ watermarkMs }) => watermarkMs), series.watermarkMs];
  return all.flatMap((watermarkMs, index) => {
    const before = all[index - 1] ?? watermarkMs;
    return watermarkMs < before ? [`went back from ${before} to ${watermarkMs}`] : [];
  });
}
