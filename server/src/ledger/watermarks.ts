import type { Pool } from "pg";
import type { Audit } from "../app/audit.ts";
import type {
  Gap,
  GapQuery,
  SeriesPut,
  Watermark,
  WatermarkLag,
  WindowSeries,
} from "../app/watermarks/watermarks.ts";
import { countMissing, gapsBetween, type WindowRun } from "../domain/plan/window-gaps.ts";
import { alignDown, alignUp } from "../domain/plan/windows.ts";
import { recordAction } from "./operator-actions.ts";
import { inTransaction, type Transaction } from "./transaction.ts";
import { windowsInProgress } from "./watermark.sql.ts";
import {
  type CoveredRun,
  coveredRuns,
  insertSeries,
  lagOfAll,
  listWatermarks,
  lockOneSeries,
  readWatermark,
  seriesInUse,
  updateSeries,
  type WatermarkRow,
} from "./window-series.sql.ts";

/** Jobs of a gap that are looked at, to find those that are unfinished. */
export const MAX_JOBS_LOOKED_AT = 10_000;

/** Runs that {@link coveredRuns} reads at once. */
const MAX_RUNS = 1_000;

const watermarkOf = (row: WatermarkRow): Watermark => ({
  series: {
    source: row.source,
    scope: row.scope,
    widthMs: row.width_ms,
    latenessMs: row.lateness_ms,
    origin: new Date(row.origin_ms),
  },
  watermark: new Date(row.watermark_ms),
  due: new Date(row.due_ms),
  coveredUntil: row.covered_until_ms === null ? undefined : new Date(row.covered_until_ms),
  ...countMissing({
    widthMs: row.width_ms,
    watermarkMs: row.watermark_ms,
    dueMs: row.due_ms,
    runs: row.runs,
    runWindows: row.run_windows,
    runsUntilMs: row.runs_until_ms ?? undefined,
  }),
});

/** Declares a series or changes it, and records who did, in one transaction. */
export const putSeriesIn =
  (pool: Pool) =>
  (tenant: string, series: WindowSeries, audit: Audit): Promise<SeriesPut> =>
    inTransaction(pool, [tenant], async (tx) => {
      const { source, scope, widthMs, latenessMs } = series;
      const origin = alignDown(series.origin, widthMs);
      const columns = [tenant, source, scope, widthMs, latenessMs, origin] as const;
      const created = await tx.run(insertSeries, ...columns);
      if (created.length === 0) {
        const [row] = await tx.run(lockOneSeries, tenant, source, scope);
        if (row === undefined) throw new Error("a series vanished; they are not deleted");
        const moved = row.width_ms !== widthMs || row.origin.getTime() !== origin.getTime();
        const [use] = moved ? await tx.run(seriesInUse, tenant, source, scope) : [];
        if (use?.in_use) return { kind: "in_use" };
        if (!moved && row.lateness_ms === latenessMs) return read();
        await tx.run(updateSeries, ...columns);
      }
      await recordAction(tx, {
        ...{ tenant, kind: "window_series_put", targetKind: "window_series" },
        targetName: scope === "" ? source : `${source}/${scope}`,
        ...audit,
        detail: { ...series, origin },
      });
      return read();

      async function read(): Promise<SeriesPut> {
        const [row] = await tx.run(readWatermark, tenant, source, scope);
        if (row === undefined) throw new Error("a series vanished; they are not deleted");
        return { kind: "put", watermark: watermarkOf(row) };
      }
    });

/** The watermark of a series; undefined if nobody declared it. */
export const readWatermarkIn =
  (pool: Pool) =>
  (tenant: string, source: string, scope: string): Promise<Watermark | undefined> =>
    inTransaction(pool, [tenant], async (tx) => {
      const [row] = await tx.run(readWatermark, tenant, source, scope);
      return row && watermarkOf(row);
    });

/** Up to `limit` (1,001 at most) watermarks after a series; of one source if it is not empty. */
export const listWatermarksIn =
  (pool: Pool) =>
  (
    tenant: string,
    source: string,
    after: readonly [source: string, scope: string],
    limit: number,
  ): Promise<Watermark[]> =>
    inTransaction(pool, [tenant], async (tx) =>
      (await tx.run(listWatermarks, tenant, source, ...after, limit)).map(watermarkOf),
    );

/** Up to `limit` gaps of a series from a moment on; undefined if nobody declared the series. */
export const findGapsIn =
  (pool: Pool) =>
  (
    tenant: string,
    { source, scope, from, until }: GapQuery,
    after: Date | undefined,
    limit: number,
  ): Promise<Gap[] | undefined> =>
    inTransaction(pool, [tenant], async (tx) => {
      const [row] = await tx.run(readWatermark, tenant, source, scope);
      if (row === undefined) return undefined;
      const { width_ms: widthMs } = row;
      const startMs = Math.max(
        row.origin_ms,
        after?.getTime() ??
          (from === undefined ? row.origin_ms : alignDown(from, widthMs).getTime()),
      );
      const endMs = Math.min(
        row.due_ms,
        until === undefined ? row.due_ms : alignUp(until, widthMs).getTime(),
      );
      const series: SeriesOfGaps = { tenant, source, scope, widthMs };
      const gaps = await readGaps(tx, series, { startMs, endMs }, limit);
      const inProgress = await countInProgress(tx, series, gaps);
      return gaps.map((gap, index) => ({
        start: new Date(gap.startMs),
        end: new Date(gap.endMs),
        windows: (gap.endMs - gap.startMs) / widthMs,
        inProgress: inProgress[index] ?? 0,
      }));
    });

/** The series that gaps are looked for in. */
export interface SeriesOfGaps {
  readonly tenant: string;
  readonly source: string;
  readonly scope: string;
  readonly widthMs: number;
}

/** The first gaps of a range; it reads coverage in bounded parts. */
export async function readGaps(
  tx: Transaction,
  { tenant, source, scope, widthMs }: SeriesOfGaps,
  { startMs, endMs }: WindowRun,
  limit: number,
): Promise<readonly WindowRun[]> {
  const gaps: WindowRun[] = [];
  let fromMs = startMs;
  while (fromMs < endMs && gaps.length < limit) {
    const bounds = [new Date(fromMs), new Date(endMs)] as const;
    const rows = await tx.run(coveredRuns, tenant, source, scope, widthMs, ...bounds);
    const runs = rows.map((run: CoveredRun) => ({ startMs: run.start_ms, endMs: run.end_ms }));
    const knownMs =
      rows.length === MAX_RUNS ? Math.min(rows.at(-1)?.end_ms ?? endMs, endMs) : endMs;
    gaps.push(...gapsBetween(runs, { startMs: fromMs, endMs: knownMs }));
    fromMs = knownMs;
  }
  return gaps.slice(0, limit);
}

/** Of each gap: how many of its windows unfinished jobs are to cover. */
export async function countInProgress(
  tx: Transaction,
  { tenant, source, scope }: SeriesOfGaps,
  gaps: readonly WindowRun[],
): Promise<number[]> {
  if (gaps.length === 0) return [];
  const counted = await tx.run(
    windowsInProgress,
    ...([tenant, source, scope] as const),
    gaps.map(({ startMs }) => new Date(startMs)),
    gaps.map(({ endMs }) => new Date(endMs)),
    Math.max(1, Math.floor(MAX_JOBS_LOOKED_AT / gaps.length)),
  );
  return counted.map(({ windows }) => windows);
}

/** How far the series of all tenants are behind; as orch_loops. */
export const readLagIn = (loopsPool: Pool) => async (): Promise<WatermarkLag> => {
  const [row] = await inTransaction(loopsPool, [], (tx) => tx.run(lagOfAll));
  return { maxMs: row?.max_ms ?? 0, behind: row?.behind ?? 0 };
};
