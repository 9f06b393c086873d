-- The ledger and, apart from it, the hot path.
--
-- A job's row is written once and read often. Where the job stands while it moves is not a column
-- of that row but its place: an unfinished job has one token, which is a row in exactly one of
-- `scheduled`, `ready` or `lease` (or base_state 'blocked'). Every move deletes the token in one
-- place and inserts it in the next, in one transaction; the delete is the lock. So a claim and a
-- completion never update a wide row, finished jobs never sit in a table that a claim reads, and
-- what cannot be in two places cannot be handed out twice. ADR 0002 has the figures.

create sequence ready_seq;

-- The tenants that a transaction may see: set by `set_config('orch.tenants', 'a,b', true)`.
-- Unset and '' both mean nobody.
create function orch_tenants() returns text[] language sql stable parallel safe
  return string_to_array(nullif(current_setting('orch.tenants', true), ''), ',');

create table run (
  tenant         text not null check (tenant ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
  id             uuid not null,
  display_name   text not null,
  project        text not null,
  correlation_id text not null,
  content_digest bytea not null check (length(content_digest) = 32),
  created_at     timestamptz not null default now(),
  primary key (tenant, id)
);

create table artifact (
  tenant     text not null check (tenant ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
  digest     bytea not null check (length(digest) = 32),
  size_bytes bigint not null check (size_bytes >= 0),
  media_type text not null,
  created_at timestamptz not null default now(),
  primary key (tenant, digest)
);

-- base_state says where the job rests when it has no token in the hot tables; offered and running
-- are the lease's to say, succeeded is the newest attempt's. ledger/state.sql.ts puts them together.
create table job (
  tenant              text not null check (tenant ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
  id                  uuid not null,
  created_at          timestamptz not null default now(),
  job_type            text not null,
  queue               text not null,
  priority            smallint not null check (priority between -10 and 10),
  project             text not null,
  source              text not null,
  payload             bytea check (length(payload) <= 262144),
  payload_media_type  text not null,
  payload_artifact    bytea,
  content_digest      bytea not null check (length(content_digest) = 32),
  idempotency_key     text,
  labels              jsonb,
  not_before          timestamptz,
  retry               jsonb,
  attempt_deadline_ms integer check (attempt_deadline_ms > 0),
  correlation_id      text,
  traceparent         text,
  tracestate          text,
  run_id              uuid,
  run_position        integer,
  name                text,
  base_state          text not null
    check (base_state in ('blocked', 'scheduled', 'ready', 'dead', 'cancelled')),
  unmet               integer not null default 0 check (unmet >= 0),
  attempt             integer not null default 0,
  lease_epoch         bigint not null default 0,
  budget_from_attempt integer not null default 0,
  ended_at            timestamptz,
  end_reason          text,
  primary key (tenant, id),
  foreign key (tenant, run_id) references run (tenant, id),
  foreign key (tenant, payload_artifact) references artifact (tenant, digest),
  check ((run_id is null) = (name is null)),
  check (base_state <> 'blocked' or run_id is not null),
  check ((ended_at is not null) = (base_state in ('dead', 'cancelled')))
);
create unique index job_name_in_run on job (tenant, run_id, name) where run_id is not null;
create index job_at_rest on job (tenant, base_state, id) where base_state <> 'ready';

create table edge (
  tenant     text not null,
  run_id     uuid not null,
  from_job   uuid not null,
  to_job     uuid not null check (to_job <> from_job),
  on_failure text not null check (on_failure in ('cancel', 'hold')),
  primary key (tenant, from_job, to_job),
  foreign key (tenant, from_job) references job (tenant, id),
  foreign key (tenant, to_job) references job (tenant, id),
  foreign key (tenant, run_id) references run (tenant, id)
);
create index edge_to on edge (tenant, to_job);
create index edge_run on edge (tenant, run_id);

create table idempotency_key (
  tenant         text not null,
  key            text not null,
  job_id         uuid not null,
  content_digest bytea not null,
  expires_at     timestamptz not null,
  primary key (tenant, key)
);
create index idempotency_key_expiry on idempotency_key (expires_at);

-- Hot. Its rows live from ready to claim. No foreign key: the check would lock the job's row
-- (KEY SHARE) and write to its page at every hand-over; a test checks for orphans instead.
create table ready (
  tenant        text not null,
  queue         text not null,
  job_type      text not null,
  priority      smallint not null,
  seq           bigint not null default nextval('ready_seq'),
  job_id        uuid not null,
  attempt       integer not null,
  lease_epoch   bigint not null,
  payload_bytes integer not null,
  in_run        boolean not null,
  -- The token of a lease that ran out: until somebody else gets the job, its holder may complete.
  prev_token    text,
  primary key (tenant, queue, job_type, priority, seq),
  unique (tenant, job_id)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

-- Hot. Its rows live from claim to the end of the attempt.
create table lease (
  tenant        text not null,
  job_id        uuid not null,
  lease_epoch   bigint not null check (lease_epoch > 0),
  attempt       integer not null check (attempt > 0),
  token         text not null,
  state         text not null check (state in ('offered', 'running')),
  worker_id     text not null,
  session_id    uuid,
  queue         text not null,
  job_type      text not null,
  priority      smallint not null,
  seq           bigint not null,
  payload_bytes integer not null,
  in_run        boolean not null,
  ttl_ms        integer not null,
  deadline_ms   integer not null,
  offered_at    timestamptz not null default now(),
  started_at    timestamptz,
  expires_at    timestamptz not null,
  deadline_at   timestamptz,
  cancel_reason text check (cancel_reason in ('user', 'deadline', 'preempted', 'drain')),
  cancel_note   text,
  primary key (tenant, job_id),
  check ((state = 'running') = (started_at is not null)),
  check ((state = 'running') = (deadline_at is not null))
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

create table scheduled (
  tenant      text not null,
  job_id      uuid not null,
  run_at      timestamptz not null,
  attempt     integer not null,
  lease_epoch bigint not null,
  primary key (tenant, job_id),
  foreign key (tenant, job_id) references job (tenant, id)
);
create index scheduled_due on scheduled (run_at);

-- One row per ended attempt; a running one is its lease. The primary key makes attempts unique,
-- and completion_id makes an answer repeatable.
create table attempt (
  tenant          text not null,
  job_id          uuid not null,
  attempt         integer not null,
  lease_epoch     bigint not null,
  worker_id       text not null,
  offered_at      timestamptz not null,
  started_at      timestamptz not null,
  ended_at        timestamptz not null default now(),
  outcome         text not null check (outcome in ('succeeded', 'failed', 'interrupted', 'cancelled')),
  failure_class   text,
  failure_message text,
  terminal        boolean,
  retry_after_ms  bigint,
  completion_id   uuid,
  result          bytea check (length(result) <= 262144),
  primary key (tenant, job_id, attempt),
  foreign key (tenant, job_id) references job (tenant, id),
  check ((outcome = 'succeeded') = (failure_class is null))
);

create table job_artifact (
  tenant      text not null,
  job_id      uuid not null,
  attempt     integer not null,
  lease_epoch bigint not null,
  name        text not null,
  digest      bytea not null,
  primary key (tenant, job_id, attempt, name),
  foreign key (tenant, digest) references artifact (tenant, digest),
  foreign key (tenant, job_id, attempt) references attempt (tenant, job_id, attempt)
);

create table progress (
  tenant     text not null,
  job_id     uuid not null,
  attempt    integer not null,
  fraction   double precision not null check (fraction between 0 and 1),
  message    text not null,
  checkpoint bytea check (length(checkpoint) <= 262144),
  updated_at timestamptz not null default now(),
  primary key (tenant, job_id),
  foreign key (tenant, job_id) references job (tenant, id)
);

-- Append only. What never changes about a job (project, type, correlation id) is joined from its
-- row when the history is read, not repeated here.
create table job_event (
  tenant      text not null,
  job_id      uuid not null,
  id          bigint generated always as identity,
  at          timestamptz not null default clock_timestamp(),
  kind        text not null,
  from_state  text,
  to_state    text not null,
  attempt     integer not null default 0,
  lease_epoch bigint not null default 0,
  worker_id   text,
  actor       text not null,
  reason      text,
  -- For feeds: reading up to pg_snapshot_xmin() misses nothing that commits late.
  xact        xid8 not null default pg_current_xact_id(),
  primary key (tenant, job_id, id),
  -- The legal moves of server/src/domain/job-machine.ts; a test compares the two.
  constraint job_event_legal check (
    (kind, coalesce(from_state, ''), to_state) in (
      ('enqueued', '', 'blocked'), ('enqueued', '', 'scheduled'), ('enqueued', '', 'ready'),
      ('unblocked', 'blocked', 'scheduled'), ('unblocked', 'blocked', 'ready'),
      ('due', 'scheduled', 'ready'),
      ('offered', 'ready', 'offered'), ('offer_returned', 'offered', 'ready'),
      ('started', 'offered', 'running'), ('started', 'ready', 'running'),
      ('released', 'running', 'ready'),
      ('succeeded', 'running', 'succeeded'), ('succeeded', 'ready', 'succeeded'),
      ('failed', 'running', 'failed'),
      ('retry_scheduled', 'failed', 'scheduled'), ('died', 'failed', 'dead'),
      ('interrupted', 'running', 'ready'), ('quarantined', 'running', 'dead'),
      ('cancelled', 'blocked', 'cancelled'), ('cancelled', 'scheduled', 'cancelled'),
      ('cancelled', 'ready', 'cancelled'), ('cancelled', 'offered', 'cancelled'),
      ('cancelled', 'running', 'cancelled'),
      ('retried', 'dead', 'ready'), ('retried', 'scheduled', 'ready')
    )
  )
);

-- The newest session of each worker, and the one whose place it took.
create table session (
  tenant       text not null check (tenant ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
  worker_id    text not null,
  session_id   uuid not null,
  previous_id  uuid,
  instance_id  uuid not null,
  server_id    text not null,
  sdk          text not null,
  connected_at timestamptz not null default now(),
  closed_at    timestamptz,
  primary key (tenant, worker_id)
);

-- What a unary claim answered, so that its repetition answers the same.
create table claim_receipt (
  tenant     text not null,
  request_id uuid not null,
  worker_id  text not null,
  job_ids    uuid[] not null,
  epochs     bigint[] not null,
  created_at timestamptz not null default now(),
  primary key (tenant, request_id)
);
create index claim_receipt_age on claim_receipt (created_at);

-- Lease clocks run on time in which somebody could have renewed. Every replica ticks here about
-- once a second; a gap means that nobody could, and available_since starts again. A lease counts as
-- expired only when its own clock and one full TTL since available_since have both passed.
create table control_plane (
  only_row        boolean primary key default true check (only_row),
  last_tick       timestamptz not null,
  available_since timestamptz not null
);
insert into control_plane values (true, now(), now());

-- Replicas that are alive. One that is alone need not tell others what it wrote.
create table replica (
  server_id text primary key,
  last_seen timestamptz not null default now()
);

-- Roles: the server works as orch_app, which sees the tenants of its transaction and nothing else;
-- its loops find out which tenants have something due as orch_loops, which sees clocks and owners.
-- Neither owns a table nor has BYPASSRLS.
do $$
declare role_name text;
begin
  foreach role_name in array array['orch_app', 'orch_loops'] loop
    begin
      -- Where the server's user may not create roles, an administrator has made these beforehand.
      if not exists (select from pg_roles where rolname = role_name) then
        execute format('create role %I nologin nosuperuser nobypassrls', role_name);
      end if;
    exception when duplicate_object or unique_violation then null;
    end;
    if not pg_has_role(current_user, role_name, 'member') then
      execute format('grant %I to current_user', role_name);
    end if;
    execute format('grant usage on schema %I to %I', current_schema(), role_name);
  end loop;
end $$;

grant select, insert, update on run, artifact, job, attempt, progress, session, claim_receipt,
  idempotency_key to orch_app;
grant select, insert on edge, job_artifact, job_event to orch_app;
grant select, insert, update, delete on ready, lease, scheduled to orch_app;
grant delete on idempotency_key, claim_receipt to orch_app;
grant select, update on control_plane to orch_app;
grant usage on sequence ready_seq to orch_app;

do $$
declare t text;
begin
  foreach t in array array['run', 'artifact', 'job', 'edge', 'idempotency_key', 'ready', 'lease',
      'scheduled', 'attempt', 'job_artifact', 'progress', 'job_event', 'session',
      'claim_receipt'] loop
    execute format('alter table %I enable row level security', t);
    -- Not "tenant = any (…)", which an index can answer: the planner, who thinks that one tenant has
    -- few rows, would then read all of a tenant's leases rather than look up the ones it is given.
    execute format('create policy tenants_of_the_transaction on %I to orch_app
      using (array_position((select orch_tenants()), tenant) is not null)
      with check (array_position((select orch_tenants()), tenant) is not null)', t);
  end loop;
end $$;

grant select (tenant, expires_at, ttl_ms, deadline_at, cancel_reason) on lease to orch_loops;
grant select (tenant, run_at) on scheduled to orch_loops;
grant select, delete on idempotency_key, claim_receipt to orch_loops;
grant select, update on control_plane to orch_loops;
grant select, insert, update, delete on replica to orch_loops;
create policy what_is_due on lease for select to orch_loops using (true);
create policy what_is_due on scheduled for select to orch_loops using (true);
create policy what_is_old on idempotency_key to orch_loops using (true);
create policy what_is_old on claim_receipt to orch_loops using (true);
