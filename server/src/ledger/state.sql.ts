/**
 * Joins that {@link STATE} reads, for a query over `job j`: its lease, if it has one, and its
 * newest ended attempt.
 */
export const STATE_JOINS = `
left join lease l on l.tenant = j.tenant and l.job_id = j.id
left join lateral (
  select * from attempt newest where newest.tenant = j.tenant and newest.job_id = j.id
  order by newest.attempt desc limit 1
) a on true`;

/**
 * The same as lookups, one index probe for each job. A plain join may be planned as a walk over all
 * leases of the tenant for every job, which a batch of a thousand jobs of one tenant pays for.
 */
export const STATE_LOOKUPS = `
left join lateral (
  select * from lease held where held.tenant = j.tenant and held.job_id = j.id limit 1
) l on true
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
