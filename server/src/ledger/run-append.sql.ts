import type { EdgeCondition, OnFailure } from "../domain/graph.ts";
import type { JobState } from "../domain/job-machine.ts";
import { sql } from "./sql.ts";
import { jobWithId, STATE, STATE_JOINS } from "./state.sql.ts";

/** What jobs inherit from a run; it never changes. */
export const runHeritage = sql<
  readonly [tenant: string, runId: string],
  { readonly project: string; readonly correlation_id: string }
>(
  "run_heritage",
  "select project, correlation_id from run where tenant = $1 and id = $2 and not removing",
);

/** A job of a run, by its name. */
export interface NamedJob {
  readonly name: string;
  readonly job_id: string;
  readonly content_digest: Buffer;
}

/** The jobs of a run that have one of the names. */
export const jobsByName = sql<readonly [tenant: string, runId: string, names: string[]], NamedJob>(
  "jobs_by_name",
  `
select i.name, j.id as job_id, j.content_digest from unnest($3::text[]) as i (name)
cross join lateral (
  select id, content_digest from job where tenant = $1 and run_id = $2 and name = i.name limit 1
) j`,
);

/** Locks jobs that others are to depend on; see lockParents for who else does. */
export const lockForEdges = sql<readonly [tenant: string, jobIds: string[]], never>(
  "lock_for_edges",
  `
select from job where tenant = $1 and id = any ($2::uuid[]) order by id for no key update`,
);

/** Where a job of a run stands. */
export interface StandingJob {
  readonly job_id: string;
  readonly name: string;
  readonly state: JobState;
  readonly skipped: boolean;
}

/** Where jobs of a run stand; those of no run or another are left out. */
export const standings = sql<readonly [tenant: string, runId: string, ids: string[]], StandingJob>(
  "run_job_standings",
  `
select j.id as job_id, j.name, ${STATE} as state, j.skipped
from unnest($3::uuid[]) as i (id)${jobWithId("i.id")} ${STATE_JOINS} where j.run_id = $2`,
);

/** A job that waits for what another fans out, and how. */
export interface FanOutJoin {
  readonly job_id: string;
  readonly condition: EdgeCondition;
  readonly on_failure: OnFailure;
}

/** The jobs that wait for what a job fans out. */
export const fanOutJoins = sql<readonly [tenant: string, jobId: string], FanOutJoin>(
  "fan_out_joins",
  `
select e.to_job as job_id, e.condition, e.on_failure from edge e
where e.tenant = $1 and e.from_job = $2 and e.include_fan_out and not e.settled
order by e.to_job limit 20001`,
);

/** What jobs that wait, wait for: up to 20,000 edges between jobs that are blocked. */
export const blockedParents = sql<
  readonly [tenant: string, jobIds: string[]],
  { readonly from_job: string; readonly to_job: string; readonly name: string }
>(
  "blocked_parents",
  `
select e.from_job, i.id as to_job, p.name from unnest($2::uuid[]) as i (id)
cross join lateral (
  select from_job from edge where tenant = $1 and to_job = i.id limit 20001
) e
cross join lateral (
  select name from job where tenant = $1 and id = e.from_job and base_state = 'blocked' limit 1
) p
limit 20001`,
);

/** Adds what has been appended to the counts of jobs that wait for it. */
export const awaitMore = sql<readonly [tenant: string, jobIds: string[], count: number], never>(
  "await_more",
  `
update job set unmet = unmet + $3
where tenant = $1 and id = any ($2::uuid[]) and base_state = 'blocked'`,
);

/** Closes an open run; no row if the tenant has none of that id. */
export const closeRun = sql<
  readonly [tenant: string, runId: string],
  { readonly was_open: boolean }
>(
  "close_run",
  `
with before as materialized (
  select open from run where tenant = $1 and id = $2 and not removing for no key update
),
closed as (update run set open = false where tenant = $1 and id = $2 and open)
select open as was_open from before`,
);
