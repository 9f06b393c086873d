import type { OnFailure } from "../domain/graph.ts";
import { type JobViewRow, VIEW_JOINS, viewColumns } from "./read.sql.ts";
import { sql } from "./sql.ts";

/** A run without its jobs. */
export interface RunRow {
  readonly id: string;
  readonly display_name: string;
  readonly project: string;
  readonly correlation_id: string;
  readonly created_at: Date;
}

/** One run. */
export const readRunRow = sql<readonly [tenant: string, runId: string], RunRow>(
  "read_run",
  `
select id, display_name, project, correlation_id, created_at from run
where tenant = $1 and id = $2`,
);

/** The jobs of a run without their large parts, in the order of the request that made it. */
export const readRunJobs = sql<readonly [tenant: string, runId: string], JobViewRow>(
  "read_run_jobs",
  `
select ${viewColumns("brief")} from job j ${VIEW_JOINS}
where j.tenant = $1 and j.run_id = $2 order by j.run_position`,
);

/** The ids of the jobs of a run; an empty array if it has none, no row if there is no such run. */
export const readRunJobIds = sql<
  readonly [tenant: string, runId: string],
  { readonly job_ids: string[] }
>(
  "read_run_job_ids",
  `
select array(
  select j.id::text from job j where j.tenant = r.tenant and j.run_id = r.id
  order by j.run_position) as job_ids
from run r where r.tenant = $1 and r.id = $2`,
);

/** A dependency. */
export interface EdgeRow {
  readonly from_job: string;
  readonly to_job: string;
  readonly on_failure: OnFailure;
}

/** The edges of a run, in the order of the jobs that wait. */
export const readRunEdges = sql<readonly [tenant: string, runId: string], EdgeRow>(
  "read_run_edges",
  `
select e.from_job, e.to_job, e.on_failure from edge e
join job waits on waits.tenant = e.tenant and waits.id = e.to_job
join job first on first.tenant = e.tenant and first.id = e.from_job
where e.tenant = $1 and e.run_id = $2
order by waits.run_position, first.run_position`,
);
