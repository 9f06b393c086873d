import type { JobState } from "../domain/job-machine.ts";
import { sql } from "./sql.ts";
import { STATE, STATE_JOINS } from "./state.sql.ts";

const ms = (moment: string) => `(extract(epoch from ${moment}) * 1000)::double precision`;

/** A job as the critical path sees it. Moments are milliseconds since 1970. */
export interface PathJobRow {
  readonly job_id: string;
  readonly run_position: number;
  readonly started_ms: number | null;
  readonly ended_ms: number | null;
  readonly blocked: boolean;
}

/** The jobs of a run after a position, in their order, 10,000 at most. */
export const readPathJobs = sql<
  readonly [tenant: string, runId: string, afterPosition: number],
  PathJobRow
>(
  "read_path_jobs",
  `
select j.id as job_id, j.run_position,
  ${ms("case when l.job_id is not null then l.started_at else a.started_at end")} as started_ms,
  ${ms(`case when ${STATE} = 'succeeded' then a.ended_at else j.ended_at end`)} as ended_ms,
  j.base_state = 'blocked' as blocked
from (
  select * from job where tenant = $1 and run_id = $2 and run_position > $3
  order by run_position limit 10000
) j ${STATE_JOINS} order by j.run_position`,
);

/** A dependency of a job at a position. */
export interface PathEdgeRow {
  readonly run_position: number;
  readonly from_job: string;
  readonly to_job: string;
}

/**
 * The edges of a run after one, by the position of the job that they come from and then by the id
 * of the one that they lead to, 50,000 at most. The order is that of two indexes.
 */
export const readPathEdges = sql<
  readonly [tenant: string, runId: string, afterPosition: number, afterTo: string],
  PathEdgeRow
>(
  "read_path_edges",
  `
select j.run_position, e.from_job, e.to_job
from job j join edge e on e.tenant = j.tenant and e.from_job = j.id
where j.tenant = $1 and j.run_id = $2 and j.run_position >= $3
  and (j.run_position > $3 or e.to_job > $4)
order by j.run_position, e.to_job limit 50000`,
);

/** What else a step tells. */
export const readPathSteps = sql<
  readonly [tenant: string, jobIds: string[]],
  { readonly job_id: string; readonly name: string; readonly state: JobState }
>(
  "read_path_steps",
  `
select j.id as job_id, j.name, ${STATE} as state
from unnest($2::uuid[]) as i (id) join job j on j.tenant = $1 and j.id = i.id ${STATE_JOINS}`,
);
