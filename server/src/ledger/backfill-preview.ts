import type { Pool } from "pg";
import type { BackfillRefused, BackfillSpec } from "../app/backfills/backfill.ts";
import type { FitRange } from "../app/backfills/create-backfill.ts";
import type { BackfillFacts } from "../app/backfills/preview-backfill.ts";
import type { WindowRun } from "../domain/plan/window-gaps.ts";
import {
  alignDown,
  countWindows,
  dueUntil,
  type EventWindow,
  windowsBetween,
} from "../domain/plan/windows.ts";
import { seriesOfBackfill } from "./backfill.sql.ts";
import { candidates } from "./backfill-step.sql.ts";
import { inTransaction, type Transaction } from "./transaction.ts";
import { windowDurations } from "./watermark.sql.ts";
import { countInProgress, readGaps, type SeriesOfGaps } from "./watermarks.ts";
import { countCovered } from "./window-series.sql.ts";

/** Gaps in which unfinished jobs are looked for. */
const MAX_GAPS = 1_000;

/** How many windows are shown. */
const SAMPLE = 10;

/** Windows that are looked at to find them: another backfill may have 1,000 jobs in front. */
const SAMPLED = 1_000 + SAMPLE;

/** What the ledger knows about the windows of a backfill, without writing anything. */
export const backfillFactsIn =
  (pool: Pool) =>
  (
    tenant: string,
    { source, scope, repeatCovered }: BackfillSpec,
    fit: (widthMs: number) => FitRange,
  ): Promise<BackfillFacts | BackfillRefused> =>
    inTransaction(pool, [tenant], async (tx) => {
      const [row] = await tx.run(seriesOfBackfill, tenant, source, scope);
      if (row === undefined) return { kind: "series_not_found" };
      const widthMs = row.width_ms;
      const range = fit(widthMs);
      if (range.kind !== "fits") return range;
      const { start, end, windows } = range;
      const due = alignDown(dueUntil(row.now, row.lateness_ms), widthMs);
      const until = new Date(Math.max(start.getTime(), Math.min(due.getTime(), end.getTime())));
      const series: SeriesOfGaps = { tenant, source, scope, widthMs };
      const [count] = await tx.run(countCovered, tenant, source, scope, widthMs, start, until);
      const whole = { startMs: start.getTime(), endMs: until.getTime() };
      const gaps = repeatCovered ? [whole] : await readGaps(tx, series, whole, MAX_GAPS);
      const inProgress = await countInProgress(tx, series, gaps);
      const [duration] = await tx.run(windowDurations, tenant, source, scope);
      return {
        ...{ kind: "facts", start, end, windows },
        covered: count?.windows ?? 0,
        inProgress: inProgress.reduce((sum, windows) => sum + windows, 0),
        notDue: countWindows({ start: until, end }, widthMs),
        meanMs: duration?.mean_ms ?? undefined,
        sample: await sampleOf(tx, series, gaps),
      };
    });

async function sampleOf(
  tx: Transaction,
  { tenant, source, scope, widthMs }: SeriesOfGaps,
  gaps: readonly WindowRun[],
): Promise<EventWindow[]> {
  const windows: EventWindow[] = [];
  for (const { startMs, endMs } of gaps) {
    const gap = { start: new Date(startMs), end: new Date(endMs) };
    windows.push(...windowsBetween(gap, widthMs, undefined, SAMPLED - windows.length));
    if (windows.length >= SAMPLED) break;
  }
  if (windows.length === 0) return [];
  const starts = windows.map(({ start }) => start);
  const ends = windows.map(({ end }) => end);
  const looked = await tx.run(candidates, tenant, source, scope, starts, ends);
  const taken = new Set(looked.filter((row) => row.job_id !== null).map((row) => row.position));
  return windows.filter((_, index) => !taken.has(index + 1)).slice(0, SAMPLE);
}
