import type { EdgeCondition, OnFailure } from "../domain/graph.ts";
import type { JobState } from "../domain/job-machine.ts";
import type { AttemptOutcome } from "../domain/job-view.ts";
import type { FailureClass } from "../domain/lease.ts";
import type { RetryOverrides } from "../domain/retry.ts";
import { type LaneRow, laneOf } from "./lane.sql.ts";
import { sql } from "./sql.ts";
import { jobWithId, rowOfJob, STATE, STATE_JOINS } from "./state.sql.ts";

/** A job as {@link viewColumns} selects it. */
export interface JobViewRow {
  readonly job_id: string;
  readonly created_at: Date;
  readonly job_type: string;
  readonly queue: string;
  readonly priority: number;
  readonly project: string;
  readonly source: string;
  readonly concurrency_key: string;
  readonly payload: Buffer | null;
  readonly payload_media_type: string;
  readonly payload_artifact: Buffer | null;
  readonly idempotency_key: string | null;
  readonly labels: Record<string, string> | null;
  readonly not_before: Date | null;
  readonly retry: RetryOverrides | null;
  readonly attempt_deadline_ms: number | null;
  readonly correlation_id: string | null;
  readonly traceparent: string | null;
  readonly tracestate: string | null;
  readonly run_id: string | null;
  readonly name: string | null;
  readonly skipped: boolean;
  readonly window_scope: string | null;
  readonly window_start: Date | null;
  readonly window_end: Date | null;
  readonly ended_at: Date | null;
  readonly end_reason: string | null;
  readonly state: JobState;
  readonly running_attempt: number | null;
  readonly running_since: Date | null;
  readonly lease_worker_id: string | null;
  readonly last_attempt: number | null;
  readonly last_started_at: Date | null;
  readonly last_ended_at: Date | null;
  readonly failure_class: FailureClass | null;
  readonly failure_message: string | null;
  readonly terminal: boolean | null;
  readonly retry_after_ms: number | null;
  readonly result: Buffer | null;
  readonly run_at: Date | null;
  readonly fraction: number | null;
  readonly progress_message: string | null;
  readonly checkpoint: Buffer | null;
  readonly failures: number;
  /** How long ago attempts of the current budget were interrupted, in milliseconds. */
  readonly interruption_ages_ms: number[];
}

/** The columns of {@link JobViewRow}, for a query over `job j` with {@link VIEW_JOINS}. */
export const viewColumns = (how: "whole" | "brief"): string => {
  const large = (column: string, name: string) =>
    how === "whole" ? `${column} as ${name}` : `null::bytea as ${name}`;
  return `
  j.id as job_id, j.created_at, j.job_type, j.queue, j.priority, j.project, j.source,
  j.concurrency_key, ${large("j.payload", "payload")}, j.payload_media_type, j.payload_artifact,
  j.idempotency_key, j.labels, j.not_before, j.retry, j.attempt_deadline_ms, j.correlation_id,
  j.traceparent, j.tracestate, j.run_id, j.name, j.skipped, j.window_scope, j.window_start,
  j.window_end, j.ended_at, j.end_reason, ${STATE} as state,
  case when l.state = 'running' then l.attempt end as running_attempt,
  l.started_at as running_since, l.worker_id as lease_worker_id, a.attempt as last_attempt,
  a.started_at as last_started_at, a.ended_at as last_ended_at, a.failure_class,
  a.failure_message, a.terminal, a.retry_after_ms, ${large("a.result", "result")}, s.run_at,
  p.fraction, p.message as progress_message, ${large("p.checkpoint", "checkpoint")},
  past.failures, past.interruption_ages_ms`;
};

/** What {@link viewColumns} reads besides `job j`. */
export const VIEW_JOINS = `${STATE_JOINS}${rowOfJob("scheduled", "s")}${rowOfJob("progress", "p")}
cross join lateral (
  select count(*) filter (where t.outcome = 'failed')::integer as failures,
    coalesce(array_agg((extract(epoch from now() - t.ended_at) * 1000)::double precision)
      filter (where t.outcome = 'interrupted' and t.failure_class <> 'cancelled'), '{}')
      as interruption_ages_ms
  from attempt t
  where t.tenant = j.tenant and t.job_id = j.id and t.attempt > j.budget_from_attempt
) past`;

/** One job with everything. */
export const readJob = sql<readonly [tenant: string, jobId: string], JobViewRow>(
  "read_job",
  `
select ${viewColumns("whole")} from job j ${VIEW_JOINS} where j.tenant = $1 and j.id = $2`,
);

/** Jobs without their large parts, in no order; unknown ones are left out. */
export const readJobs = sql<readonly [tenant: string, jobIds: string[]], JobViewRow>(
  "read_jobs",
  `
select ${viewColumns("brief")} from job j ${VIEW_JOINS}
where j.tenant = $1 and j.id = any ($2::uuid[])`,
);

/** An artifact that an attempt produced. */
export interface BoundArtifactRow {
  readonly job_id: string;
  readonly name: string;
  readonly digest: Buffer;
  readonly size_bytes: number;
  readonly media_type: string;
  readonly attempt: number;
  readonly lease_epoch: number;
}

/** The artifacts of attempts, by name. */
export const readBoundArtifacts = sql<
  readonly [tenant: string, jobIds: string[], attempts: number[]],
  BoundArtifactRow
>(
  "read_bound_artifacts",
  `
select b.job_id, b.name, b.digest, f.size_bytes, f.media_type, b.attempt, b.lease_epoch
from unnest($2::uuid[], $3::integer[]) as i (job_id, attempt)
join job_artifact b on b.tenant = $1 and b.job_id = i.job_id and b.attempt = i.attempt
join artifact f on f.tenant = b.tenant and f.digest = b.digest
order by b.job_id, b.name`,
);

/** An ended attempt. */
export interface AttemptRow {
  readonly attempt: number;
  readonly lease_epoch: number;
  readonly worker_id: string;
  readonly started_at: Date;
  readonly ended_at: Date;
  readonly outcome: AttemptOutcome;
  readonly failure_class: FailureClass | null;
  readonly failure_message: string | null;
  readonly terminal: boolean | null;
  readonly retry_after_ms: number | null;
}

/** The newest 100 ended attempts of a job, newest first. */
export const readAttempts = sql<readonly [tenant: string, jobId: string], AttemptRow>(
  "read_attempts",
  `
select attempt, lease_epoch, worker_id, started_at, ended_at, outcome, failure_class,
  failure_message, terminal, retry_after_ms
from attempt where tenant = $1 and job_id = $2 order by attempt desc limit 100`,
);

/** A step of a job's history; `id` is null when the job has no more of them. */
export interface JobEventRow {
  readonly id: number | null;
  readonly at: Date;
  readonly kind: string;
  readonly from_state: JobState | null;
  readonly to_state: JobState;
  readonly project: string;
  readonly job_type: string;
  readonly correlation_id: string | null;
  readonly worker_id: string | null;
  readonly attempt: number;
  readonly lease_epoch: number;
  readonly actor: string;
  readonly reason: string | null;
}

/**
 * The history of a job after an event, oldest first, 1,001 at most. No row at all means that the
 * tenant has no such job; one row with a null id that nothing follows.
 */
export const readEvents = sql<
  readonly [tenant: string, jobId: string, afterId: number],
  JobEventRow
>(
  "read_job_events",
  `
select e.id, e.at, e.kind, e.from_state, e.to_state, j.project, j.job_type, j.correlation_id,
  e.worker_id, e.attempt, e.lease_epoch, e.actor, e.reason
from job j left join lateral (
  select * from job_event v where v.tenant = j.tenant and v.job_id = j.id and v.id > $3
  order by v.id limit 1001
) e on true
where j.tenant = $1 and j.id = $2 order by e.id`,
);

/** Where a job stands, and what could keep it there. */
export interface WaitRow extends LaneRow {
  readonly state: JobState;
  readonly run_at: Date | null;
}

/** Looks at what a job waits for, other jobs apart. */
export const readWait = sql<readonly [tenant: string, jobId: string], WaitRow>(
  "read_wait",
  `
select ${STATE} as state, ${laneOf("j")}, s.run_at from job j ${STATE_JOINS}
left join scheduled s on s.tenant = j.tenant and s.job_id = j.id
where j.tenant = $1 and j.id = $2`,
);

/** A job that another one waits for. */
export interface UnmetRow {
  readonly job_id: string;
  readonly state: JobState;
  readonly skipped: boolean;
  readonly condition: EdgeCondition;
  readonly on_failure: OnFailure;
}

/**
 * The jobs that a job depends on and that have not succeeded, in the order of their run, but for
 * those whose end was settled when the edge was made.
 */
export const readUnmet = sql<readonly [tenant: string, jobId: string], UnmetRow>(
  "read_unmet",
  `
select j.id as job_id, ${STATE} as state, j.skipped, e.condition, e.on_failure
from edge e${jobWithId("e.from_job")}${STATE_JOINS}
where e.tenant = $1 and e.to_job = $2 and not e.settled and ${STATE} <> 'succeeded'
order by j.run_position`,
);

/** How far a watcher has seen a job, and a job that is further than that. */
export interface JobMark {
  readonly job_id: string;
  /** The newest event. */
  readonly event_id: number;
  /** When the newest progress came, in microseconds since 1970; 0 if none did. */
  readonly progress_us: number;
}

/**
 * Which of the jobs changed since they were seen: one probe each into the history, whose ids grow
 * along a job, and into the progress.
 */
export const changedJobs = sql<
  readonly [tenant: string, jobIds: string[], eventIds: number[], progressUs: number[]],
  JobMark
>(
  "changed_jobs",
  `
select i.job_id, coalesce(e.id, i.event_id) as event_id,
  coalesce(p.updated_us, 0) as progress_us
from unnest($2::uuid[], $3::bigint[], $4::bigint[]) as i (job_id, event_id, progress_us)
left join lateral (
  select id from job_event v where v.tenant = $1 and v.job_id = i.job_id and v.id > i.event_id
  order by v.id desc limit 1
) e on true
left join lateral (
  select (extract(epoch from updated_at) * 1000000)::bigint as updated_us
  from progress where tenant = $1 and job_id = i.job_id
) p on true
where e.id is not null or coalesce(p.updated_us, 0) <> i.progress_us`,
);
