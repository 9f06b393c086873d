import type { EdgeCondition, OnFailure } from "../domain/graph.ts";
import type { JobState } from "../domain/job-machine.ts";
import { type JobViewRow, VIEW_JOINS, viewColumns } from "./read.sql.ts";
import { sql } from "./sql.ts";
import { STATE, STATE_JOINS } from "./state.sql.ts";

/** A run without its jobs. */
export interface RunRow {
  readonly id: string;
  readonly display_name: string;
  readonly project: string;
  readonly correlation_id: string;
  readonly created_at: Date;
  readonly open: boolean;
  readonly cancel_requested: boolean;
  readonly building: boolean;
  readonly replay_of: string | null;
  readonly pipeline: string | null;
  readonly pipeline_version: number | null;
  readonly schedule: string | null;
  readonly job_count: number;
}

/** The columns of {@link RunRow}. */
export const RUN_COLUMNS = `id, display_name, project, correlation_id, created_at, open,
  cancel_requested_at is not null as cancel_requested, building, replay_of, pipeline,
  pipeline_version, schedule, job_count`;

/** One run; none that retention is about to remove. */
export const readRunRow = sql<readonly [tenant: string, runId: string], RunRow>(
  "read_run",
  `
select ${RUN_COLUMNS} from run where tenant = $1 and id = $2 and not removing`,
);

/** How many jobs of a run stand where, those that were not needed apart. */
export const countRunStates = sql<
  readonly [tenant: string, runId: string],
  { readonly state: JobState; readonly skipped: boolean; readonly count: number }
>(
  "count_run_states",
  `
select ${STATE} as state, j.skipped, count(*)::integer as count from job j ${STATE_JOINS}
where j.tenant = $1 and j.run_id = $2 and j.run_position is not null group by 1, 2`,
);

/** The jobs of a run without their large parts, in their order. */
export const readRunJobs = sql<readonly [tenant: string, runId: string], JobViewRow>(
  "read_run_jobs",
  `
select ${viewColumns("brief")} from job j ${VIEW_JOINS}
where j.tenant = $1 and j.run_id = $2 and j.run_position is not null order by j.run_position`,
);

/** The ids of up to 1,001 jobs of other runs that a replay reuses. */
export const readReusedIds = sql<
  readonly [tenant: string, runId: string],
  { readonly job_id: string }
>(
  "read_reused_ids",
  `
select job_id from reused_job where tenant = $1 and run_id = $2 order by job_id limit 1001`,
);

/** The ids of a run's jobs after a position, 1,001 at most, and whether more can come. */
export const readRunJobIds = sql<
  readonly [tenant: string, runId: string, after: number],
  { readonly job_ids: string[]; readonly growing: boolean }
>(
  "read_run_job_ids",
  `
select array(
  select j.id::text from job j where j.tenant = r.tenant and j.run_id = r.id
    and j.run_position > $3
  order by j.run_position limit 1001) as job_ids, r.open or r.building as growing
from run r where r.tenant = $1 and r.id = $2 and not r.removing`,
);

/** A dependency. */
export interface EdgeRow {
  readonly from_job: string;
  readonly to_job: string;
  readonly condition: EdgeCondition;
  readonly on_failure: OnFailure;
  readonly include_fan_out: boolean;
}

/** The edges of a run, in the order of the jobs that wait. */
export const readRunEdges = sql<readonly [tenant: string, runId: string], EdgeRow>(
  "read_run_edges",
  `
select e.from_job, e.to_job, e.condition, e.on_failure, e.include_fan_out from edge e
cross join lateral (
  select run_position from job where tenant = $1 and id = e.to_job limit 1
) waits
cross join lateral (
  select run_position from job where tenant = $1 and id = e.from_job limit 1
) first
where e.tenant = $1 and e.run_id = $2
order by waits.run_position, first.run_position`,
);
