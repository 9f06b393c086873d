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
  ],
  { readonly id: string }
>(
  "insert_run",
  `
insert into run (tenant, id, display_name, project, correlation_id, content_digest)
values ($1, $2, $3, $4, $5, $6) on conflict (tenant, id) do nothing returning id`,
);

/** The run that has an id, and its jobs in order. */
export const existingRun = sql<
  readonly [tenant: string, id: string],
  { readonly content_digest: Buffer; readonly job_ids: string[] }
>(
  "existing_run",
  `
select r.content_digest, array(
  select j.id::text from job j where j.tenant = r.tenant and j.run_id = r.id
  order by j.run_position) as job_ids
from run r where r.tenant = $1 and r.id = $2`,
);

/** Writes the edges of a run. */
export const insertEdges = sql<
  readonly [tenant: string, runId: string, from: string[], to: string[], onFailure: string[]],
  never
>(
  "insert_edges",
  `
insert into edge (tenant, run_id, from_job, to_job, on_failure)
select $1, $2, * from unnest($3::uuid[], $4::uuid[], $5::text[])`,
);
