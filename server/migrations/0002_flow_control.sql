-- Flow control: what may be handed out, how much of it, and when.
--
-- What may go is decided about lanes. So a lane is made of everything that a limit can be about:
-- source and concurrency key join queue, type and priority in the key of `ready`, and a job that
-- may not go never stands in front of one that may. How many are out is never counted up and down
-- but read off `lease` itself, which cannot leak: a slot is taken exactly while its lease exists.
-- ADR 0030.

alter table job add column concurrency_key text not null default '';

alter table ready
  add column source text not null default '',
  add column concurrency_key text not null default '';
alter table ready drop constraint ready_pkey;
alter table ready
  add primary key (tenant, queue, job_type, priority, source, concurrency_key, seq);

alter table lease
  add column source text not null default '',
  add column concurrency_key text not null default '';

-- What was written before knows its source only in the job's row.
update ready r set source = j.source from job j
  where j.tenant = r.tenant and j.id = r.job_id and j.source <> '';
update lease l set source = j.source from job j
  where j.tenant = l.tenant and j.id = l.job_id and j.source <> '';

-- The check of this key read the job's row and locked it, which writes to its page, at every
-- completion: 7 of 25 µs. The tests that look for orphans look here too.
alter table attempt drop constraint attempt_tenant_job_id_fkey;

create table source (
  tenant     text not null check (tenant ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
  name       text not null,
  -- type, host, labels, project, objectives: read as a whole, so kept as a whole.
  properties jsonb not null,
  host       text not null check (host <> ''),
  type       text not null,
  version    bigint not null check (version > 0),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant, name)
);

create table flow_settings (
  tenant     text not null check (tenant ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
  kind       text not null
    check (kind in ('tenant', 'queue', 'job_type', 'source', 'host', 'concurrency_key')),
  name       text not null check ((kind = 'tenant') = (name = '')),
  -- server/src/domain/flow/settings.ts has the shape.
  settings   jsonb not null,
  version    bigint not null check (version > 0),
  updated_at timestamptz not null default now(),
  primary key (tenant, kind, name)
);

-- Append only: who changed what about settings and sources, when and why.
create table flow_change (
  tenant  text not null,
  id      bigint generated always as identity,
  at      timestamptz not null default clock_timestamp(),
  kind    text not null check (kind in ('settings_updated', 'paused', 'resumed', 'source_created',
    'source_updated')),
  scope_kind text not null,
  scope_name text not null,
  actor   text not null,
  reason  text not null,
  ticket  text not null,
  before  jsonb,
  after   jsonb not null,
  primary key (tenant, id)
);
create index flow_change_scope on flow_change (tenant, scope_kind, scope_name, id);

-- Grows with every change of a tenant's settings and sources, in the change's transaction: what
-- replicas compare to find out that they must read them again. Versions of settings and sources
-- are taken from it too, so that an etag never comes back.
create table flow_version (
  tenant  text primary key,
  version bigint not null
);

-- What limiters and breakers found out, where there is no Valkey to keep it.
create table flow_state (
  tenant  text not null,
  key     text not null,
  state   jsonb not null,
  primary key (tenant, key)
) with (fillfactor = 70);

-- What a tenant used of a quota that is about time, by window.
create table flow_usage (
  tenant       text not null,
  quota        text not null,
  window_start timestamptz not null,
  used         bigint not null,
  primary key (tenant, quota, window_start)
) with (fillfactor = 70);

grant select, insert, update on source, flow_version to orch_app;
grant select, insert, update, delete on flow_settings, flow_state, flow_usage to orch_app;
grant select, insert on flow_change to orch_app;
grant select, delete on flow_usage to orch_loops;

do $$
declare t text;
begin
  foreach t in array array['source', 'flow_settings', 'flow_change', 'flow_version', 'flow_state',
      'flow_usage'] loop
    execute format('alter table %I enable row level security', t);
    execute format('create policy tenants_of_the_transaction on %I to orch_app
      using (array_position((select orch_tenants()), tenant) is not null)
      with check (array_position((select orch_tenants()), tenant) is not null)', t);
  end loop;
end $$;
create policy what_is_old on flow_usage to orch_loops using (true);

-- The same rule as in 0001, as a comparison with one constant. The expression of a check is read
-- anew by every statement that writes to the table, and 24 comparisons of rows cost a quarter of a
-- millisecond each time: more than all else that a statement about one job does.
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
    cancelled:running:cancelled,retried:dead:ready,retried:scheduled:ready
  }'::text[])
);
