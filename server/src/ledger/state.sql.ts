/**
 * The row of a table that belongs to `job j`, if it has one, as a lookup. A plain join may be
 * planned as a walk over all the tenant's rows for each job, and a batch has a thousand jobs.
 */
export const rowOfJob = (table: string, alias: string) => `
left join lateral (
  select * from ${table} own where own.tenant = j.tenant and own.job_id = j.id limit 1
) ${alias} on true`;

/** Tenant $1's `job j` with an id, as a lookup for the same reason. */
export const jobWithId = (id: string) => `
cross join lateral (
  select * from job one where one.tenant = $1 and one.id = ${id} limit 1
) j`;

/**
 * Joins that {@link STATE} reads, for a query over `job j`: its lease, if it has one, and its
 * newest ended attempt.
 */
export const STATE_JOINS = `${rowOfJob("lease", "l")}
left join lateral (
  select * from attempt newest where newest.tenant = j.tenant and newest.job_id = j.id
  order by newest.attempt desc limit 1
) a on true`;

/**
 * Where a job stands, put together from the places that know: offered and running are the
 * lease's to say, succeeded the newest attempt's, everything else the job's own row. Use it with
 * {@link STATE_JOINS}.
 */
export const STATE = `case
  when l.state is not null then l.state
  when j.base_state = 'ready' and a.outcome = 'succeeded' then 'succeeded'
  else j.base_state end`;
