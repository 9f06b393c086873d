import { sql } from "./sql.ts";

/** How long things are kept, in milliseconds. */
export type KeptParams = readonly [finishedMs: number, deadLettersMs: number];

const before = (place: number): string => `now() - $${place}::bigint * interval '1 ms'`;

// A job whose newest attempt succeeded has no token, so the hot tables need not be asked.
const OVER_JOINS = `
left join lateral (
  select outcome, ended_at from attempt newest
  where newest.tenant = j.tenant and newest.job_id = j.id order by newest.attempt desc limit 1
) a on j.base_state = 'ready'
left join dead_letter d on d.tenant = j.tenant and d.job_id = j.id and j.base_state = 'dead'`;

/**
 * Whether a job is over its time, over {@link OVER_JOINS}: it is finished, and has been for long
 * enough. One that died and was discarded is kept like any other.
 */
const over = (finished: number, dead: number): string => `case
    when j.base_state = 'ready' then coalesce(a.outcome = 'succeeded'
      and a.ended_at < ${before(finished)}, false)
    when j.base_state = 'cancelled' or (j.base_state = 'dead' and d.job_id is null)
      then j.ended_at < ${before(finished)}
    when j.base_state = 'dead' then j.ended_at < ${before(dead)}
    else false end`;

/**
 * Whether another run than the one given names a job: it reuses it, or has an edge to it. The
 * offsets keep these lookups: as joins, which the planner would make of them, they read it all.
 */
const namedBesides = (run: string): string => `(
    exists (select from reused_job u
      where u.tenant = j.tenant and u.job_id = j.id and u.run_id is distinct from ${run}
      offset 0)
    or exists (select from edge e
      where e.tenant = j.tenant and e.from_job = j.id and e.run_id is distinct from ${run}
      offset 0)
    or exists (select from edge e
      where e.tenant = j.tenant and e.to_job = j.id and e.run_id is distinct from ${run}
      offset 0))`;

/** How far a walk over jobs came, and what it found. */
export interface JobPageRow {
  readonly seen: number;
  /** The last job that was looked at; null if there was none. */
  readonly last: string | null;
  /** Jobs to remove; they are locked. */
  readonly over: string[];
}

/**
 * Locks those of the next 500 jobs of a tenant, in the order of their ids, that belong to no run
 * and are over their time.
 */
export const lockJobsOver = sql<
  readonly [tenant: string, after: string, beforeId: string, ...kept: KeptParams],
  JobPageRow
>(
  "lock_jobs_over",
  `
with page as materialized (
  select id from job where tenant = $1 and id > $2 and id < $3 order by id limit 500
),
doomed as materialized (
  select j.id from page g join job j on j.tenant = $1 and j.id = g.id ${OVER_JOINS}
  where j.run_id is null and ${over(4, 5)} and not ${namedBesides("null::uuid")}
  order by j.id for update of j skip locked
)
select (select count(*)::integer from page) as seen, (select max(id::text) from page) as last,
  coalesce((select array_agg(id) from doomed), '{}') as over`,
);

/** Removes jobs with all that is kept about them; no edge names them any more. */
export const removeJobs = sql<readonly [tenant: string, jobIds: string[]], never>(
  "remove_jobs",
  `
with artifacts as (delete from job_artifact where tenant = $1 and job_id = any ($2::uuid[])),
attempts as (delete from attempt where tenant = $1 and job_id = any ($2::uuid[])),
events as (delete from job_event where tenant = $1 and job_id = any ($2::uuid[])),
reported as (delete from progress where tenant = $1 and job_id = any ($2::uuid[])),
letters as (delete from dead_letter where tenant = $1 and job_id = any ($2::uuid[])),
untold as (delete from cascade where tenant = $1 and job_id = any ($2::uuid[])),
notes as (
  delete from stuck where tenant = $1 and kind = 'job' and subject = any ($2::uuid[]::text[])
)
delete from job where tenant = $1 and id = any ($2::uuid[])`,
);

/** Whether a run is being written whose jobs are copies of this one's. */
const isReplayed = (run: string): string => `exists (
    select from run b where b.tenant = $1 and b.replay_of = ${run} and b.building)`;

/** Up to 100 runs of a tenant that may be over their time, in the order of their ids. */
export const runsToLookAt = sql<
  readonly [tenant: string, after: string, beforeId: string, keptMs: number],
  { readonly id: string; readonly removable: boolean }
>(
  "runs_to_look_at",
  `
select r.id, not r.building and r.created_at < ${before(4)} and not exists (
    select from operation o
    where o.tenant = r.tenant and o.run_id = r.id and o.state = 'running')
  and not ${isReplayed("r.id")} as removable
from run r where r.tenant = $1 and r.id > $2 and r.id < $3 order by r.id limit 100`,
);

/** Whether a page of a run's jobs is over its time. */
export interface RunPageRow {
  readonly seen: number;
  readonly last: number | null;
  /** Every job of the page is over its time, and no other run names one. */
  readonly over: boolean;
}

/** Looks at up to 1,000 jobs of a run after a position. */
export const runPageOver = sql<
  readonly [tenant: string, runId: string, after: number, ...kept: KeptParams],
  RunPageRow
>(
  "run_page_over",
  `
with page as materialized (
  select id, run_position from job
  where tenant = $1 and run_id = $2 and run_position > $3 order by run_position limit 1000
)
select count(*)::integer as seen, max(g.run_position) as last,
  coalesce(bool_and(${over(4, 5)} and not ${namedBesides("$2::uuid")}), true) as over
from page g join job j on j.tenant = $1 and j.id = g.id ${OVER_JOINS}`,
);

/**
 * Marks a run as one that is about to be removed; no row if it is used again. The lock is stronger
 * than the update's own: whoever retries a job of the run or replays it holds a share of it.
 */
export const markRun = sql<readonly [tenant: string, runId: string], { readonly id: string }>(
  "mark_run_for_removal",
  `
update run r set removing = true from (
  select id from run where tenant = $1 and id = $2 for update
) locked
where r.tenant = $1 and r.id = locked.id and not r.building and not ${isReplayed("$2")}
returning r.id`,
);

/** Leaves a run alone after all, if nothing of it is gone. */
export const unmarkRun = sql<readonly [tenant: string, runId: string], never>(
  "unmark_run",
  `
update run set removing = false
where tenant = $1 and id = $2 and removing and job_count > 0`,
);

/** From here on a marked run goes to the end: it has no count any more. No row if it is used. */
export const goOnRemoving = sql<readonly [tenant: string, runId: string], { readonly id: string }>(
  "go_on_removing_run",
  `
update run set job_count = 0
where tenant = $1 and id = $2 and removing and not ${isReplayed("$2")} returning id`,
);

/** Removes up to 2,000 edges of a run. */
export const removeEdges = sql<
  readonly [tenant: string, runId: string],
  { readonly from_job: string }
>(
  "remove_edges",
  `
delete from edge where ctid = any (array(
  select ctid from edge where tenant = $1 and run_id = $2 limit 2000))
returning from_job`,
);

/** Locks the first 500 jobs of a run. */
export const lockRunJobs = sql<readonly [tenant: string, runId: string], { readonly id: string }>(
  "lock_run_jobs",
  `
select id from job where tenant = $1 and run_id = $2 and run_position is not null
order by run_position limit 500 for update`,
);

/** Removes up to 2,000 notes of what a run reuses. */
export const removeReuses = sql<
  readonly [tenant: string, runId: string],
  { readonly job_id: string }
>(
  "remove_reuses",
  `
delete from reused_job where ctid = any (array(
  select ctid from reused_job where tenant = $1 and run_id = $2 limit 2000))
returning job_id`,
);

/** Removes a run that has nothing left. */
export const removeRun = sql<readonly [tenant: string, runId: string], { readonly id: string }>(
  "remove_run",
  "delete from run where tenant = $1 and id = $2 and removing returning id",
);
