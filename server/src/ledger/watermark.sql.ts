import { sql } from "./sql.ts";
import { STATE, STATE_JOINS } from "./state.sql.ts";

/**
 * How many windows of stretches of event time unfinished jobs are to cover, a number per stretch:
 * among the first so many jobs of it, finished or not, because a stretch can be as long as the
 * series.
 */
export const windowsInProgress = sql<
  readonly [
    tenant: string,
    source: string,
    scope: string,
    starts: Date[],
    ends: Date[],
    maxJobs: number,
  ],
  { readonly position: number; readonly windows: number }
>(
  "windows_in_progress",
  `
select i.position::integer, p.windows
from unnest($4::timestamptz[], $5::timestamptz[]) with ordinality as i (start_at, end_at, position)
cross join lateral (
  select count(distinct looked.window_start) as windows from (
    select j.window_start, ${STATE} as state from (
      select * from job j
      where j.tenant = $1 and j.source = $2 and j.window_scope = $3
        and j.window_start >= i.start_at and j.window_start < i.end_at
      order by j.window_start limit $6::integer
    ) j ${STATE_JOINS}
  ) looked
  where looked.state not in ('succeeded', 'dead', 'cancelled')
) p
order by i.position`,
);

/** How long the attempts took that covered the newest windows of a series, 100 at most. */
export const windowDurations = sql<
  readonly [tenant: string, source: string, scope: string],
  { readonly attempts: number; readonly mean_ms: number | null }
>(
  "window_durations",
  `
select count(*) as attempts,
  (extract(epoch from avg(took.ended_at - took.started_at)) * 1000)::double precision as mean_ms
from (
  select a.started_at, a.ended_at from (
    select * from job j
    where j.tenant = $1 and j.source = $2 and j.window_scope = $3 and j.window_start is not null
    order by j.window_start desc limit 1000
  ) j
  cross join lateral (
    select * from attempt a where a.tenant = j.tenant and a.job_id = j.id
    order by a.attempt desc limit 1
  ) a
  where a.outcome = 'succeeded' limit 100
) took`,
);
