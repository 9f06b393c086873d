import type { EdgeCondition, JobEnd, OnFailure } from "../domain/graph.ts";
import { LANE, type LaneRow } from "./lane.sql.ts";
import { sql } from "./sql.ts";

/**
 * Locks jobs that have just ended, in one order for everybody. Who appends jobs that depend on them
 * takes the same locks: either it comes first, and its edges are among those that are read
 * afterwards, or it finds the jobs ended.
 */
export const lockParents = sql<readonly [tenants: string[], jobIds: string[]], never>(
  "lock_parents",
  `
select from job j
join unnest($1::text[], $2::uuid[]) as i (tenant, job_id) on j.tenant = i.tenant and j.id = i.job_id
order by j.tenant, j.id for no key update of j`,
);

/** Ended jobs, how far each has been told, and how many edges to look at, one array per part. */
type ParentColumns = readonly [tenants: string[], jobIds: string[], toldUpto: (string | null)[]];

// With a CASE below: the planner takes a COALESCE for something that could leak rows of other
// tenants, and looks at it only after row-level security, which is too late for an index.
const FIRST_ID = "'00000000-0000-0000-0000-000000000000'::uuid";

/** Nothing starts any more in a run that was cancelled: its edges need not be told. */
const LIVE_PARENTS = `
from unnest($1::text[], $2::uuid[], $3::uuid[], $4::integer[]) with ordinality
  as i (tenant, job_id, told_upto, take, position)
cross join lateral (
  select j.run_id from job j where j.tenant = i.tenant and j.id = i.job_id limit 1
) j
cross join lateral (
  select from run r where r.tenant = i.tenant and r.id = j.run_id
    and r.cancel_requested_at is null limit 1
) r`;

const UNTOLD = `
select e.to_job, e.condition, e.on_failure from edge e
where e.tenant = i.tenant and e.from_job = i.job_id and not e.settled
  and e.to_job > case when i.told_upto is null then ${FIRST_ID} else i.told_upto end
order by e.to_job limit i.take`;

/** An edge along which somebody is to be told. */
export interface UntoldEdge {
  /** Of its first job in the input, from 1. */
  readonly position: number;
  readonly to_job: string;
  readonly condition: EdgeCondition;
  readonly on_failure: OnFailure;
}

/** Edges of ended jobs, of each up to `take`, by their second job; at most 1,001 in all. */
export const untoldEdges = sql<readonly [...ParentColumns, takes: number[]], UntoldEdge>(
  "untold_edges",
  `
select i.position::integer, e.to_job, e.condition, e.on_failure ${LIVE_PARENTS}
cross join lateral (${UNTOLD}) e limit 1001`,
);

/** How many edges each of the ended jobs has, counted up to `take`. */
export const countUntold = sql<
  readonly [...ParentColumns, takes: number[]],
  { readonly position: number; readonly count: number }
>(
  "count_untold_edges",
  `
select i.position::integer, c.count ${LIVE_PARENTS}
cross join lateral (select count(*)::integer as count from (${UNTOLD}) e) c`,
);

/** Locks those that wait, in one order for everybody. */
export const lockDependants = sql<readonly [tenants: string[], jobIds: string[]], never>(
  "lock_dependants",
  `
select from job j
join unnest($1::text[], $2::uuid[]) as i (tenant, job_id) on j.tenant = i.tenant and j.id = i.job_id
where j.base_state = 'blocked' order by j.tenant, j.id for update of j`,
);

/** A job that nothing holds any more. */
export interface UnblockedRow extends LaneRow {
  readonly tenant: string;
  readonly job_id: string;
  readonly seq: number | null;
}

/**
 * Takes conditions that are met off the count of those that wait, and lets go those at zero. Each
 * job stands once in the input.
 */
export const countDown = sql<
  readonly [tenants: string[], jobIds: string[], counts: number[]],
  UnblockedRow
>(
  "count_down_dependants",
  `
with locked as materialized (
  select j.tenant, j.id, i.count from job j
  join unnest($1::text[], $2::uuid[], $3::integer[]) as i (tenant, job_id, count)
    on j.tenant = i.tenant and j.id = i.job_id
  where j.base_state = 'blocked' order by j.tenant, j.id for update of j
),
counted as (
  update job j set unmet = j.unmet - l.count,
    base_state = case when j.unmet > l.count then 'blocked'
      when j.not_before > now() then 'scheduled' else 'ready' end
  from locked l where j.tenant = l.tenant and j.id = l.id and j.base_state = 'blocked'
  returning j.*
),
ready_rows as (
  insert into ready (tenant, ${LANE}, job_id, attempt, lease_epoch,
    payload_bytes, linked)
  select tenant, ${LANE}, id, 1, 1, coalesce(length(payload), 0), true
  from counted where base_state = 'ready' order by run_position
  returning tenant, job_id, ${LANE}, seq
),
scheduled_rows as (
  insert into scheduled (tenant, job_id, run_at, attempt, lease_epoch)
  select tenant, id, not_before, 1, 1 from counted where base_state = 'scheduled'
),
events as (
  insert into job_event (tenant, job_id, kind, from_state, to_state, actor)
  select tenant, id, 'unblocked', 'blocked', base_state, 'ledger' from counted
  where base_state <> 'blocked'
)
select tenant, job_id, ${LANE}, seq from ready_rows
union all
select tenant, id, ${LANE}, null from counted where base_state = 'scheduled'`,
);

/** Ends jobs that can no longer run, or need not. Each job stands once in the input. */
export const endDependants = sql<
  readonly [tenants: string[], jobIds: string[], skipped: boolean[]],
  { readonly tenant: string; readonly job_id: string; readonly skipped: boolean }
>(
  "end_dependants",
  `
with locked as materialized (
  select j.tenant, j.id, i.skipped, case when i.skipped then 'its run does not need it'
      else 'a job that it depends on did not succeed' end as reason
  from job j join unnest($1::text[], $2::uuid[], $3::boolean[]) as i (tenant, job_id, skipped)
    on j.tenant = i.tenant and j.id = i.job_id
  where j.base_state = 'blocked' order by j.tenant, j.id for update of j
),
jobs as (
  update job j set base_state = 'cancelled', skipped = l.skipped, ended_at = now(),
    end_reason = l.reason
  from locked l where j.tenant = l.tenant and j.id = l.id and j.base_state = 'blocked'
  returning j.tenant, j.id, j.skipped, j.end_reason
),
events as (
  insert into job_event (tenant, job_id, kind, from_state, to_state, actor, reason)
  select tenant, id, case when skipped then 'skipped' else 'cancelled' end, 'blocked', 'cancelled',
    'ledger', end_reason
  from jobs
)
select tenant, id as job_id, skipped from jobs`,
);

/** Notes ended jobs whose dependants have not all been told. */
export const insertCascade = sql<
  readonly [tenants: string[], jobIds: string[], outcomes: JobEnd[], toldUpto: (string | null)[]],
  never
>(
  "insert_cascade",
  `
insert into cascade (tenant, job_id, outcome, told_upto)
select * from unnest($1::text[], $2::uuid[], $3::text[], $4::uuid[])`,
);

/** An ended job whose dependants have not all been told. */
export interface CascadeRow {
  readonly tenant: string;
  readonly job_id: string;
  readonly outcome: JobEnd;
  readonly told_upto: string | null;
}

/** Takes up to 200 ended jobs that no other replica works on; they stay locked. */
export const takeCascades = sql<readonly [], CascadeRow>(
  "take_cascades",
  `
select tenant, job_id, outcome, told_upto from cascade
order by tenant, job_id limit 200 for update skip locked`,
);

/** Forgets ended jobs whose dependants have all been told; answers how far each had come. */
export const deleteCascades = sql<
  readonly [tenants: string[], jobIds: string[]],
  { readonly job_id: string; readonly told_upto: string | null }
>(
  "delete_cascades",
  `
delete from cascade c using unnest($1::text[], $2::uuid[]) as i (tenant, job_id)
where c.tenant = i.tenant and c.job_id = i.job_id returning c.job_id, c.told_upto`,
);

/** Notes how far the dependants of ended jobs have been told. */
export const moveCascades = sql<
  readonly [tenants: string[], jobIds: string[], toldUpto: string[]],
  never
>(
  "move_cascades",
  `
update cascade c set told_upto = i.told_upto
from unnest($1::text[], $2::uuid[], $3::uuid[]) as i (tenant, job_id, told_upto)
where c.tenant = i.tenant and c.job_id = i.job_id`,
);

/** The tenants that have ended jobs whose dependants have not all been told. */
export const tenantsWithCascades = sql<readonly [], { readonly tenant: string }>(
  "loops_tenants_with_cascades",
  `
with recursive t as (
  (select tenant from cascade order by tenant limit 1)
  union all
  select (select c.tenant from cascade c where c.tenant > t.tenant order by c.tenant limit 1)
  from t where t.tenant is not null
)
select tenant from t where tenant is not null limit 100`,
);

/** Locks dead jobs that are to be made ready again; those that no longer are dead are left out. */
export const lockDead = sql<
  readonly [tenant: string, jobIds: string[]],
  { readonly job_id: string }
>(
  "lock_dead_jobs",
  `
select id as job_id from job where tenant = $1 and id = any ($2::uuid[]) and base_state = 'dead'
order by id for no key update`,
);

/**
 * Gives back what the death of jobs took off the counts of those that wait for them, up to 1,000 of
 * these, by their ids. Answers the last one, or null if there are no more.
 */
export const countUp = sql<
  readonly [
    tenant: string,
    deadJobIds: string[],
    toldUpto: (string | null)[],
    after: string | null,
  ],
  { readonly last: string | null }
>(
  "count_up_dependants",
  `
with page as materialized (
  select $1::text as tenant, e.to_job, count(*)::integer as count
  from unnest($2::uuid[], $3::uuid[]) as i (job_id, told_upto)
  cross join lateral (
    select e.to_job from edge e
    where e.tenant = $1 and e.from_job = i.job_id and not e.settled
      and e.to_job > case when $4::uuid is null then ${FIRST_ID} else $4::uuid end
      and (i.told_upto is null or e.to_job <= i.told_upto)
      and (e.condition <> 'success' or e.on_failure = 'continue')
    order by e.to_job limit 1000
  ) e
  group by e.to_job order by e.to_job limit 1000
),
locked as materialized (
  select j.tenant, j.id, p.count from page p
  join job j on j.tenant = p.tenant and j.id = p.to_job
  where j.base_state = 'blocked' order by j.id for update of j
),
counted as (
  update job j set unmet = j.unmet + l.count from locked l
  where j.tenant = l.tenant and j.id = l.id and j.base_state = 'blocked'
)
select case when count(*) = 1000 then (array_agg(to_job order by to_job desc))[1] end as last
from page`,
);
