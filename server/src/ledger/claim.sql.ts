import { type Statement, sql } from "./sql.ts";

/** What a claim takes. The lane arrays have the same length. */
export type ClaimParams = readonly [
  tenant: string,
  queues: string[],
  jobTypes: string[],
  priorities: number[],
  watermarks: number[],
  ttlsMs: number[],
  deadlinesMs: number[],
  limit: number,
  maxPayloadBytes: number,
  tokens: string[],
  workerId: string,
  sessionId: string | null,
  state: "offered" | "running",
  offerDeadlineMs: number,
];

/** A claimed job with everything that its offer says. */
export interface ClaimedJob {
  readonly job_id: string;
  readonly attempt: number;
  readonly lease_epoch: number;
  readonly token: string;
  readonly queue: string;
  readonly job_type: string;
  readonly priority: number;
  readonly seq: number;
  readonly ttl_ms: number;
  readonly deadline_ms: number;
  readonly project: string;
  readonly source: string;
  readonly payload: Buffer | null;
  readonly payload_media_type: string;
  readonly payload_artifact: Buffer | null;
  readonly labels: Record<string, string> | null;
  readonly correlation_id: string | null;
  readonly traceparent: string | null;
  readonly tracestate: string | null;
  readonly run_id: string | null;
  readonly name: string | null;
  readonly created_at: Date;
  readonly checkpoint: Buffer | null;
}

/**
 * A claim ends with the payload or checkpoint that reaches this, in bytes, so that its offers fit
 * into one message: the largest that clients read by default is 4 MiB.
 */
export const MAX_CLAIM_BYTES = 2 * 1024 * 1024;

/**
 * Takes jobs off the head of lanes: by priority, then by age. Each lane is read from its watermark
 * on, so that dead tuples at its beginning (there are many while an old transaction is open) are
 * never walked over again. `limit` is written into the text: with a parameter the planner sorts
 * the whole lane (evidence: 85-250 ms a claim at 1 M rows).
 */
const claim = (limit: number): Statement<ClaimParams, ClaimedJob> =>
  sql(
    `claim_jobs_${limit}`,
    `
with candidates as (
  select r.place, l.ttl_ms, l.deadline_ms, r.priority, r.seq,
    -- Only who had the job before can have left a checkpoint: nothing is looked up for new ones.
    r.payload_bytes + case when r.lease_epoch > 1 then coalesce((
      select length(p.checkpoint) from progress p where p.tenant = $1 and p.job_id = r.job_id
    ), 0) else 0 end as bytes
  from unnest($2::text[], $3::text[], $4::smallint[], $5::bigint[], $6::integer[], $7::integer[])
    as l (queue, job_type, priority, watermark, ttl_ms, deadline_ms)
  cross join lateral (
    select ready.ctid as place, ready.payload_bytes, ready.priority, ready.seq, ready.job_id,
      ready.lease_epoch from ready
    where tenant = $1 and queue = l.queue and job_type = l.job_type and priority = l.priority
      and seq > l.watermark and payload_bytes <= $9
    order by seq limit ${limit} for update skip locked
  ) r
  order by r.priority desc, r.seq limit $8
),
picked as (
  select * from (
    select *, sum(bytes) over (order by priority desc, seq) - bytes as before
    from candidates
  ) c where before < ${MAX_CLAIM_BYTES}
),
taken as (
  delete from ready r using picked p where r.ctid = p.place
  returning r.*, p.ttl_ms, p.deadline_ms
),
numbered as (
  select *, row_number() over (order by priority desc, seq) as position from taken
),
leased as (
  insert into lease (tenant, job_id, lease_epoch, attempt, token, state, worker_id, session_id,
    queue, job_type, priority, seq, payload_bytes, in_run, ttl_ms, deadline_ms, started_at,
    expires_at, deadline_at)
  select n.tenant, n.job_id, n.lease_epoch, n.attempt, ($10::text[])[n.position], $13, $11, $12,
    n.queue, n.job_type, n.priority, n.seq, n.payload_bytes, n.in_run, n.ttl_ms,
    coalesce(j.attempt_deadline_ms, n.deadline_ms),
    case when $13 = 'running' then now() end,
    now() + (case when $13 = 'running' then n.ttl_ms else $14 end) * interval '1 ms',
    case when $13 = 'running'
      then now() + coalesce(j.attempt_deadline_ms, n.deadline_ms) * interval '1 ms' end
  from numbered n join job j on j.tenant = n.tenant and j.id = n.job_id
  returning *
),
events as (
  insert into job_event (tenant, job_id, kind, from_state, to_state, attempt, lease_epoch,
    worker_id, actor)
  select tenant, job_id, case when $13 = 'running' then 'started' else 'offered' end, 'ready',
    $13, attempt, lease_epoch, worker_id,
    case when $13 = 'running' then 'worker' else 'dispatcher' end
  from leased
)
select l.job_id, l.attempt, l.lease_epoch, l.token, l.queue, l.job_type, l.priority, l.seq,
  l.ttl_ms, l.deadline_ms, j.project, j.source, j.payload, j.payload_media_type,
  j.payload_artifact, j.labels, j.correlation_id, j.traceparent, j.tracestate, j.run_id, j.name,
  j.created_at, p.checkpoint
from leased l
join job j on j.tenant = l.tenant and j.id = l.job_id
left join progress p on l.lease_epoch > 1 and p.tenant = l.tenant and p.job_id = l.job_id
order by l.priority desc, l.seq`,
  );

/**
 * Claim sizes that have a statement of their own. A claim takes the largest that its slots allow
 * and comes again for the rest: a larger one would lock, and so write to, rows it does not take.
 */
export const CLAIM_SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256] as const;

/** One statement per claim size. */
export const claimStatements: ReadonlyMap<number, Statement<ClaimParams, ClaimedJob>> = new Map(
  CLAIM_SIZES.map((size) => [size, claim(size)]),
);

/**
 * The lanes of a tenant that have work, each with its lowest sequence number. A loose index scan:
 * it costs a few index probes per lane, however many jobs are ready.
 */
export const discoverLanes = sql<
  readonly [tenant: string],
  {
    readonly queue: string;
    readonly job_type: string;
    readonly priority: number;
    readonly seq: number;
  }
>(
  "discover_lanes",
  `
with recursive lane as (
  (select queue, job_type, priority, seq from ready where tenant = $1
   order by queue, job_type, priority, seq limit 1)
  union all
  select next.* from lane cross join lateral (
    select r.queue, r.job_type, r.priority, r.seq from ready r
    where r.tenant = $1 and (r.queue, r.job_type, r.priority) >
      (lane.queue, lane.job_type, lane.priority)
    order by r.queue, r.job_type, r.priority, r.seq limit 1
  ) next
)
select * from lane`,
);

/** Remembers what a unary claim is about to answer; nothing if the id was used before. */
export const openReceipt = sql<
  readonly [tenant: string, requestId: string, workerId: string],
  { readonly request_id: string }
>(
  "open_claim_receipt",
  `
insert into claim_receipt (tenant, request_id, worker_id, job_ids, epochs)
values ($1, $2, $3, '{}', '{}')
on conflict (tenant, request_id) do nothing
returning request_id`,
);

/** Writes the answer into the receipt. */
export const fillReceipt = sql<
  readonly [tenant: string, requestId: string, jobIds: string[], epochs: number[]],
  never
>(
  "fill_claim_receipt",
  "update claim_receipt set job_ids = $3, epochs = $4 where tenant = $1 and request_id = $2",
);

/** Whether a request id was used. */
export const knownReceipt = sql<
  readonly [tenant: string, requestId: string],
  { readonly request_id: string }
>(
  "known_claim_receipt",
  "select request_id from claim_receipt where tenant = $1 and request_id = $2",
);

/** Takes back the receipt of a claim that found nothing. */
export const dropReceipt = sql<readonly [tenant: string, requestId: string], never>(
  "drop_claim_receipt",
  "delete from claim_receipt where tenant = $1 and request_id = $2",
);

/** The leases of an earlier answer that are still current. */
export const receiptLeases = sql<
  readonly [tenant: string, requestId: string, workerId: string],
  ClaimedJob
>(
  "claim_receipt_leases",
  `
select l.job_id, l.attempt, l.lease_epoch, l.token, l.queue, l.job_type, l.priority, l.seq,
  l.ttl_ms, l.deadline_ms, j.project, j.source, j.payload, j.payload_media_type,
  j.payload_artifact, j.labels, j.correlation_id, j.traceparent, j.tracestate, j.run_id, j.name,
  j.created_at, p.checkpoint
from claim_receipt c
cross join lateral unnest(c.job_ids, c.epochs) with ordinality
  as given (job_id, lease_epoch, position)
join lease l on l.tenant = c.tenant and l.job_id = given.job_id
  and l.lease_epoch = given.lease_epoch and l.state = 'running'
join job j on j.tenant = l.tenant and j.id = l.job_id
left join progress p on l.lease_epoch > 1 and p.tenant = l.tenant and p.job_id = l.job_id
where c.tenant = $1 and c.request_id = $2 and c.worker_id = $3
order by given.position`,
);
