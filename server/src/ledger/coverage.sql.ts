import { sql } from "./sql.ts";

/** A job with a window, and when the attempt began that succeeded. */
export interface WindowedAttempt {
  readonly tenant: string;
  readonly job_id: string;
  readonly source: string;
  readonly scope: string;
  readonly window_start: Date;
  readonly window_end: Date;
  readonly started_at: Date;
}

/**
 * Of attempts that succeeded, those whose jobs declare a window: looked up one by one by their
 * keys, never by way of the index on windows.
 */
export const windowedAttempts = sql<
  readonly [tenants: string[], jobIds: string[], attempts: number[]],
  WindowedAttempt
>(
  "windowed_attempts",
  `
select j.tenant, j.id as job_id, j.source, j.window_scope as scope, j.window_start,
  j.window_end, a.started_at
from unnest($1::text[], $2::uuid[], $3::integer[]) as i (tenant, job_id, attempt)
cross join lateral (
  select * from job one where one.tenant = i.tenant and one.id = i.job_id limit 1
) j
cross join lateral (
  select * from attempt one
  where one.tenant = i.tenant and one.job_id = i.job_id and one.attempt = i.attempt limit 1
) a
where j.window_start is not null`,
);

/** Names series, one array per part, all of the same length. */
export type SeriesColumns = readonly [tenants: string[], sources: string[], scopes: string[]];

/** A series that is locked. */
export interface LockedSeries {
  readonly tenant: string;
  readonly source: string;
  readonly scope: string;
  readonly width_ms: number;
  readonly lateness_ms: number;
  readonly origin: Date;
  readonly watermark: Date;
}

/**
 * Locks series, in the order in which they are named: sort them, so that two transactions that
 * cover windows of the same series take turns.
 */
export const lockSeries = sql<SeriesColumns, LockedSeries>(
  "lock_window_series",
  `
select s.tenant, s.source, s.scope, s.width_ms, s.lateness_ms, s.origin,
  s.watermark
from unnest($1::text[], $2::text[], $3::text[]) as i (tenant, source, scope)
cross join lateral (
  select * from window_series s
  where s.tenant = i.tenant and s.source = i.source and s.scope = i.scope
  for no key update
) s`,
);

/** A covered range. */
export interface CoverageRow {
  readonly tenant: string;
  readonly source: string;
  readonly scope: string;
  readonly start_at: Date;
  readonly end_at: Date;
}

/** The covered ranges that overlap or touch others; one that touches two stands twice. */
export const touchedCoverage = sql<
  readonly [...series: SeriesColumns, starts: Date[], ends: Date[]],
  CoverageRow
>(
  "touched_coverage",
  `
select i.tenant, i.source, i.scope, c.start_at, c.end_at
from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[])
  as i (tenant, source, scope, start_at, end_at)
cross join lateral (
  (select c.start_at, c.end_at from window_coverage c
    where c.tenant = i.tenant and c.source = i.source and c.scope = i.scope
      and c.start_at <= i.start_at
    order by c.start_at desc limit 1)
  union all
  (select c.start_at, c.end_at from window_coverage c
    where c.tenant = i.tenant and c.source = i.source and c.scope = i.scope
      and c.start_at > i.start_at and c.start_at <= i.end_at)
) c
where c.end_at >= i.start_at`,
);

/** Replaces ranges: the first go away, the others are there with their new ends. */
export const writeCoverage = sql<
  readonly [
    ...gone: [...series: SeriesColumns, starts: Date[]],
    ...there: [...series: SeriesColumns, starts: Date[], ends: Date[]],
  ],
  never
>(
  "write_coverage",
  `
with gone as (
  delete from window_coverage c
  using unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[])
    as g (tenant, source, scope, start_at)
  where c.tenant = g.tenant and c.source = g.source and c.scope = g.scope
    and c.start_at = g.start_at
)
insert into window_coverage (tenant, source, scope, start_at, end_at)
select * from unnest($5::text[], $6::text[], $7::text[], $8::timestamptz[], $9::timestamptz[])
on conflict (tenant, source, scope, start_at) do update set end_at = excluded.end_at`,
);

/** Moves watermarks forward, never back. */
export const moveWatermarks = sql<readonly [...series: SeriesColumns, watermarks: Date[]], never>(
  "move_watermarks",
  `
update window_series s set watermark = i.watermark
from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[])
  as i (tenant, source, scope, watermark)
where s.tenant = i.tenant and s.source = i.source and s.scope = i.scope
  and s.watermark < i.watermark`,
);
