import { sql } from "./sql.ts";

/** Kinds of work, one array per part, all of the same length. */
type KindColumns = readonly [
  serverId: string,
  tenants: string[],
  queues: string[],
  jobTypes: string[],
];

const KINDS = "unnest($2::text[], $3::text[], $4::text[])";

/** Writes what the workers of a replica take. */
export const writeCapabilities = sql<readonly [...kinds: KindColumns, workers: number[]], never>(
  "write_capabilities",
  `
insert into capability as c (tenant, server_id, queue, job_type, workers)
select i.tenant, $1, i.queue, i.job_type, i.workers
from unnest($2::text[], $3::text[], $4::text[], $5::integer[])
  as i (tenant, queue, job_type, workers)
order by i.tenant, i.queue, i.job_type
on conflict (tenant, server_id, queue, job_type)
do update set workers = excluded.workers, seen_at = now()`,
);

/** Takes away what the workers of a replica no longer take. */
export const removeCapabilities = sql<KindColumns, never>(
  "remove_capabilities",
  `
delete from capability c using ${KINDS} as i (tenant, queue, job_type)
where c.tenant = i.tenant and c.server_id = $1 and c.queue = i.queue and c.job_type = i.job_type`,
);

/** A replica that said nothing for so long is gone. */
const STALE = "now() - interval '60 s'";

/** Runs as orch_loops: takes away what replicas left that are gone. */
export const removeStaleCapabilities = sql<readonly [], never>(
  "loops_remove_stale_capabilities",
  `delete from capability where seen_at < ${STALE}`,
);

/** How many workers of other replicas take a job type from a queue. */
export const countCapable = sql<
  readonly [tenant: string, serverId: string, queue: string, jobType: string],
  { readonly workers: number }
>(
  "count_capable",
  `
select coalesce(sum(workers), 0)::integer as workers from capability
where tenant = $1 and server_id <> $2 and queue = $3 and job_type = $4 and seen_at > ${STALE}`,
);

/** All kinds of work of a tenant that somebody takes, on any replica. */
export const servedKinds = sql<
  readonly [tenant: string],
  { readonly queue: string; readonly job_type: string }
>(
  "served_kinds",
  `
select distinct queue, job_type from capability where tenant = $1 and seen_at > ${STALE}`,
);
