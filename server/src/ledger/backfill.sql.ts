import type { BackfillState } from "../app/backfills/backfill.ts";
import { sql } from "./sql.ts";

/** The series that a backfill is of, and the clock. */
export interface SeriesOfBackfill {
  readonly width_ms: number;
  readonly lateness_ms: number;
  readonly now: Date;
}

/** Reads a series. */
export const seriesOfBackfill = sql<
  readonly [tenant: string, source: string, scope: string],
  SeriesOfBackfill
>(
  "series_of_backfill",
  `
select width_ms, lateness_ms, now() as now from window_series
where tenant = $1 and source = $2 and scope = $3`,
);

/**
 * The same; until the transaction ends nobody declares the series anew. Completions go on: they
 * change no key.
 */
export const seriesForBackfill = sql<
  readonly [tenant: string, source: string, scope: string],
  SeriesOfBackfill
>(
  "series_for_backfill",
  `
select width_ms, lateness_ms, now() as now from window_series
where tenant = $1 and source = $2 and scope = $3 for key share`,
);

/** Starts a backfill, unless its id is taken. */
export const insertBackfill = sql<
  readonly [
    tenant: string,
    id: string,
    source: string,
    scope: string,
    start: Date,
    end: Date,
    spec: string,
    digest: Buffer,
    maxParallel: number,
    repeatCovered: boolean,
    actor: string,
    reason: string,
    ticket: string,
    windows: number,
  ],
  { readonly id: string }
>(
  "insert_backfill",
  `
insert into backfill (tenant, id, source, scope, start_at, end_at, spec, request_digest,
  max_parallel, repeat_covered, state, actor, reason, ticket, windows, decided_upto)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'running', $11, $12, $13, $14, $5)
on conflict (tenant, id) do nothing
returning id`,
);

/** What a backfill was asked for. */
export const backfillDigest = sql<
  readonly [tenant: string, id: string],
  { readonly request_digest: Buffer }
>("backfill_digest", "select request_digest from backfill where tenant = $1 and id = $2");

/** A backfill, with how many of its jobs are unfinished. */
export interface BackfillRow {
  readonly tenant: string;
  readonly id: string;
  readonly source: string;
  readonly scope: string;
  readonly start_at: Date;
  readonly end_at: Date;
  readonly spec: unknown;
  readonly max_parallel: number;
  readonly repeat_covered: boolean;
  readonly state: BackfillState;
  readonly actor: string;
  readonly reason: string;
  readonly ticket: string;
  readonly windows: number;
  readonly covered: number;
  readonly shared: number;
  readonly in_progress: number;
  readonly failed: number;
  readonly created_at: Date;
  readonly finished_at: Date | null;
}

const VIEW = `
select b.tenant, b.id, b.source, b.scope, b.start_at, b.end_at, b.spec, b.max_parallel,
  b.repeat_covered, b.state, b.actor, b.reason, b.ticket, b.windows, b.covered, b.shared,
  o.in_progress, b.failed, b.created_at, b.finished_at
from b
cross join lateral (
  select count(*) as in_progress from backfill_window w
  where w.tenant = b.tenant and w.backfill_id = b.id and w.state = 'in_progress'
    and w.state in ('in_progress', 'waiting')
) o
order by b.created_at desc, b.id desc`;

/** One backfill. */
export const readBackfill = sql<readonly [tenant: string, id: string], BackfillRow>(
  "read_backfill",
  `with b as materialized (select * from backfill where tenant = $1 and id = $2)${VIEW}`,
);

/** Up to 1,001 backfills before one, newest first; of one source if it is not empty. */
export const listBackfills = sql<
  readonly [tenant: string, source: string, after: string | null, limit: number],
  BackfillRow
>(
  "list_backfills",
  `
with b as materialized (
  select * from backfill
  where tenant = $1 and ($2 = '' or source = $2)
    and ($3::uuid is null or (created_at, id) < (
      select after.created_at, after.id from backfill after where after.tenant = $1
        and after.id = $3))
  order by created_at desc, id desc limit least($4::integer, 1001)
)${VIEW}`,
);

/** Moves a backfill from states to another; answers it if it was in one of them. */
export const moveBackfillState = sql<
  readonly [tenant: string, id: string, from: string[], to: BackfillState],
  { readonly id: string }
>(
  "move_backfill_state",
  `
update backfill set state = $4 where tenant = $1 and id = $2 and state = any ($3::text[])
returning id`,
);

/** A window of a backfill. */
export interface BackfillWindowRow {
  readonly window_start: Date;
  readonly window_end: Date;
  readonly state: "in_progress" | "waiting" | "covered" | "shared" | "failed";
  readonly job_id: string | null;
}

const windows = (name: string, states: string) =>
  sql<readonly [tenant: string, id: string, after: Date | null, limit: number], BackfillWindowRow>(
    `backfill_windows_${name}`,
    `
select window_start, window_end, state, job_id from backfill_window
where tenant = $1 and backfill_id = $2 and window_start > coalesce($3::timestamptz, '-infinity')
  and ${states}
order by window_start limit least($4::integer, 1001)`,
  );

const OPEN = "state in ('in_progress', 'waiting')";

/**
 * Up to 1,001 windows of a backfill after one, by what became of them; those that still wait for a
 * place for their job are left out. The states are literals, for the indexes on them.
 */
export const backfillWindows = new Map([
  ["all", windows("all", "(state <> 'waiting' or job_id is not null)")],
  ["in_progress", windows("in_progress", `${OPEN} and state = 'in_progress'`)],
  ["covered", windows("covered", "state = 'covered'")],
  ["shared", windows("shared", "state in ('shared', 'waiting') and job_id is not null")],
  ["failed", windows("failed", "state = 'failed'")],
] as const);
