import { CLAIM_SIZES } from "../app/bridge/claim.ts";
import { LANE, type LaneRow, laneOf } from "./lane.sql.ts";
import { type Statement, sql } from "./sql.ts";

/** What a claim takes. The range arrays have the same length. */
export type ClaimParams = readonly [
  tenant: string,
  queues: string[],
  jobTypes: string[],
  priorities: number[],
  sources: string[],
  concurrencyKeys: string[],
  /** Larger goes first; ranges of the same rank go by age. */
  ranks: number[],
  after: number[],
  upTo: number[],
  limits: number[],
  ttlsMs: number[],
  deadlinesMs: number[],
  maxPayloadBytes: number,
  tokens: string[],
  workerId: string,
  sessionId: string | null,
  state: "offered" | "running",
  offerDeadlineMs: number,
];

/** A claimed job with everything that its offer says. */
export interface ClaimedJob extends LaneRow {
  readonly job_id: string;
  readonly attempt: number;
  readonly lease_epoch: number;
  readonly token: string;
  readonly seq: number;
  readonly ttl_ms: number;
  readonly deadline_ms: number;
  readonly project: string;
  readonly payload: Buffer | null;
  readonly payload_media_type: string;
  readonly payload_artifact: Buffer | null;
  readonly labels: Record<string, string> | null;
  readonly correlation_id: string | null;
  readonly traceparent: string | null;
  readonly tracestate: string | null;
  readonly run_id: string | null;
  readonly name: string | null;
  readonly window_scope: string | null;
  readonly window_start: Date | null;
  readonly window_end: Date | null;
  readonly created_at: Date;
  readonly checkpoint: Buffer | null;
}

/** A row of a claim: there is always one; without a job its columns are null. */
export type ClaimRow = (ClaimedJob | { readonly job_id: null }) & {
  /** How many jobs the claim looked at. */
  readonly seen: number;
};

/**
 * A claim ends with the payload or checkpoint that reaches this, in bytes, so that its offers fit
 * into one message: the largest that clients read by default is 4 MiB.
 */
export const MAX_CLAIM_BYTES = 2 * 1024 * 1024;

const OF_THE_JOB = `j.project, j.payload, j.payload_media_type, j.payload_artifact, j.labels,
    j.correlation_id, j.traceparent, j.tracestate, j.run_id, j.name, j.window_scope,
    j.window_start, j.window_end, j.created_at`;

/** The columns of {@link ClaimedJob}, over `lease l`, `job j` and `progress p`. */
export const CLAIMED = `l.job_id, l.attempt, l.lease_epoch, l.token, ${laneOf("l")}, l.seq,
  l.ttl_ms, l.deadline_ms, ${OF_THE_JOB}, p.checkpoint`;

/** Heads of the ranges, without locks: twice as many as a claim of this size takes. */
const seenIn = (size: number): string => `
seen as materialized (
  select r.place, l.rank, l.ttl_ms, l.deadline_ms, r.seq
  from unnest($2::text[], $3::text[], $4::smallint[], $5::text[], $6::text[], $7::integer[],
      $8::bigint[], $9::bigint[], $10::integer[], $11::integer[], $12::integer[])
    as l (${LANE}, rank, after, up_to, lim, ttl_ms, deadline_ms)
  cross join lateral (
    select * from (
      select ready.ctid as place, ready.seq from ready
      where tenant = $1 and queue = l.queue and job_type = l.job_type and priority = l.priority
        and source = l.source and concurrency_key = l.concurrency_key
        and seq > l.after and seq <= l.up_to and payload_bytes <= $13
      order by seq limit ${2 * size}
    ) head limit l.lim
  ) r
  order by l.rank desc, r.seq limit ${2 * size}
)`;

/**
 * Takes jobs out of ranges of lanes: by rank, then by age. Each lane is read from its watermark
 * on, so that dead tuples at its beginning (there are many while an old transaction is open) are
 * never walked over again. Twice as many are looked at as are taken, without locks, and the first
 * that nobody else holds are locked: claims of several replicas at once get different jobs, and
 * nothing is locked, which is to say written to, that is not taken. `size` stands in the text:
 * with a parameter the planner sorts the whole lane (evidence: 85-250 ms a claim at 1 M rows).
 */
const claim = (size: number): Statement<ClaimParams, ClaimRow> =>
  sql(
    `claim_jobs_${size}`,
    `
with ${seenIn(size)},
held as materialized (
  select r.ctid as place, s.rank, s.ttl_ms, s.deadline_ms, r.seq, r.payload_bytes,
    r.job_id, r.lease_epoch
  from seen s join ready r on r.ctid = s.place
  order by s.rank desc, s.seq limit ${size} for update of r skip locked
),
picked as (
  select * from (
    select *, sum(bytes) over (order by rank desc, seq) - bytes as before
    from (
      select h.*,
        -- Only who had the job before can have left a checkpoint.
        h.payload_bytes + case when h.lease_epoch > 1 then coalesce((
          select length(p.checkpoint) from progress p where p.tenant = $1 and p.job_id = h.job_id
        ), 0) else 0 end as bytes
      from held h
    ) weighed
  ) c where before < ${MAX_CLAIM_BYTES}
),
taken as (
  delete from ready r using picked p where r.ctid = p.place
  returning r.*, p.rank, p.ttl_ms, p.deadline_ms
),
numbered as materialized (
  select t.tenant, t.job_id, t.lease_epoch, t.attempt, ${laneOf("t")}, t.seq, t.payload_bytes,
    t.linked, t.ttl_ms, coalesce(j.attempt_deadline_ms, t.deadline_ms) as deadline_ms,
    t.position, ($14::text[])[t.position] as token, ${OF_THE_JOB}
  from (select *, row_number() over (order by rank desc, seq) as position from taken) t
  join job j on j.tenant = t.tenant and j.id = t.job_id
),
leased as (
  insert into lease (tenant, job_id, lease_epoch, attempt, token, state, worker_id, session_id,
    ${LANE}, seq, payload_bytes, linked, ttl_ms, deadline_ms, started_at, expires_at, deadline_at)
  select tenant, job_id, lease_epoch, attempt, token, $17, $15, $16, ${LANE}, seq, payload_bytes,
    linked, ttl_ms, deadline_ms,
    case when $17 = 'running' then now() end,
    now() + (case when $17 = 'running' then ttl_ms else $18 end) * interval '1 ms',
    case when $17 = 'running' then now() + deadline_ms * interval '1 ms' end
  from numbered
),
events as (
  insert into job_event (tenant, job_id, kind, from_state, to_state, attempt, lease_epoch,
    worker_id, actor)
  select tenant, job_id, case when $17 = 'running' then 'started' else 'offered' end, 'ready',
    $17, attempt, lease_epoch, $15, case when $17 = 'running' then 'worker' else 'dispatcher' end
  from numbered
)
select n.*, p.checkpoint, s.count as seen
from (select count(*)::integer from seen) s
left join numbered n on true
left join progress p on n.lease_epoch > 1 and p.tenant = n.tenant and p.job_id = n.job_id
order by n.position`,
  );

/** One statement per claim size. */
export const claimStatements: ReadonlyMap<number, Statement<ClaimParams, ClaimRow>> = new Map(
  CLAIM_SIZES.map((size) => [size, claim(size)]),
);

/**
 * Up to $2 lanes of a tenant that have work, in the order of their keys after the given one, each
 * with its lowest sequence number. A loose index scan: it costs a few index probes per lane,
 * however many jobs are ready.
 */
export const discoverLanes = sql<
  readonly [
    tenant: string,
    limit: number,
    queue: string,
    jobType: string,
    priority: number,
    source: string,
    concurrencyKey: string,
  ],
  LaneRow & { readonly seq: number }
>(
  "discover_lanes",
  `
with recursive lane as (
  (select ${LANE}, seq from ready
   where tenant = $1 and (${LANE}) > ($3, $4, $5::smallint, $6, $7)
   order by ${LANE}, seq limit 1)
  union all
  select next.* from lane cross join lateral (
    select ${laneOf("r")}, r.seq from ready r
    where r.tenant = $1 and (${laneOf("r")}) > (${laneOf("lane")})
    order by ${laneOf("r")}, r.seq limit 1
  ) next
)
select * from lane limit $2::integer`,
);

/** The ready jobs of a lane after a sequence number, in order: what a shared queue is made of. */
export const laneSeqs = sql<
  readonly [
    tenant: string,
    queue: string,
    jobType: string,
    priority: number,
    source: string,
    concurrencyKey: string,
    after: number,
    limit: number,
  ],
  { readonly seq: number }
>(
  "lane_seqs",
  `
select seq from ready
where tenant = $1 and queue = $2 and job_type = $3 and priority = $4::smallint and source = $5
  and concurrency_key = $6 and seq > $7
order by seq limit $8`,
);
