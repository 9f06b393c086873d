import type { JobState } from "../domain/job-machine.ts";
import { sql } from "./sql.ts";
import { STATE, STATE_JOINS } from "./state.sql.ts";

/** The tenants that have unfinished backfills. */
export const tenantsWithBackfills = sql<readonly [], { readonly tenant: string }>(
  "loops_tenants_with_backfills",
  `
select distinct tenant from backfill where state in ('running', 'paused', 'cancelling')
limit 10000`,
);

/** Up to 1,000 unfinished backfills of a tenant. */
export const unfinishedBackfills = sql<readonly [tenant: string], { readonly id: string }>(
  "unfinished_backfills",
  `
select id from backfill
where tenant = $1 and state in ('running', 'paused', 'cancelling')
order by id limit 1000`,
);

/** A backfill that is worked on; nobody else works on it until the transaction ends. */
export interface LockedBackfill {
  readonly state: "running" | "paused" | "cancelling";
  readonly source: string;
  readonly scope: string;
  readonly end_at: Date;
  readonly decided_upto: Date;
  readonly created_at: Date;
  readonly max_parallel: number;
  readonly repeat_covered: boolean;
  readonly spec: unknown;
}

/** Takes a backfill, unless another replica has it. */
export const lockBackfill = sql<readonly [tenant: string, id: string], LockedBackfill>(
  "lock_backfill",
  `
select state, source, scope, end_at, decided_upto, created_at, max_parallel, repeat_covered, spec
from backfill
where tenant = $1 and id = $2 and state in ('running', 'paused', 'cancelling')
for update skip locked`,
);

/** A window whose end is not known, and what is known. */
export interface OpenWindowRow {
  readonly window_start: Date;
  readonly window_end: Date;
  readonly state: "in_progress" | "waiting";
  readonly job_id: string | null;
  /** Null: there is no such job. */
  readonly job_state: JobState | null;
  /** Whether its worker was asked to stop. */
  readonly asked: boolean;
  readonly covered: boolean;
}

const COVERED_BY = `
left join lateral (
  select c.end_at from window_coverage c
  where c.tenant = w.tenant and c.source = $3 and c.scope = $4 and c.start_at <= w.window_start
  order by c.start_at desc limit 1
) c on true`;

const IS_COVERED = "coalesce(c.end_at >= w.window_end, false)";

/** The open windows of a backfill, of which there are never more than a few thousand. */
export const openWindows = sql<
  readonly [tenant: string, id: string, source: string, scope: string],
  OpenWindowRow
>(
  "open_backfill_windows",
  `
select w.window_start, w.window_end, w.state, w.job_id,
  case when j.id is not null then ${STATE} end as job_state,
  l.cancel_reason is not null as asked, ${IS_COVERED} as covered
from backfill_window w
left join lateral (
  select * from job one where one.tenant = w.tenant and one.id = w.job_id limit 1
) j on true
${STATE_JOINS}
${COVERED_BY}
where w.tenant = $1 and w.backfill_id = $2 and w.state in ('in_progress', 'waiting')
order by w.window_start`,
);

/**
 * Until the transaction ends, nobody else decides about windows of the series. Completions go on:
 * they lock the series' row, and this does not.
 */
export const takeTurn = sql<readonly [tenant: string, source: string, scope: string], never>(
  "take_backfill_turn",
  `
select pg_advisory_xact_lock(
  hashtextextended('backfill' || chr(31) || $1 || chr(31) || $2 || chr(31) || $3, 0))`,
);

/** What is known of a window, as of one moment: a job ends and covers in one transaction. */
export interface CandidateRow {
  /** From 1. */
  readonly position: number;
  /** An unfinished job that is to cover it. */
  readonly job_id: string | null;
  readonly covered: boolean;
}

/** Looks at windows that may need a job. */
export const candidates = sql<
  readonly [tenant: string, source: string, scope: string, starts: Date[], ends: Date[]],
  CandidateRow
>(
  "backfill_candidates",
  `
select w.position::integer, u.job_id, coalesce(c.end_at >= w.window_end, false) as covered
from unnest($4::timestamptz[], $5::timestamptz[])
  with ordinality as w (window_start, window_end, position)
left join lateral (
  select j.id as job_id from job j ${STATE_JOINS}
  where j.tenant = $1 and j.source = $2 and j.window_scope = $3
    and j.window_start = w.window_start and j.window_end = w.window_end
    and ${STATE} not in ('succeeded', 'dead', 'cancelled')
  limit 1
) u on true
left join lateral (
  select c.end_at from window_coverage c
  where c.tenant = $1 and c.source = $2 and c.scope = $3 and c.start_at <= w.window_start
  order by c.start_at desc limit 1
) c on true`,
);

/** Notes what became of windows. */
export const putWindows = sql<
  readonly [
    tenant: string,
    id: string,
    starts: Date[],
    ends: Date[],
    states: string[],
    jobIds: (string | null)[],
  ],
  never
>(
  "put_backfill_windows",
  `
insert into backfill_window (tenant, backfill_id, window_start, window_end, state, job_id)
select $1, $2::uuid, i.*
from unnest($3::timestamptz[], $4::timestamptz[], $5::text[], $6::uuid[]) as i
on conflict (tenant, backfill_id, window_start) do update
  set state = excluded.state, job_id = excluded.job_id`,
);

/** Forgets windows that a backfill leaves out after all. */
export const dropWindows = sql<readonly [tenant: string, id: string, starts: Date[]], never>(
  "drop_backfill_windows",
  `
delete from backfill_window
where tenant = $1 and backfill_id = $2 and window_start = any ($3::timestamptz[])`,
);

/** Adds to what a backfill did, and moves it on; a state that ends it also says when. */
export const moveBackfill = sql<
  readonly [
    tenant: string,
    id: string,
    decidedUpto: Date,
    covered: number,
    shared: number,
    failed: number,
    state: string,
  ],
  never
>(
  "move_backfill",
  `
update backfill set decided_upto = $3, covered = covered + $4::integer,
  shared = shared + $5::integer, failed = failed + $6::integer, state = $7,
  finished_at = case when $7 in ('succeeded', 'failed', 'cancelled') then now() end
where tenant = $1 and id = $2`,
);

/**
 * Finds up to 1,000 failed windows that are covered after all: somebody retried the dead letter, or
 * another job covered them, which does not count if the backfill is to `repeat`.
 */
export const recheckFailed = sql<
  readonly [tenant: string, id: string, source: string, scope: string, repeat: boolean],
  { readonly state: "covered" | "shared" }
>(
  "recheck_failed_windows",
  `
with covered as materialized (
  select w.window_start, case when own.job_id is null then 'shared' else 'covered' end as state
  from backfill_window w ${COVERED_BY}
  left join lateral (
    select a.job_id from attempt a
    where a.tenant = w.tenant and a.job_id = w.job_id and a.outcome = 'succeeded' limit 1
  ) own on true
  where w.tenant = $1 and w.backfill_id = $2 and w.state = 'failed' and ${IS_COVERED}
    and (own.job_id is not null or not $5::boolean)
  order by w.window_start limit 1000
)
update backfill_window w set state = c.state from covered c
where w.tenant = $1 and w.backfill_id = $2 and w.window_start = c.window_start
returning w.state`,
);

/** A window of a backfill that failed; nothing if none did. */
export const failedWindows = sql<
  readonly [tenant: string, id: string],
  { readonly window_start: Date }
>(
  "one_failed_window",
  `
select window_start from backfill_window
where tenant = $1 and backfill_id = $2 and state = 'failed' limit 1`,
);
