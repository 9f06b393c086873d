import { sql } from "./sql.ts";

const before = "now() - $2::bigint * interval '1 ms'";

/** A step that removes what is over its time: a row for each thing removed. */
type Removal = readonly [tenant: string, keptMs: number];

/** Up to 20 operations of a tenant that ended long ago; they are locked. */
export const lockOperationsOver = sql<Removal, { readonly id: string }>(
  "lock_operations_over",
  `
select id from operation
where tenant = $1 and created_at < ${before} and finished_at < ${before}
order by created_at, id limit 20 for update skip locked`,
);

/** Removes up to 5,000 results of operations. */
export const removeResults = sql<
  readonly [tenant: string, operationIds: string[]],
  { readonly job_id: string }
>(
  "remove_operation_results",
  `
delete from operation_result where ctid = any (array(
  select ctid from operation_result where tenant = $1 and operation_id = any ($2::uuid[])
  limit 5000))
returning job_id`,
);

/** Removes operations that have no results. */
export const removeOperations = sql<
  readonly [tenant: string, operationIds: string[]],
  { readonly id: string }
>(
  "remove_operations",
  "delete from operation where tenant = $1 and id = any ($2::uuid[]) returning id",
);

/** Up to 20 backfills of a tenant that ended long ago; they are locked. */
export const lockBackfillsOver = sql<Removal, { readonly id: string }>(
  "lock_backfills_over",
  `
select id from backfill where tenant = $1 and finished_at < ${before}
order by id limit 20 for update skip locked`,
);

/** Removes up to 5,000 windows of backfills. */
export const removeWindows = sql<
  readonly [tenant: string, backfillIds: string[]],
  { readonly job_id: string | null }
>(
  "remove_backfill_windows",
  `
delete from backfill_window where ctid = any (array(
  select ctid from backfill_window where tenant = $1 and backfill_id = any ($2::uuid[])
  limit 5000))
returning job_id`,
);

/** Removes backfills that have no windows. */
export const removeBackfills = sql<
  readonly [tenant: string, backfillIds: string[]],
  { readonly id: string }
>(
  "remove_backfills",
  "delete from backfill where tenant = $1 and id = any ($2::uuid[]) returning id",
);

/** Removes up to 1,000 firings of schedules; one that is still queued stays. */
export const removeFirings = sql<Removal, { readonly schedule: string }>(
  "remove_firings",
  `
delete from firing where ctid = any (array(
  select ctid from firing where tenant = $1 and fired_at < ${before} and outcome <> 'queued'
  limit 1000))
returning schedule`,
);

/** Removes up to 1,000 take-outs that ended long ago; what was done is in the history. */
export const removeTakeOuts = sql<Removal, { readonly id: string }>(
  "remove_take_outs",
  `
delete from take_out where ctid = any (array(
  select ctid from take_out where tenant = $1 and ended_at < ${before} limit 1000))
returning id`,
);

/**
 * Closes up to 1,000 sessions whose replica has gone without doing so. Not right after an outage,
 * in which no replica could give a sign of life.
 */
export const closeLostSessions = sql<readonly [tenant: string], { readonly worker_id: string }>(
  "close_lost_sessions",
  `
update session s set closed_at = lost.at from (
  select o.worker_id, o.session_id, coalesce(r.last_seen, o.connected_at) as at
  from session o left join replica r on r.server_id = o.server_id
  where o.tenant = $1 and o.closed_at is null
    and coalesce(r.last_seen < now() - interval '1 minute', true)
    and (select available_since < now() - interval '1 minute' from control_plane)
  limit 1000
) lost
where s.tenant = $1 and s.worker_id = lost.worker_id and s.session_id = lost.session_id
  and s.closed_at is null
returning s.worker_id`,
);

/** Removes up to 1,000 sessions that ended more than a day ago. */
export const removeSessions = sql<readonly [tenant: string], { readonly worker_id: string }>(
  "remove_sessions",
  `
delete from session where ctid = any (array(
  select ctid from session where tenant = $1 and closed_at < now() - interval '1 day'
  limit 1000))
returning worker_id`,
);

/** Runs as orch_loops: the replica that prunes, the first of those that are alive. */
export const firstReplica = sql<readonly [], { readonly server_id: string }>(
  "loops_first_replica",
  `
select server_id from replica where last_seen > now() - interval '10 s'
order by server_id limit 1`,
);
