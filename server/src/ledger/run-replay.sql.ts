import type { EdgeCondition, OnFailure } from "../domain/graph.ts";
import type { JobState } from "../domain/job-machine.ts";
import { sql } from "./sql.ts";
import { STATE, STATE_JOINS } from "./state.sql.ts";

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

/** The jobs of a run at positions. */
export const jobsAtPositions = sql<
  readonly [tenant: string, runId: string, positions: number[]],
  ReplayJobRow
>(
  "jobs_at_positions",
  `
select j.run_position, j.id as job_id, j.name, ${STATE} as state, j.skipped
from unnest($3::integer[]) as i (position)
cross join lateral (
  select * from job where tenant = $1 and run_id = $2 and run_position = i.position limit 1
) j ${STATE_JOINS}`,
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
  select o.tenant, i.id, o.job_type, o.queue, o.priority, o.project, o.source, o.payload,
    o.payload_media_type, o.payload_artifact, o.content_digest, o.labels, o.not_before, o.retry,
    o.attempt_deadline_ms, o.correlation_id, o.traceparent, o.tracestate, o.concurrency_key,
    o.window_scope, o.window_start, o.window_end, $5, $6::integer + i.nth, o.name, 1, 'blocked'
  from unnest($3::integer[], $4::uuid[]) with ordinality as i (position, id, nth)
  cross join lateral (
    select * from job where tenant = $1 and run_id = $2 and run_position = i.position limit 1
  ) o
  returning tenant, id
),
events as (
  insert into job_event (tenant, job_id, kind, to_state, actor)
  select tenant, id, 'enqueued', 'blocked', 'operator' from jobs
)
select id as job_id from jobs`,
);

/** Notes jobs of another run that a replay reuses, by their positions there. */
export const insertReused = sql<
  readonly [tenant: string, runId: string, source: string, positions: number[]],
  never
>(
  "insert_reused_jobs",
  `
insert into reused_job (tenant, run_id, job_id)
select $1, $2, j.id from unnest($4::integer[]) as i (position)
cross join lateral (
  select id from job where tenant = $1 and run_id = $3 and run_position = i.position limit 1
) j
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

/** An edge of the first run. */
export interface ReplayEdgeRow {
  readonly from_position: number;
  readonly to_position: number;
  readonly to_job: string;
  readonly condition: EdgeCondition;
  readonly on_failure: OnFailure;
  readonly include_fan_out: boolean;
}

/** The edges of a run after one, by the position they come from and the id they lead to. */
export const readReplayEdges = sql<
  readonly [tenant: string, runId: string, position: number, toJob: string],
  ReplayEdgeRow
>(
  "read_replay_edges",
  `
select e.*, t.run_position as to_position
from (
  select j.run_position as from_position, e.* from job j cross join lateral (
    select to_job, condition, on_failure, include_fan_out from edge
    where tenant = $1 and from_job = j.id
      and to_job > case when j.run_position = $3 then $4::uuid
        else '00000000-0000-0000-0000-000000000000' end
    order by to_job limit 5000
  ) e
  where j.tenant = $1 and j.run_id = $2 and j.run_position >= $3
  order by j.run_position, e.to_job limit 5000
) e
cross join lateral (
  select run_position from job where tenant = $1 and id = e.to_job limit 1
) t
order by e.from_position, e.to_job`,
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
select j.run_position as from_position, e.to_job from job j cross join lateral (
  select to_job from edge
  where tenant = $1 and from_job = j.id and to_job > case when j.run_position = $3 then $4::uuid
    else '00000000-0000-0000-0000-000000000000' end
  order by to_job limit 50000
) e
where j.tenant = $1 and j.run_id = $2 and j.run_position >= $3
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
