import { type Coverage, coveredPrefix, coverRange } from "../domain/plan/coverage.ts";
import { countsAsCovered, type EventWindow, windowFault } from "../domain/plan/windows.ts";
import {
  type CoverageRow,
  type LockedSeries,
  lockSeries,
  moveWatermarks,
  type SeriesColumns,
  touchedCoverage,
  windowedAttempts,
  writeCoverage,
} from "./coverage.sql.ts";
import type { Transaction } from "./transaction.ts";

/** A job that succeeded, and the attempt that did. */
export interface SucceededJob {
  readonly tenant: string;
  readonly job_id: string;
  readonly attempt: number;
}

interface SeriesName {
  readonly tenant: string;
  readonly source: string;
  readonly scope: string;
}

/** A range of a series' event time. */
interface SeriesRange extends SeriesName {
  readonly range: EventWindow;
}

const nameOf = (job: Pick<SucceededJob, "tenant" | "job_id">) => `${job.tenant}\0${job.job_id}`;

const keyOf = ({ tenant, source, scope }: SeriesName) => `${tenant}\0${source}\0${scope}`;

const namesOf = (named: readonly SeriesName[]): SeriesColumns => [
  named.map(({ tenant }) => tenant),
  named.map(({ source }) => source),
  named.map(({ scope }) => scope),
];

/**
 * Covers the windows that jobs declare which succeeded just now, and moves the watermarks over what
 * is covered without a gap, in the same transaction. An attempt that began before its window was
 * due covers nothing, nor does one whose window the series does not have any more. Answers, in
 * order, what is to be said about each success; null: it did what one expects of it.
 *
 * The series stay locked until the transaction ends, so that ranges are merged one transaction
 * after the other.
 */
export async function coverWindows(
  tx: Transaction,
  succeeded: readonly SucceededJob[],
): Promise<(string | null)[]> {
  const attempts = await tx.run(
    windowedAttempts,
    succeeded.map((job) => job.tenant),
    succeeded.map((job) => job.job_id),
    succeeded.map((job) => job.attempt),
  );
  const notes = new Map<string, string>();
  const names = new Map(attempts.map((attempt) => [keyOf(attempt), attempt]));
  const sorted = [...names].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, name]) => name);
  const locked = await tx.run(lockSeries, ...namesOf(sorted));
  const series = new Map(locked.map((row) => [keyOf(row), row]));
  const added = new Map<string, Coverage>();
  for (const attempt of attempts) {
    const key = keyOf(attempt);
    const of = series.get(key);
    if (of === undefined) continue;
    const window = { start: attempt.window_start, end: attempt.window_end };
    const why = whyUncovered(window, attempt.started_at, of);
    if (why !== undefined) {
      notes.set(nameOf(attempt), `covered nothing: ${why}`);
      continue;
    }
    added.set(key, coverRange(added.get(key) ?? [], window));
    if (window.end <= of.origin) notes.set(nameOf(attempt), BEFORE_ORIGIN);
  }
  await merge(tx, series, added);
  return succeeded.map((job) => notes.get(nameOf(job)) ?? null);
}

const BEFORE_ORIGIN = "its window is before the origin of the series: the watermark stays";

function whyUncovered(window: EventWindow, attemptStartedAt: Date, of: LockedSeries) {
  // The width may be another one now than when the job was enqueued.
  const fault = windowFault(window, of.width_ms);
  if (fault !== undefined) return `its window is none of the series: ${fault}`;
  const latenessMs = of.lateness_ms;
  if (countsAsCovered({ window, attemptStartedAt, latenessMs })) return undefined;
  const due = new Date(window.end.getTime() + latenessMs);
  return `the attempt began before its window was due, at ${due.toISOString()}`;
}

/** Adds ranges to what the ledger has. */
async function merge(
  tx: Transaction,
  series: ReadonlyMap<string, LockedSeries>,
  added: ReadonlyMap<string, Coverage>,
): Promise<void> {
  const ranges = [...added].flatMap(([key, coverage]) =>
    coverage.map((range) => ({ ...(series.get(key) as LockedSeries), range })),
  );
  if (ranges.length === 0) return;
  const touched = await tx.run(touchedCoverage, ...namesOf(ranges), ...boundsOf(ranges));
  const byKey = Map.groupBy(touched, keyOf);
  const gone: SeriesRange[] = [];
  const there: SeriesRange[] = [];
  const moved: (SeriesName & { readonly watermark: Date })[] = [];
  for (const [key, coverage] of added) {
    const name = series.get(key) as LockedSeries;
    const before = inOrder(byKey.get(key) ?? []);
    const after = coverage.reduce(coverRange, before);
    const inSeries = (range: EventWindow) => ({ ...name, range });
    const [ends, starts] = [endsByStart(before), endsByStart(after)];
    gone.push(...before.filter(({ start }) => !starts.has(start.getTime())).map(inSeries));
    const isNew = ({ start, end }: EventWindow) => ends.get(start.getTime()) !== end.getTime();
    there.push(...after.filter(isNew).map(inSeries));
    // The watermark is where a covered range ends or, at first, the origin: what touches it there
    // has become one with all that is covered before it.
    const watermark = coveredPrefix(after, name.watermark);
    if (watermark > name.watermark) moved.push({ ...name, watermark });
  }
  if (there.length > 0) await tx.run(writeCoverage, ...goneOf(gone), ...thereOf(there));
  if (moved.length === 0) return;
  await tx.run(
    moveWatermarks,
    ...namesOf(moved),
    moved.map(({ watermark }) => watermark),
  );
}

const boundsOf = (ranges: readonly SeriesRange[]) =>
  [ranges.map(({ range }) => range.start), ranges.map(({ range }) => range.end)] as const;

const goneOf = (gone: readonly SeriesRange[]) => [...namesOf(gone), boundsOf(gone)[0]] as const;

const thereOf = (there: readonly SeriesRange[]) => [...namesOf(there), ...boundsOf(there)] as const;

const endsByStart = (coverage: Coverage): ReadonlyMap<number, number> =>
  new Map(coverage.map(({ start, end }) => [start.getTime(), end.getTime()]));

/** Rows as ranges in order, each once. */
const inOrder = (rows: readonly CoverageRow[]): Coverage =>
  [...new Map(rows.map((row) => [row.start_at.getTime(), row])).values()]
    .sort((a, b) => a.start_at.getTime() - b.start_at.getTime())
    .map((row) => ({ start: row.start_at, end: row.end_at }));
