import type { JobState } from "../domain/job-machine.ts";
import { sql } from "./sql.ts";
import { jobWithId, STATE, STATE_JOINS } from "./state.sql.ts";

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

/** What else a step tells. */
export const readPathSteps = sql<
  readonly [tenant: string, jobIds: string[]],
  { readonly job_id: string; readonly name: string; readonly state: JobState }
>(
  "read_path_steps",
  `
select j.id as job_id, j.name, ${STATE} as state
from unnest($2::uuid[]) as i (id) ${jobWithId("i.id")}${STATE_JOINS}`,
);
