import type { EdgeCondition, OnFailure } from "../domain/graph.ts";
import type { JobState } from "../domain/job-machine.ts";
import type { AttemptOutcome } from "../domain/job-view.ts";
import { type LaneRow, laneOf } from "./lane.sql.ts";
import { type Statement, sql } from "./sql.ts";
import { jobWithId, rowOfJob, STATE, STATE_JOINS } from "./state.sql.ts";

/** When a run was made, by the clock that also says what time it is; in milliseconds since 1970. */
export const readRunClock = sql<
  readonly [tenant: string, runId: string],
  { readonly created_ms: number; readonly now_ms: number; readonly replay_of: string | null }
>(
  "read_run_clock",
  `
select (extract(epoch from created_at) * 1000)::double precision as created_ms,
  (extract(epoch from now()) * 1000)::double precision as now_ms, replay_of
from run where tenant = $1 and id = $2 and not removing`,
);

/** A job of a graph. */
export interface GraphNodeRow extends LaneRow {
  readonly job_id: string;
  readonly run_id: string;
  readonly run_position: number;
  readonly name: string;
  readonly state: JobState;
  readonly skipped: boolean;
  readonly attempt: number;
  readonly unmet: number;
  readonly run_at: Date | null;
}

const NODE = `j.id as job_id, j.run_id, j.run_position, j.name, ${laneOf("j")}, ${STATE} as state,
  j.skipped, coalesce(case when l.state = 'running' then l.attempt end, a.attempt, 0) as attempt,
  j.unmet, s.run_at`;

const NODE_JOINS = `${STATE_JOINS}${rowOfJob("scheduled", "s")}`;

type PageParams = readonly [tenant: string, runId: string, afterPosition: number];

/** The page sizes of views; one more row says that there is a next page. */
export const VIEW_PAGES = [200, 1_000] as const;

const bySize = <Params extends readonly unknown[], Row>(
  name: string,
  text: (limit: number) => string,
): ReadonlyMap<number, Statement<Params, Row>> =>
  // The limit is in the text because of the planner (evidence).
  new Map(VIEW_PAGES.map((size) => [size, sql(`${name}_${size}`, text(size + 1))]));

/** The jobs of a run after a position, in their order. */
export const readGraphNodes = bySize<PageParams, GraphNodeRow>(
  "read_graph_nodes",
  (limit) => `
select ${NODE} from (
  select * from job where tenant = $1 and run_id = $2 and run_position > $3
  order by run_position limit ${limit}
) j ${NODE_JOINS} order by j.run_position`,
);

/** The jobs of other runs that a replay reuses, by id, after one; 1,001 at most. */
export const readReusedNodes = sql<
  readonly [tenant: string, runId: string, afterJob: string],
  GraphNodeRow
>(
  "read_reused_nodes",
  `
select ${NODE} from (
  select * from reused_job where tenant = $1 and run_id = $2 and job_id > $3
  order by job_id limit 1001
) r ${jobWithId("r.job_id")} ${NODE_JOINS} order by r.job_id`,
);

/** An edge of a graph. */
export interface GraphEdgeRow {
  readonly from_job: string;
  readonly to_job: string;
  readonly on_failure: OnFailure;
  readonly condition: EdgeCondition;
  readonly include_fan_out: boolean;
  readonly settled: boolean;
}

/**
 * The edges that lead to jobs, in the order of the jobs and then of the ids that they come from,
 * each job's after one of those; 20,001 at most.
 */
export const readGraphEdges = sql<
  readonly [tenant: string, jobIds: string[], after: string[]],
  GraphEdgeRow
>(
  "read_graph_edges",
  `
select e.from_job, e.to_job, e.on_failure, e.condition, e.include_fan_out, e.settled
from unnest($2::uuid[], $3::uuid[]) with ordinality as i (id, after, nth)
cross join lateral (
  select * from edge one where one.tenant = $1 and one.to_job = i.id and one.from_job > i.after
  order by one.from_job limit 20001
) e
order by i.nth, e.from_job limit 20001`,
);

/** Where a job stands that others depend on. */
export interface ParentRow {
  readonly job_id: string;
  readonly state: JobState;
  readonly skipped: boolean;
}

/** Where jobs stand. */
export const readParents = sql<readonly [tenant: string, jobIds: string[]], ParentRow>(
  "read_parents",
  `
select j.id as job_id, ${STATE} as state, j.skipped
from unnest($2::uuid[]) as i (id) ${jobWithId("i.id")}${STATE_JOINS}`,
);

/** A job's times, its ended attempts apart. */
export interface TimelineRow {
  readonly job_id: string;
  readonly run_position: number;
  readonly name: string;
  readonly job_type: string;
  readonly state: JobState;
  readonly created_at: Date;
  readonly ended_at: Date | null;
  readonly began_blocked: boolean;
  readonly unblocked_at: Date | null;
  readonly was_retried: boolean;
  readonly lease_attempt: number | null;
  readonly lease_worker_id: string | null;
  readonly lease_offered_at: Date | null;
  readonly lease_started_at: Date | null;
}

/** The jobs of a run after a position, in their order; a blocked job's end is an early event. */
export const readTimelineJobs = bySize<PageParams, TimelineRow>(
  "read_timeline_jobs",
  (limit) => `
select j.id as job_id, j.run_position, j.name, j.job_type, ${STATE} as state, j.created_at,
  j.ended_at, coalesce(began.to_state = 'blocked', false) as began_blocked,
  unblocked.at as unblocked_at, j.budget_from_attempt > 0 as was_retried,
  l.attempt as lease_attempt, l.worker_id as lease_worker_id, l.offered_at as lease_offered_at,
  l.started_at as lease_started_at
from (
  select * from job where tenant = $1 and run_id = $2 and run_position > $3
  order by run_position limit ${limit}
) j ${STATE_JOINS}
left join lateral (
  select e.to_state from job_event e where e.tenant = j.tenant and e.job_id = j.id
  order by e.id limit 1
) began on true
left join lateral (
  select early.at from (
    select e.id, e.at, e.kind from job_event e where e.tenant = j.tenant and e.job_id = j.id
    order by e.id limit 100
  ) early where early.kind = 'unblocked' order by early.id limit 1
) unblocked on true
order by j.run_position`,
);

/** An ended attempt's times. */
export interface AttemptTimesRow {
  readonly job_id: string;
  readonly attempt: number;
  readonly worker_id: string;
  readonly offered_at: Date;
  readonly started_at: Date;
  readonly ended_at: Date;
  readonly outcome: AttemptOutcome;
}

/** The newest 21 ended attempts of jobs, oldest first: the first of 21 says when the gap ends. */
export const readAttemptTimes = sql<readonly [tenant: string, jobIds: string[]], AttemptTimesRow>(
  "read_attempt_times",
  `
select i.id as job_id, a.attempt, a.worker_id, a.offered_at, a.started_at, a.ended_at, a.outcome
from unnest($2::uuid[]) as i (id) cross join lateral (
  select * from attempt one where one.tenant = $1 and one.job_id = i.id
  order by one.attempt desc limit 21
) a
order by i.id, a.attempt`,
);

/** When jobs were made ready after their death, oldest first; of their newest 200 events. */
export const readRetryTimes = sql<
  readonly [tenant: string, jobIds: string[]],
  { readonly job_id: string; readonly at: Date }
>(
  "read_retry_times",
  `
select i.id as job_id, e.at from unnest($2::uuid[]) as i (id) cross join lateral (
  select one.id, one.at, one.kind, one.from_state from job_event one
  where one.tenant = $1 and one.job_id = i.id order by one.id desc limit 200
) e
where e.kind = 'retried' and e.from_state = 'dead' order by i.id, e.id`,
);
