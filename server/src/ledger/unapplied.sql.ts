import type { JobState } from "../domain/job-machine.ts";
import { sql } from "./sql.ts";
import { STATE, STATE_JOINS } from "./state.sql.ts";

/** A job whose lease was no longer current, and how the attempt under that lease ended. */
export interface UnappliedRow {
  readonly position: number;
  readonly completion_id: string | null;
  readonly state: JobState;
}

/** Looks at the jobs of writes that found no lease; jobs that do not exist are left out. */
export const lookUpUnapplied = sql<
  readonly [tenants: string[], jobIds: string[], epochs: number[]],
  UnappliedRow
>(
  "look_up_unapplied",
  `
select i.position::integer, under.completion_id, ${STATE} as state
from unnest($1::text[], $2::uuid[], $3::bigint[]) with ordinality
  as i (tenant, job_id, lease_epoch, position)
join job j on j.tenant = i.tenant and j.id = i.job_id ${STATE_JOINS}
left join attempt under on under.tenant = i.tenant and under.job_id = i.job_id
  and under.lease_epoch = i.lease_epoch`,
);
