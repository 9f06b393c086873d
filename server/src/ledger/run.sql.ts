import type { EdgeCondition, OnFailure } from "../domain/graph.ts";
import { sql } from "./sql.ts";

/** Writes a run; no row if its id is taken. */
export const insertRun = sql<
  readonly [
    tenant: string,
    id: string,
    displayName: string,
    project: string,
    correlationId: string,
    contentDigest: Buffer,
    pipeline: string | null,
    pipelineVersion: number | null,
    schedule: string | null,
    open: boolean,
    jobCount: number,
  ],
  { readonly id: string }
>(
  "insert_run",
  `
insert into run (tenant, id, display_name, project, correlation_id, content_digest, pipeline,
  pipeline_version, schedule, open, job_count)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
on conflict (tenant, id) do nothing returning id`,
);

/** The run that has an id, and its first jobs in order. */
export const existingRun = sql<
  readonly [tenant: string, id: string, jobCount: number],
  { readonly content_digest: Buffer; readonly job_ids: string[]; readonly removing: boolean }
>(
  "existing_run",
  `
select r.content_digest, r.removing, array(
  select j.id::text from job j where j.tenant = r.tenant and j.run_id = r.id
    and j.run_position <= $3
  order by j.run_position) as job_ids
from run r where r.tenant = $1 and r.id = $2`,
);

/** Writes the edges of a run. */
export const insertEdges = sql<
  readonly [
    tenant: string,
    runId: string,
    from: string[],
    to: string[],
    conditions: EdgeCondition[],
    onFailure: OnFailure[],
    includeFanOut: boolean[],
    settled: boolean[],
  ],
  never
>(
  "insert_edges",
  `
insert into edge (tenant, run_id, from_job, to_job, condition, on_failure, include_fan_out, settled)
select $1, $2, * from unnest($3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::boolean[],
  $8::boolean[])`,
);

/** A run that is about to change. */
export interface LockedRun {
  readonly open: boolean;
  readonly cancelled: boolean;
  readonly building: boolean;
  readonly job_count: number;
}

/**
 * Locks a run: its jobs are appended by one transaction after the other. No row for one that
 * retention is about to remove.
 */
export const lockRun = sql<readonly [tenant: string, runId: string], LockedRun>(
  "lock_run",
  `
select open, cancel_requested_at is not null as cancelled, building, job_count from run
where tenant = $1 and id = $2 and not removing for no key update`,
);

/** Notes that a locked run has got jobs, and whether it is still open. */
export const growRun = sql<
  readonly [tenant: string, runId: string, added: number, close: boolean],
  never
>(
  "grow_run",
  `
update run set job_count = job_count + $3, open = open and not $4
where tenant = $1 and id = $2`,
);
