import { LANE } from "./lane.sql.ts";
import { sql } from "./sql.ts";

/** Columns of new jobs, one array per column, all of the same length. */
export type JobColumns = readonly [
  tenants: string[],
  ids: string[],
  jobTypes: string[],
  queues: string[],
  priorities: number[],
  projects: string[],
  sources: string[],
  payloads: (Buffer | null)[],
  payloadMediaTypes: string[],
  payloadArtifacts: (Buffer | null)[],
  contentDigests: Buffer[],
  idempotencyKeys: (string | null)[],
  labels: (string | null)[],
  notBefore: (Date | null)[],
  retries: (string | null)[],
  attemptDeadlinesMs: (number | null)[],
  correlationIds: (string | null)[],
  traceparents: (string | null)[],
  tracestates: (string | null)[],
  runIds: (string | null)[],
  names: (string | null)[],
  unmet: number[],
  concurrencyKeys: string[],
  runPositions: (number | null)[],
  windowScopes: (string | null)[],
  windowStarts: (Date | null)[],
  windowEnds: (Date | null)[],
];

/** A job that was written; one that is missing was there already. */
export interface InsertedJob {
  readonly job_id: string;
  readonly tenant: string;
  readonly base_state: "blocked" | "scheduled" | "ready";
  /** The place in its lane, if it is ready. */
  readonly seq: number | null;
}

const INPUT = `
  select i.*, case
      when i.unmet > 0 then 'blocked'
      when i.not_before > now() then 'scheduled'
      else 'ready' end as base_state
  from unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::smallint[], $6::text[],
      $7::text[], $8::bytea[], $9::text[], $10::bytea[], $11::bytea[], $12::text[], $13::jsonb[],
      $14::timestamptz[], $15::jsonb[], $16::integer[], $17::text[], $18::text[], $19::text[],
      $20::uuid[], $21::text[], $22::integer[], $23::text[], $24::integer[], $25::text[],
      $26::timestamptz[], $27::timestamptz[])
    with ordinality as i (tenant, id, job_type, queue, priority, project, source, payload,
      payload_media_type, payload_artifact, content_digest, idempotency_key, labels, not_before,
      retry, attempt_deadline_ms, correlation_id, traceparent, tracestate, run_id, name, unmet,
      concurrency_key, run_position, window_scope, window_start, window_end, position)`;

/**
 * Writes jobs with their tokens and first events. A job whose id is taken is left out, silently:
 * look it up afterwards, in a statement that sees what others committed meanwhile.
 */
export const insertJobs = sql<JobColumns, InsertedJob>(
  "insert_jobs",
  `
with input as materialized (${INPUT}),
job_rows as (
  insert into job (tenant, id, job_type, queue, priority, project, source, payload,
    payload_media_type, payload_artifact, content_digest, idempotency_key, labels, not_before,
    retry, attempt_deadline_ms, correlation_id, traceparent, tracestate, run_id, run_position,
    name, unmet, base_state, concurrency_key, window_scope, window_start, window_end)
  select tenant, id, job_type, queue, priority, project, source, payload, payload_media_type,
    payload_artifact, content_digest, idempotency_key, labels, not_before, retry,
    attempt_deadline_ms, correlation_id, traceparent, tracestate, run_id,
    run_position, name, unmet, base_state, concurrency_key, window_scope, window_start, window_end
  from input order by position
  on conflict (tenant, id) do nothing
  returning tenant, id, base_state, ${LANE}, not_before, coalesce(length(payload), 0) as bytes,
    run_id is not null or window_start is not null as linked
),
ready_rows as (
  insert into ready (tenant, ${LANE}, job_id, attempt, lease_epoch, payload_bytes, linked)
  select tenant, ${LANE}, id, 1, 1, bytes, linked from job_rows where base_state = 'ready'
  returning tenant, job_id, seq
),
scheduled_rows as (
  insert into scheduled (tenant, job_id, run_at, attempt, lease_epoch)
  select tenant, id, not_before, 1, 1 from job_rows where base_state = 'scheduled'
),
events as (
  insert into job_event (tenant, job_id, kind, to_state, actor)
  select tenant, id, 'enqueued', base_state, 'producer' from job_rows
)
select job_id, tenant, 'ready' as base_state, seq from ready_rows
union all
select id, tenant, base_state, null from job_rows where base_state <> 'ready'`,
);

/** An idempotency key as it stands after an attempt to take it. */
export interface TakenKey {
  readonly tenant: string;
  readonly key: string;
}

/**
 * Takes idempotency keys; a key that is held and not over its time is left out. The keys must be
 * distinct, and sorted so that two batches cannot wait for each other.
 */
export const takeKeys = sql<
  readonly [
    tenants: string[],
    keys: string[],
    jobIds: string[],
    digests: Buffer[],
    retentionMs: number,
  ],
  TakenKey
>(
  "take_idempotency_keys",
  `
insert into idempotency_key (tenant, key, job_id, content_digest, expires_at)
select tenant, key, job_id, digest, now() + $5::bigint * interval '1 ms'
from unnest($1::text[], $2::text[], $3::uuid[], $4::bytea[]) as i (tenant, key, job_id, digest)
on conflict (tenant, key) do update
  set job_id = excluded.job_id, content_digest = excluded.content_digest,
      expires_at = excluded.expires_at
  where idempotency_key.expires_at <= now()
returning tenant, key`,
);

/** Who holds a key, or an id. */
export interface Holder {
  readonly tenant: string;
  readonly ref: string;
  readonly job_id: string;
  readonly content_digest: Buffer;
}

/** Looks up who holds idempotency keys. */
export const keyHolders = sql<readonly [tenants: string[], keys: string[]], Holder>(
  "key_holders",
  `
select k.tenant, k.key as ref, k.job_id, k.content_digest
from unnest($1::text[], $2::text[]) as i (tenant, key) join idempotency_key k using (tenant, key)`,
);

/** Looks up jobs by id. */
export const idHolders = sql<readonly [tenants: string[], ids: string[]], Holder>(
  "id_holders",
  `
select j.tenant, j.id::text as ref, j.id as job_id, j.content_digest
from unnest($1::text[], $2::uuid[]) as i (tenant, id) join job j using (tenant, id)`,
);

/** Gives back keys that were taken for jobs which then could not be written. */
export const dropKeys = sql<readonly [tenants: string[], keys: string[]], never>(
  "drop_idempotency_keys",
  `
delete from idempotency_key k using unnest($1::text[], $2::text[]) as i (tenant, key)
where k.tenant = i.tenant and k.key = i.key`,
);

/** Which of the artifacts the tenants have. */
export const presentArtifacts = sql<
  readonly [tenants: string[], digests: Buffer[]],
  { readonly tenant: string; readonly digest: Buffer }
>(
  "present_artifacts",
  `
select a.tenant, a.digest
from unnest($1::text[], $2::bytea[]) as i (tenant, digest) join artifact a using (tenant, digest)`,
);
