-- Runs that grow, time that is covered, and what operators do to many jobs at once.
--
-- Whatever could touch a hundred thousand rows is done in steps: what a job's end means for many
-- dependants (`cascade`), bulk operations, backfills, replays, retention. Each step changes its
-- rows and notes how far it came in one transaction, so that a replica that is killed leaves
-- neither a job that was done twice nor one that was left out. ADR 0036.

-- Whether a job's end concerns more than itself: dependants, or a window that it covers.
alter table ready rename column in_run to linked;
alter table lease rename column in_run to linked;
-- An operator moved the attempt's deadline: its worker is told at the next renewal.
alter table lease add column deadline_moved boolean not null default false;

alter table job
  -- Cancelled because it was not needed.
  add column skipped boolean not null default false,
  add column window_scope text,
  add column window_start timestamptz,
  add column window_end timestamptz,
  add constraint job_window check ((window_scope is null) = (window_start is null)
    and (window_start is null) = (window_end is null) and window_end > window_start);
create index job_window_start on job (tenant, source, window_scope, window_start)
  where window_start is not null;

alter table run
  -- AppendJobs can add to it.
  add column open boolean not null default false,
  add column cancel_requested_at timestamptz,
  add column replay_of uuid,
  -- A replay whose jobs are still being written; none of them starts before.
  add column building boolean not null default false,
  add column pipeline text,
  add column pipeline_version integer,
  add column schedule text,
  -- How many jobs it has; the next one's run_position is one more.
  add column job_count integer not null default 0,
  -- It is over its time and being removed, which takes several steps.
  add column removing boolean not null default false;
update run r set job_count = (
  select count(*) from job j where j.tenant = r.tenant and j.run_id = r.id);
create index run_replay on run (tenant, replay_of, id) where replay_of is not null;
create index run_pipeline on run (tenant, pipeline, id) where pipeline is not null;
create index run_project on run (tenant, project, id) where project <> '';
-- While there are no statistics of a new run, any index that begins with its id is as good to the
-- planner as the right one, and each look-up can read the whole run. So there is only one way for
-- each: names come first in theirs, and positions have a condition that look-ups by name lack.
drop index job_name_in_run;
create unique index job_name_in_run on job (tenant, name, run_id) where run_id is not null;
create index job_run_position on job (tenant, run_id, run_position) where run_position is not null;

-- With the order of its pages, or the planner may read them in that of the primary key.
drop index edge_to;
create index edge_to on edge (tenant, to_job, from_job);
alter table edge
  add column condition text not null default 'success'
    check (condition in ('success', 'completion', 'failure')),
  add column include_fan_out boolean not null default false,
  -- Its first job had ended when the edge was made, and the count of the second says so already.
  add column settled boolean not null default false;
alter table edge drop constraint edge_on_failure_check;
alter table edge add constraint edge_on_failure_check
  check (on_failure in ('cancel', 'hold', 'continue'));

-- Their checks cost more than the edges themselves: each locks the same few jobs' rows again and
-- again. Edges are written in the transaction that writes or has locked both of their jobs, and
-- go before these do; a test looks for orphans instead.
alter table edge drop constraint edge_tenant_from_job_fkey,
  drop constraint edge_tenant_to_job_fkey;

-- Ended jobs of runs whose dependants have not all been told yet. Its row is written in the
-- transaction that ends the job.
create table cascade (
  tenant    text not null,
  job_id    uuid not null,
  outcome   text not null check (outcome in ('succeeded', 'failed', 'skipped')),
  -- Dependants up to this one have been told.
  told_upto uuid,
  primary key (tenant, job_id)
);

-- Jobs of another run whose artifacts a replay reuses.
create table reused_job (
  tenant text not null,
  run_id uuid not null,
  job_id uuid not null,
  primary key (tenant, run_id, job_id),
  foreign key (tenant, run_id) references run (tenant, id)
);
create index reused_job_of on reused_job (tenant, job_id);

create table pipeline (
  tenant         text not null check (tenant ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
  name           text not null,
  version        integer not null check (version > 0),
  -- Description and parameters; server/src/app/pipelines/stored-pipeline.ts has both shapes.
  head           jsonb not null,
  -- Apart, because lists do not read them.
  jobs           jsonb not null,
  content_digest bytea not null check (length(content_digest) = 32),
  created_at     timestamptz not null default now(),
  primary key (tenant, name, version)
);

create table schedule (
  tenant         text not null check (tenant ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
  name           text not null,
  content        jsonb not null,
  content_digest bytea not null check (length(content_digest) = 32),
  version        bigint not null check (version > 0),
  pause          jsonb,
  created_at     timestamptz not null default now(),
  updated_at     timestamptz not null default now(),
  -- The nominal time up to which firings are settled.
  settled_upto   timestamptz not null,
  -- When to look next: the next firing with its jitter, or a queued one. Null: never.
  next_at        timestamptz,
  -- The nominal time of the newest firing, whatever became of it.
  last_nominal   timestamptz,
  -- What it made last: overlap policies ask whether that is finished.
  last_job_id    uuid,
  last_run_id    uuid,
  -- How many of its firings are queued, and when to try them again if it is not for their turn that
  -- they wait but for a place.
  queued         integer not null default 0 check (queued >= 0),
  retry_at       timestamptz,
  primary key (tenant, name)
) with (fillfactor = 70);
create index schedule_due on schedule (next_at) where next_at is not null;
create index schedule_queued on schedule (tenant, name) where queued > 0;

-- One row per firing; its key makes each happen once.
create table firing (
  tenant       text not null,
  schedule     text not null,
  nominal_at   timestamptz not null,
  -- Of a triggered one; zeros for those of the clock.
  request_id   uuid not null default '00000000-0000-0000-0000-000000000000',
  fired_at     timestamptz not null default now(),
  outcome      text not null
    check (outcome in ('created', 'skipped', 'queued', 'missed', 'failed')),
  job_id       uuid,
  run_id       uuid,
  missed_count bigint not null default 0,
  error        text,
  primary key (tenant, schedule, nominal_at, request_id)
);
create index firing_age on firing (tenant, fired_at);
create index firing_queued on firing (tenant, schedule, nominal_at) where outcome = 'queued';
create index firing_triggered on firing (tenant, schedule, request_id)
  where request_id <> '00000000-0000-0000-0000-000000000000';

create table window_series (
  tenant      text not null check (tenant ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
  source      text not null,
  scope       text not null,
  width_ms    bigint not null check (width_ms >= 1000),
  lateness_ms bigint not null check (lateness_ms >= 0),
  origin      timestamptz not null,
  -- Only grows; the end of the covered range that begins at origin.
  watermark   timestamptz not null check (watermark >= origin),
  updated_at  timestamptz not null default now(),
  primary key (tenant, source, scope)
) with (fillfactor = 70);

-- What is covered, as ranges that neither overlap nor touch. Written under the lock of the series.
create table window_coverage (
  tenant   text not null,
  source   text not null,
  scope    text not null,
  start_at timestamptz not null,
  end_at   timestamptz not null check (end_at > start_at),
  primary key (tenant, source, scope, start_at),
  foreign key (tenant, source, scope) references window_series (tenant, source, scope)
) with (fillfactor = 70);

create table backfill (
  tenant         text not null check (tenant ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
  id             uuid not null,
  source         text not null,
  scope          text not null,
  start_at       timestamptz not null,
  end_at         timestamptz not null check (end_at > start_at),
  spec           jsonb not null,
  request_digest bytea not null check (length(request_digest) = 32),
  max_parallel   integer not null check (max_parallel > 0),
  repeat_covered boolean not null,
  state          text not null
    -- cancelling: somebody cancelled it, and jobs of it are not finished yet.
    check (state in ('running', 'paused', 'cancelling', 'succeeded', 'failed', 'cancelled')),
  actor          text not null,
  reason         text not null,
  ticket         text not null,
  windows        bigint not null,
  -- Windows up to here are covered, have a row, or are not due.
  decided_upto   timestamptz not null,
  covered        bigint not null default 0,
  shared         bigint not null default 0,
  failed         bigint not null default 0,
  created_at     timestamptz not null default now(),
  finished_at    timestamptz,
  check ((finished_at is not null) = (state in ('succeeded', 'failed', 'cancelled'))),
  primary key (tenant, id)
) with (fillfactor = 70);
create index backfill_unfinished on backfill (tenant, id)
  where state in ('running', 'paused', 'cancelling');
create index backfill_series on backfill (tenant, source, scope)
  where state in ('running', 'paused', 'cancelling');
create index backfill_age on backfill (tenant, created_at, id);

create table backfill_window (
  tenant       text not null,
  backfill_id  uuid not null,
  window_start timestamptz not null,
  window_end   timestamptz not null,
  -- in_progress: its own job is unfinished. waiting: a job that is not its own is to cover the
  -- window, or there was no place for its own yet; looked at again.
  state        text not null
    check (state in ('in_progress', 'waiting', 'covered', 'shared', 'failed')),
  job_id       uuid,
  primary key (tenant, backfill_id, window_start),
  foreign key (tenant, backfill_id) references backfill (tenant, id)
);
create index backfill_window_open on backfill_window (tenant, backfill_id, window_start)
  where state in ('in_progress', 'waiting');
create index backfill_window_failed on backfill_window (tenant, backfill_id, window_start)
  where state = 'failed';

-- Dead jobs that wait for somebody to decide. A discarded one has no row.
create table dead_letter (
  tenant        text not null,
  job_id        uuid not null,
  died_at       timestamptz not null default now(),
  -- server/src/domain/plan/error-signature.ts makes both of class and message.
  signature     text not null,
  pattern       text not null,
  failure_class text not null,
  job_type      text not null,
  queue         text not null,
  source        text not null,
  run_id        uuid,
  primary key (tenant, job_id)
);
create index dead_letter_age on dead_letter (tenant, died_at, job_id);
create index dead_letter_signature on dead_letter (tenant, signature, died_at);
-- Those from before are grouped by their class alone.
insert into dead_letter (tenant, job_id, died_at, signature, pattern, failure_class, job_type, queue,
  source, run_id)
select j.tenant, j.id, j.ended_at, 'before-0003-' || a.failure_class, '', a.failure_class,
  j.job_type, j.queue, j.source, j.run_id
from job j cross join lateral (
  select coalesce(max(failure_class), 'internal') as failure_class from (
    select a.failure_class from attempt a where a.tenant = j.tenant and a.job_id = j.id
    order by a.attempt desc limit 1) newest
) a
where j.base_state = 'dead';

create table operation (
  tenant         text not null check (tenant ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
  id             uuid not null,
  kind           text not null check (kind in ('retry', 'cancel', 'discard', 'reprioritise', 'move',
    'extend_deadline', 'cancel_run', 'replay_run')),
  state          text not null check (state in ('running', 'done', 'stopped')),
  -- Target and action; server/src/app/operations has the shape.
  request        jsonb not null,
  request_digest bytea not null check (length(request_digest) = 32),
  actor          text not null,
  reason         text not null,
  ticket         text not null,
  run_id         uuid,
  matching       bigint not null default 0,
  applied        bigint not null default 0,
  unchanged      bigint not null default 0,
  refused        bigint not null default 0,
  -- How far it came; what that means is the kind's to say.
  progress       jsonb not null default '{}',
  next_at        timestamptz not null default now(),
  created_at     timestamptz not null default now(),
  finished_at    timestamptz,
  check ((finished_at is null) = (state = 'running')),
  primary key (tenant, id)
) with (fillfactor = 70);
create index operation_due on operation (next_at) where state = 'running';
create index operation_age on operation (tenant, created_at, id);

create table operation_result (
  tenant       text not null,
  operation_id uuid not null,
  job_id       uuid not null,
  outcome      text not null check (outcome in ('applied', 'unchanged', 'refused')),
  reason       text not null,
  state        text not null,
  primary key (tenant, operation_id, job_id),
  foreign key (tenant, operation_id) references operation (tenant, id)
);

-- Append only: what operators did, and why.
create table operator_action (
  tenant      text not null check (tenant ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
  id          bigint generated always as identity,
  at          timestamptz not null default clock_timestamp(),
  kind        text not null,
  target_kind text not null,
  target_name text not null,
  actor       text not null,
  reason      text not null,
  ticket      text not null,
  detail      jsonb not null default '{}',
  primary key (tenant, id)
);
create index operator_action_target on operator_action (tenant, target_kind, target_name, id);

alter table session
  add column host text not null default '',
  add column labels jsonb not null default '{}';

create table take_out (
  tenant         text not null check (tenant ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
  id             uuid not null,
  selector       jsonb not null,
  request_digest bytea not null check (length(request_digest) = 32),
  move_leases    boolean not null,
  actor          text not null,
  reason         text not null,
  ticket         text not null,
  -- How long who holds a job may take to stop, where leases move.
  grace_ms       integer not null default 0 check (grace_ms >= 0),
  -- Some leases may still have to be moved.
  moving         boolean not null default false,
  -- Leases that were asked to move, or moved.
  moved          integer not null default 0,
  created_at     timestamptz not null default now(),
  ended_at       timestamptz,
  primary key (tenant, id),
  check (not moving or ended_at is null)
);
create index take_out_in_force on take_out (tenant, created_at, id) where ended_at is null;
create index take_out_moving on take_out (tenant, id) where moving;

-- What each replica's sessions can take, written every few seconds: who is capable anywhere.
create table capability (
  tenant    text not null,
  server_id text not null,
  queue     text not null,
  job_type  text not null,
  workers   integer not null check (workers > 0),
  seen_at   timestamptz not null default now(),
  primary key (tenant, server_id, queue, job_type)
) with (fillfactor = 70);

-- What waits in vain: a lane that nobody serves or that is shut for good, or a job that is held.
create table stuck (
  tenant  text not null,
  kind    text not null check (kind in ('lane', 'job')),
  -- The lane's key or the job's id.
  subject text not null,
  cause   text not null check (cause in ('no_worker', 'dependency', 'limit')),
  advice  text not null,
  since   timestamptz not null default now(),
  -- False: seen, but not for long enough to say so.
  announced boolean not null default false,
  primary key (tenant, kind, subject)
);

grant update on edge to orch_app;
grant delete on job, attempt, progress, edge, job_artifact, job_event, run, session to orch_app;
grant select, insert, update, delete on cascade, schedule, firing, window_series, window_coverage,
  backfill, backfill_window, dead_letter, operation, operation_result, take_out, capability, stuck
  to orch_app;
grant select, insert, delete on reused_job, pipeline to orch_app;
grant select, insert on operator_action to orch_app;

do $$
declare t text;
begin
  foreach t in array array['cascade', 'reused_job', 'pipeline', 'schedule', 'firing',
      'window_series', 'window_coverage', 'backfill', 'backfill_window', 'dead_letter', 'operation',
      'operation_result', 'operator_action', 'take_out', 'capability', 'stuck'] loop
    execute format('alter table %I enable row level security', t);
    execute format('create policy tenants_of_the_transaction on %I to orch_app
      using (array_position((select orch_tenants()), tenant) is not null)
      with check (array_position((select orch_tenants()), tenant) is not null)', t);
  end loop;
end $$;

-- The loops find out which tenants have something to do, and nothing else.
grant select (tenant) on cascade to orch_loops;
grant select (tenant, next_at) on schedule, operation to orch_loops;
grant select (queued) on schedule to orch_loops;
grant select (state) on operation to orch_loops;
grant select (tenant, state) on backfill to orch_loops;
-- How far series are behind, without their names: a metric.
grant select (origin, width_ms, lateness_ms, watermark) on window_series to orch_loops;
grant select (tenant, seen_at, server_id), delete on capability to orch_loops;
grant select (tenant, moving) on take_out to orch_loops;
grant select on replica to orch_app;
create policy who_has_work on cascade for select to orch_loops using (true);
create policy who_has_work on schedule for select to orch_loops using (true);
create policy who_has_work on operation for select to orch_loops using (true);
create policy who_has_work on backfill for select to orch_loops using (true);
create policy how_far_behind on window_series for select to orch_loops using (true);
create policy what_is_old on capability to orch_loops using (true);
create policy who_has_work on take_out for select to orch_loops using (true);

-- The tenants that the ledger has something of, one index lookup each and table: all that the loops
-- of the pruner and of stuck work have to know, which is why they need not be able to read these.
create function orch_known_tenants() returns setof text language plpgsql stable security definer
  set search_path from current as $$
declare t text; found_tenant text;
begin
  foreach t in array array['job', 'run', 'session', 'operation', 'firing', 'backfill',
      'take_out'] loop
    execute format('select min(tenant) from %I', t) into found_tenant;
    while found_tenant is not null loop
      return next found_tenant;
      execute format('select min(tenant) from %I where tenant > $1', t)
        into found_tenant using found_tenant;
    end loop;
  end loop;
end $$;
revoke all on function orch_known_tenants() from public;
grant execute on function orch_known_tenants() to orch_loops;

alter table job_event drop constraint job_event_legal;
alter table job_event add constraint job_event_legal check (
  (kind || ':' || coalesce(from_state, '') || ':' || to_state) = any ('{
    enqueued::blocked,enqueued::scheduled,enqueued::ready,unblocked:blocked:scheduled,
    unblocked:blocked:ready,due:scheduled:ready,offered:ready:offered,
    offer_returned:offered:ready,started:offered:running,started:ready:running,
    released:running:ready,succeeded:running:succeeded,succeeded:ready:succeeded,
    failed:running:failed,retry_scheduled:failed:scheduled,died:failed:dead,
    interrupted:running:ready,quarantined:running:dead,cancelled:blocked:cancelled,
    cancelled:scheduled:cancelled,cancelled:ready:cancelled,cancelled:offered:cancelled,
    cancelled:running:cancelled,retried:dead:ready,retried:scheduled:ready,
    skipped:blocked:cancelled,discarded:dead:dead,updated:blocked:blocked,
    updated:scheduled:scheduled,updated:ready:ready,updated:offered:offered,
    updated:running:running,
    stuck:blocked:blocked,stuck:ready:ready
  }'::text[])
);
