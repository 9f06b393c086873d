import type { EdgeCondition, OnFailure } from "../domain/graph.ts";
import type { JobState } from "../domain/job-machine.ts";
import { sql } from "./sql.ts";
import { jobWithId, STATE, STATE_JOINS } from "./state.sql.ts";

/** A job of a run that is to be replayed. */
export interface ReplayJobRow {
  readonly run_position: number;
  readonly job_id: string;
  readonly name: string;
  readonly state: JobState;
  readonly skipped: boolean;
}

/** The jobs of a run after a position, in their order, 10,000 at most. */
export const readReplayJobs = sql<
  readonly [tenant: string, runId: string, after: number],
  ReplayJobRow
>(
  "read_replay_jobs",
  `
select j.run_position, j.id as job_id, j.name, ${STATE} as state, j.skipped
from (
  select * from job where tenant = $1 and run_id = $2 and run_position > $3
  order by run_position limit 10000
) j ${STATE_JOINS} order by j.run_position`,
);

/**
 * Of a run whose jobs are all finished, a text that is another one once a job was retried, which
 * only dead ones can be: how many those are, and when the last of them died.
 */
export const markOfRun = sql<readonly [tenant: string, runId: string], { readonly mark: string }>(
  "mark_of_run",
  // With OFFSET, or the planner may read all dead jobs of the tenant.
  `
select count(*) || ' ' || coalesce(max(ended_at)::text, '') as mark
from (
  select base_state, ended_at from job
  where tenant = $1 and run_id = $2 and run_position is not null offset 0
) j where j.base_state = 'dead'`,
);

/** The job of run $2 at each position `i.position`. */
const JOB_AT = `
cross join lateral (
  select * from job where tenant = $1 and run_id = $2 and run_position = i.position limit 1
) j`;

/** The jobs of a run at positions. */
export const jobsAtPositions = sql<
  readonly [tenant: string, runId: string, positions: number[]],
  ReplayJobRow
>(
  "jobs_at_positions",
  `
select j.run_position, j.id as job_id, j.name, ${STATE} as state, j.skipped
from unnest($3::integer[]) as i (position) ${JOB_AT} ${STATE_JOINS}`,
);

/**
 * Locks a run that is to be replayed against its removal, which waits for the transaction and then
 * for the replay; no row if it has begun.
 */
export const lockReplaySource = sql<
  readonly [tenant: string, runId: string],
  { readonly id: string }
>(
  "lock_replay_source",
  "select id from run where tenant = $1 and id = $2 and not removing for key share",
);

/** Writes a run that replays another; no row if its id is taken. */
export const insertReplay = sql<
  readonly [tenant: string, id: string, source: string, digest: Buffer],
  { readonly id: string }
>(
  "insert_replay",
  `
insert into run (tenant, id, display_name, project, correlation_id, content_digest, replay_of,
  building, pipeline, pipeline_version)
select tenant, $2, display_name, project, correlation_id, $4, id, true, pipeline, pipeline_version
from run where tenant = $1 and id = $3
on conflict (tenant, id) do nothing returning id`,
);

/** What an operation that replays was asked for. */
export const replayRequest = sql<
  readonly [tenant: string, id: string],
  { readonly request: unknown; readonly request_digest: Buffer; readonly kind: string }
>(
  "replay_request",
  "select request, request_digest, kind from operation where tenant = $1 and id = $2",
);

/**
 * Copies jobs of a run into a new one, held back by one condition more than they have. Keys stay
 * with the jobs that took them.
 */
export const copyJobs = sql<
  readonly [
    tenant: string,
    source: string,
    positions: number[],
    newIds: string[],
    runId: string,
    jobCount: number,
  ],
  { readonly job_id: string }
>(
  "copy_run_jobs",
  `
with jobs as (
  insert into job (tenant, id, job_type, queue, priority, project, source, payload,
    payload_media_type, payload_artifact, content_digest, labels, not_before, retry,
    attempt_deadline_ms, correlation_id, traceparent, tracestate, concurrency_key, window_scope,
    window_start, window_end, run_id, run_position, name, unmet, base_state)
  select j.tenant, i.id, j.job_type, j.queue, j.priority, j.project, j.source, j.payload,
    j.payload_media_type, j.payload_artifact, j.content_digest, j.labels, j.not_before, j.retry,
    j.attempt_deadline_ms, j.correlation_id, j.traceparent, j.tracestate, j.concurrency_key,
    j.window_scope, j.window_start, j.window_end, $5, $6::integer + i.nth, j.name, 1, 'blocked'
  from unnest($3::integer[], $4::uuid[]) with ordinality as i (position, id, nth) ${JOB_AT}
  returning tenant, id
),
events as (
  insert into job_event (tenant, job_id, kind, to_state, actor)
  select tenant, id, 'enqueued', 'blocked', 'operator' from jobs
)
select id as job_id from jobs`,
);

/** What a run reuses itself: the first 1,000 jobs by their ids, and how many they are. */
export const reusedJobs = sql<
  readonly [tenant: string, runId: string],
  Pick<ReplayJobRow, "job_id" | "name" | "state"> & { readonly total: number }
>(
  "reused_jobs",
  `
select j.id as job_id, j.name, ${STATE} as state, r.total
from (
  select job_id, (count(*) over ())::integer as total from reused_job
  where tenant = $1 and run_id = $2 order by job_id limit 1000
) r${jobWithId("r.job_id")}${STATE_JOINS} order by r.job_id`,
);

/** Notes jobs of another run that a replay reuses, by their positions there. */
export const insertReused = sql<
  readonly [tenant: string, source: string, positions: number[], runId: string],
  never
>(
  "insert_reused_jobs",
  `
insert into reused_job (tenant, run_id, job_id)
select $1, $4, j.id from unnest($3::integer[]) as i (position) ${JOB_AT}
on conflict do nothing`,
);

/** Takes over what the first run reused itself, 1,000 after an id; answers the last one. */
export const inheritReused = sql<
  readonly [tenant: string, runId: string, source: string, after: string],
  { readonly last: string | null }
>(
  "inherit_reused_jobs",
  `
with page as materialized (
  select job_id from reused_job where tenant = $1 and run_id = $3 and job_id > $4
  order by job_id limit 1000
),
added as (
  insert into reused_job (tenant, run_id, job_id) select $1, $2, job_id from page
  on conflict do nothing
)
select (array_agg(job_id order by job_id desc))[1] as last from page`,
);

/** The ids of a run's jobs after a position and up to another, in their order. */
export const jobsBetween = sql<
  readonly [tenant: string, runId: string, after: number, upTo: number],
  { readonly job_id: string; readonly run_position: number }
>(
  "jobs_between",
  `
select id as job_id, run_position from job
where tenant = $1 and run_id = $2 and run_position > $3 and run_position <= $4
order by run_position`,
);

/** An edge of the first run. */
export interface ReplayEdgeRow {
  readonly from_job: string;
  readonly from_position: number;
  readonly to_position: number;
  readonly condition: EdgeCondition;
  readonly on_failure: OnFailure;
  readonly include_fan_out: boolean;
}

/** How many edges {@link readReplayEdges} reads at most. */
export const EDGES_AT_ONCE = 2_500;

/**
 * The edges that lead to jobs of a run, by these jobs' positions and the ids that they come from;
 * those of the first one after an id. All edges of a job stand together, because its count is
 * written once for each page.
 */
export const readReplayEdges = sql<
  readonly [tenant: string, runId: string, positions: number[], fromJob: string],
  ReplayEdgeRow
>(
  "read_replay_edges",
  `
select e.*, f.run_position as from_position
from (
  select j.run_position as to_position, e.*
  from (
    select id, run_position from job
    where tenant = $1 and run_id = $2 and run_position >= ($3::integer[])[1]
      and run_position <= ($3::integer[])[cardinality($3::integer[])]
  ) j
  cross join lateral (
    select from_job, condition, on_failure, include_fan_out from edge
    where tenant = $1 and to_job = j.id and from_job > case
      when j.run_position = ($3::integer[])[1] then $4::uuid
      else '00000000-0000-0000-0000-000000000000' end
    order by from_job limit ${EDGES_AT_ONCE}
  ) e
  where j.run_position = any ($3)
  order by j.run_position, e.from_job limit ${EDGES_AT_ONCE}
) e
cross join lateral (
  select run_position from job where tenant = $1 and id = e.from_job limit 1
) f
order by e.to_position, e.from_job`,
);

/**
 * The ends of a run's edges after one, in the same order, 50,000 at most. Each job's own edges are
 * read from the place where the page before ended: a job can have as many as the run has jobs.
 */
export const readEdgeEnds = sql<
  readonly [tenant: string, runId: string, position: number, toJob: string],
  { readonly from_position: number; readonly to_job: string }
>(
  "read_edge_ends",
  `
select j.run_position as from_position, e.to_job
from (
  select id, run_position from job where tenant = $1 and run_id = $2 and run_position >= $3
) j
cross join lateral (
  select to_job from edge
  where tenant = $1 and from_job = j.id and to_job > case when j.run_position = $3 then $4::uuid
    else '00000000-0000-0000-0000-000000000000' end
  order by to_job limit 50000
) e
order by j.run_position, e.to_job limit 50000`,
);

/** Adds to the counts of blocked jobs, in one order for everybody. */
export const addToCounts = sql<
  readonly [tenant: string, jobIds: string[], counts: number[]],
  never
>(
  "add_to_counts",
  `
with input as materialized (
  select $1::text as tenant, * from unnest($2::uuid[], $3::integer[]) as i (job_id, count)
),
locked as materialized (
  select j.tenant, j.id, i.count from input i join job j on j.tenant = i.tenant and j.id = i.job_id
  where j.base_state = 'blocked' order by j.id for update of j
)
update job j set unmet = j.unmet + l.count from locked l
where j.tenant = l.tenant and j.id = l.id and j.base_state = 'blocked'`,
);

/** Notes that all jobs of a replay are there. */
export const finishBuilding = sql<readonly [tenant: string, runId: string], never>(
  "finish_building",
  "update run set building = false where tenant = $1 and id = $2",
);
