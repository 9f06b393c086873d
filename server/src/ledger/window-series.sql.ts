import type { SeriesColumns } from "./coverage.sql.ts";
import { sql } from "./sql.ts";

/** How wide the windows of series are; a series that nobody declared is left out. */
export const seriesWidths = sql<
  SeriesColumns,
  {
    readonly tenant: string;
    readonly source: string;
    readonly scope: string;
    readonly width_ms: number;
  }
>(
  "series_widths",
  `
select s.tenant, s.source, s.scope, s.width_ms
from unnest($1::text[], $2::text[], $3::text[]) as i (tenant, source, scope)
join window_series s using (tenant, source, scope)`,
);

/** A moment in milliseconds since 1970, as an exact numeric. */
export const msOf = (moment: string): string => `extract(epoch from ${moment}) * 1000`;

/** Where the windows end that are due, or the origin: of `s`, a series, at the moment `now`. */
export const dueMsOf = (s: string, now = "now()"): string => `greatest(${msOf(`${s}.origin`)},
    floor((${msOf(now)} - ${s}.lateness_ms) / ${s}.width_ms) * ${s}.width_ms)::bigint`;

/** A series, and how complete it is. Times are milliseconds since 1970. */
export interface WatermarkRow {
  readonly source: string;
  readonly scope: string;
  readonly width_ms: number;
  readonly lateness_ms: number;
  readonly origin_ms: number;
  readonly watermark_ms: number;
  readonly due_ms: number;
  /** The end of the newest range. */
  readonly covered_until_ms: number | null;
  /** Runs of covered windows between the watermark and what is due, and their windows in all. */
  readonly runs: number;
  readonly run_windows: number;
  /** The end of the last of them. */
  readonly runs_until_ms: number | null;
}

const WATERMARK = `
select s.source, s.scope, s.width_ms, s.lateness_ms, (${msOf("s.origin")})::bigint as origin_ms,
  (${msOf("s.watermark")})::bigint as watermark_ms, d.due_ms, newest.covered_until_ms,
  covered.runs, covered.run_windows, covered.runs_until_ms
from s
cross join lateral (select ${dueMsOf("s")} as due_ms) d
left join lateral (
  select (${msOf("c.end_at")})::bigint as covered_until_ms from window_coverage c
  where c.tenant = s.tenant and c.source = s.source and c.scope = s.scope
  order by c.start_at desc limit 1
) newest on true
cross join lateral (
  select count(*) as runs, coalesce(sum((r.end_ms - r.start_ms) / s.width_ms), 0)::bigint
    as run_windows, max(r.end_ms) as runs_until_ms
  from (
    select (ceil(${msOf("c.start_at")} / s.width_ms) * s.width_ms)::bigint as start_ms,
      least(floor(${msOf("c.end_at")} / s.width_ms) * s.width_ms, d.due_ms)::bigint as end_ms
    from window_coverage c
    where c.tenant = s.tenant and c.source = s.source and c.scope = s.scope
      and c.start_at > s.watermark
  ) r
  where r.end_ms > r.start_ms
) covered
order by s.source, s.scope`;

/** One watermark. */
export const readWatermark = sql<
  readonly [tenant: string, source: string, scope: string],
  WatermarkRow
>(
  "read_watermark",
  `
with s as materialized (
  select * from window_series where tenant = $1 and source = $2 and scope = $3
)${WATERMARK}`,
);

/** Up to 1,001 watermarks after a series; of one source if it is not empty. */
export const listWatermarks = sql<
  readonly [tenant: string, source: string, afterSource: string, afterScope: string, limit: number],
  WatermarkRow
>(
  "list_watermarks",
  `
with s as materialized (
  select * from window_series
  where tenant = $1 and ($2 = '' or source = $2) and (source, scope) > ($3, $4)
  order by source, scope limit least($5::integer, 1001)
)${WATERMARK}`,
);

/** Locks a series, if there is one, against completions and new backfills. */
export const lockOneSeries = sql<
  readonly [tenant: string, source: string, scope: string],
  { readonly width_ms: number; readonly lateness_ms: number; readonly origin: Date }
>(
  "lock_one_series",
  `
select width_ms, lateness_ms, origin from window_series
where tenant = $1 and source = $2 and scope = $3 for update`,
);

/**
 * Whether something of a series is covered, or a backfill is to cover some. Ask it once the series
 * is locked, in a statement of its own: it sees what others committed before.
 */
export const seriesInUse = sql<
  readonly [tenant: string, source: string, scope: string],
  { readonly in_use: boolean }
>(
  "series_in_use",
  `
select exists (select from window_coverage c
    where c.tenant = $1 and c.source = $2 and c.scope = $3)
  or exists (select from backfill b
    where b.tenant = $1 and b.source = $2 and b.scope = $3
      and b.state in ('running', 'paused', 'cancelling')) as in_use`,
);

type SeriesParams = readonly [
  tenant: string,
  source: string,
  scope: string,
  widthMs: number,
  latenessMs: number,
  origin: Date,
];

/** Declares a series; a row if there was none. */
export const insertSeries = sql<SeriesParams, { readonly created: boolean }>(
  "insert_window_series",
  `
insert into window_series (tenant, source, scope, width_ms, lateness_ms, origin, watermark)
values ($1, $2, $3, $4, $5, $6, $6)
on conflict (tenant, source, scope) do nothing
returning true as created`,
);

/** Changes a series; the watermark goes along with the origin while nothing is covered. */
export const updateSeries = sql<SeriesParams, never>(
  "update_window_series",
  `
update window_series set width_ms = $4, lateness_ms = $5, origin = $6,
  watermark = case when origin = $6 then watermark else $6 end, updated_at = now()
where tenant = $1 and source = $2 and scope = $3`,
);

/** A run of covered windows; milliseconds since 1970, on the grid. */
export interface CoveredRun {
  readonly start_ms: number;
  readonly end_ms: number;
}

/** Up to 1,000 runs of windows that are covered, of those with any part in a range, in order. */
export const coveredRuns = sql<
  readonly [
    tenant: string,
    source: string,
    scope: string,
    widthMs: number,
    from: Date,
    until: Date,
  ],
  CoveredRun
>(
  "covered_runs",
  `
select r.start_ms, r.end_ms
from window_coverage c
cross join lateral (
  select (ceil(${msOf("c.start_at")} / $4::bigint) * $4)::bigint as start_ms,
    (floor(${msOf("c.end_at")} / $4) * $4)::bigint as end_ms
) r
where c.tenant = $1 and c.source = $2 and c.scope = $3
  and c.start_at >= coalesce((
    select before.start_at from window_coverage before
    where before.tenant = $1 and before.source = $2 and before.scope = $3 and before.start_at <= $5
    order by before.start_at desc limit 1), $5)
  and c.start_at < $6 and c.end_at > $5 and r.end_ms > r.start_ms
order by c.start_at limit 1000`,
);

/** How far series are behind, over all tenants: what the metrics show. */
export const lagOfAll = sql<
  readonly [],
  { readonly max_ms: number | null; readonly behind: number }
>(
  "loops_lag_of_all",
  `
select max(lag_ms) as max_ms, count(*) filter (where lag_ms > 0) as behind
from (
  select greatest(0, ${dueMsOf("s")} - ${msOf("s.watermark")})::bigint as lag_ms
  from window_series s
) all_series`,
);

/** How many windows of a range are covered. */
export const countCovered = sql<
  readonly [
    tenant: string,
    source: string,
    scope: string,
    widthMs: number,
    from: Date,
    until: Date,
  ],
  { readonly windows: number }
>(
  "count_covered_windows",
  `
select coalesce(sum((r.end_ms - r.start_ms) / $4) filter (where r.end_ms > r.start_ms), 0)::bigint
  as windows
from window_coverage c
cross join lateral (
  select
    (ceil(${msOf("greatest(c.start_at, $5::timestamptz)")} / $4::bigint) * $4)::bigint as start_ms,
    (floor(${msOf("least(c.end_at, $6::timestamptz)")} / $4) * $4)::bigint as end_ms
) r
where c.tenant = $1 and c.source = $2 and c.scope = $3
  and c.start_at >= coalesce((
    select before.start_at from window_coverage before
    where before.tenant = $1 and before.source = $2 and before.scope = $3 and before.start_at <= $5
    order by before.start_at desc limit 1), $5)
  and c.start_at < $6 and c.end_at > $5`,
);
