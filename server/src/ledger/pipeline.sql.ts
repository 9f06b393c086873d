import type { HeadJson, JobJson } from "../app/pipelines/stored-pipeline.ts";
import { sql } from "./sql.ts";

/** A version of a pipeline without its jobs. */
export interface PipelineHeadRow {
  readonly name: string;
  readonly version: number;
  readonly head: HeadJson;
  readonly created_at: Date;
}

/** A version of a pipeline. */
export interface PipelineRow extends PipelineHeadRow {
  readonly jobs: readonly JobJson[];
  readonly content_digest: Buffer;
}

/** One version of a pipeline; of the newest if the version is 0. */
export const selectPipeline = sql<
  readonly [tenant: string, name: string, version: number],
  PipelineRow
>(
  "select_pipeline",
  `
select name, version, head, jobs, content_digest, created_at from pipeline
where tenant = $1 and name = $2 and ($3 = 0 or version = $3)
order by version desc limit 1`,
);

/** The number and the digest of the newest version of a pipeline. */
export const newestPipelineVersion = sql<
  readonly [tenant: string, name: string],
  Pick<PipelineRow, "version" | "content_digest">
>(
  "newest_pipeline_version",
  `
select version, content_digest from pipeline where tenant = $1 and name = $2
order by version desc limit 1`,
);

/** Writes a version; no row if somebody else wrote it first, for which this waits. */
export const insertPipeline = sql<
  readonly [
    tenant: string,
    name: string,
    version: number,
    head: string,
    jobs: string,
    contentDigest: Buffer,
  ],
  { readonly created_at: Date }
>(
  "insert_pipeline",
  `
insert into pipeline (tenant, name, version, head, jobs, content_digest)
values ($1, $2, $3, $4, $5, $6) on conflict (tenant, name, version) do nothing
returning created_at`,
);

/**
 * The newest versions of the pipelines after a name, by name, 1,001 at most. Goes from name to
 * name, because a pipeline can have many versions.
 */
export const listNewestPipelines = sql<readonly [tenant: string, after: string], PipelineHeadRow>(
  "list_newest_pipelines",
  `
with recursive names as (
  (select name, 1 as nth from pipeline where tenant = $1 and name > $2 order by name limit 1)
  union all
  select next.name, n.nth + 1 from names n cross join lateral (
    select p.name from pipeline p where p.tenant = $1 and p.name > n.name order by p.name limit 1
  ) next
  where n.nth < 1001
)
select newest.name, newest.version, newest.head, newest.created_at
from names n cross join lateral (
  select p.name, p.version, p.head, p.created_at from pipeline p
  where p.tenant = $1 and p.name = n.name order by p.version desc limit 1
) newest
order by n.nth`,
);

/** The versions of a pipeline below one, newest first, 1,001 at most. */
export const listPipelineVersions = sql<
  readonly [tenant: string, name: string, before: number],
  PipelineHeadRow
>(
  "list_pipeline_versions",
  `
select name, version, head, created_at from pipeline
where tenant = $1 and name = $2 and version < $3 order by version desc limit 1001`,
);

/** The version of a pipeline that a run was made from. */
export const pipelineVersionOfRun = sql<
  readonly [tenant: string, runId: string, name: string],
  { readonly version: number }
>(
  "pipeline_version_of_run",
  `
select pipeline_version as version from run
where tenant = $1 and id = $2 and pipeline = $3 and pipeline_version is not null`,
);
