import type { QueryResultRow } from "pg";
import type { AttemptRow, EdgeRow, EventRow, JobRow, TokenRow } from "./history.ts";

/** Runs a statement as the owner of the ledger. */
export type Query = <Row extends QueryResultRow>(
  text: string,
  values?: unknown[],
) => Promise<Row[]>;

/** What the ledger holds at the end of a run. */
export interface LedgerHistory {
  readonly jobs: readonly JobRow[];
  readonly attempts: readonly AttemptRow[];
  readonly events: readonly EventRow[];
  readonly tokens: readonly TokenRow[];
  readonly edges: readonly EdgeRow[];
}

// bigint comes as a number or as text, as the process has set it up: cast where it matters.
const MS = (column: string) => `(extract(epoch from ${column}) * 1000)::float8`;

const JOBS = `
select tenant, id, job_type as "jobType", idempotency_key as "idempotencyKey",
  convert_from(payload, 'UTF8')::jsonb ->> 'nonce' as nonce, base_state as "baseState",
  end_reason as "endReason", budget_from_attempt as "budgetFromAttempt",
  coalesce((retry ->> 'maxAttempts')::integer, $1) as "maxAttempts", priority, source,
  concurrency_key as "concurrencyKey"
from job order by id`;

const ATTEMPTS = `
select tenant, job_id as "jobId", attempt, lease_epoch::float8 as "leaseEpoch",
  worker_id as "workerId", outcome, failure_class as "failureClass",
  coalesce(terminal, false) as terminal, completion_id as "completionId",
  ${MS("started_at")} as "startedMs", ${MS("ended_at")} as "endedMs"
from attempt order by job_id, attempt`;

const EVENTS = `
select tenant, job_id as "jobId", id::float8 as id, ${MS("at")} as "atMs", kind,
  from_state as "fromState", to_state as "toState", attempt,
  lease_epoch::float8 as "leaseEpoch", worker_id as "workerId"
from job_event order by id`;

const TOKENS = `
select tenant, job_id as "jobId", 'ready' as place from ready
union all select tenant, job_id, 'lease' from lease
union all select tenant, job_id, 'scheduled' from scheduled`;

const EDGES = `
select tenant, from_job as "fromJob", to_job as "toJob", on_failure as "onFailure" from edge`;

/** Reads all of it. `maxAttempts` is for jobs without a retry policy of their own. */
export async function readLedger(query: Query, maxAttempts: number): Promise<LedgerHistory> {
  return {
    jobs: withoutNulls(await query<JobRow>(JOBS, [maxAttempts])),
    attempts: withoutNulls(await query<AttemptRow>(ATTEMPTS)),
    events: withoutNulls(await query<EventRow>(EVENTS)),
    tokens: await query<TokenRow>(TOKENS),
    edges: await query<EdgeRow>(EDGES),
  };
}

function withoutNulls<Row extends object>(rows: readonly Row[]): Row[] {
  return rows.map(
    (row) => Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)) as Row,
  );
}

/**
 * Jobs that have not finished and should: with a token, or blocked by nothing but what can still
 * succeed. What a dead parent holds back on purpose is not among them.
 */
const UNFINISHED = `
with recursive token as (${TOKENS}),
stuck as (
  select e.tenant, e.to_job as id from edge e
  join job p on p.tenant = e.tenant and p.id = e.from_job
  where e.on_failure = 'hold' and p.base_state in ('dead', 'cancelled')
  union
  select e.tenant, e.to_job from edge e join stuck s on s.tenant = e.tenant and s.id = e.from_job
)
select tenant, "jobId" from token
union all
select j.tenant, j.id from job j where j.base_state = 'blocked'
  and not exists (select from stuck s where s.tenant = j.tenant and s.id = j.id)`;

/** See {@link Drain.unfinished}. */
export const findUnfinished = (query: Query): Promise<{ tenant: string; jobId: string }[]> =>
  query(UNFINISHED);

/** How many jobs stand where, for the progress line. */
export interface Standing {
  readonly jobs: number;
  readonly ready: number;
  readonly leased: number;
  readonly scheduled: number;
  readonly ended: number;
}

/** Counts; slow on a ledger of millions, which a run's is not. */
export async function readStanding(query: Query): Promise<Standing> {
  const [row] = await query<Standing>(`
select (select count(*) from job)::integer as jobs, (select count(*) from ready)::integer as ready,
  (select count(*) from lease)::integer as leased,
  (select count(*) from scheduled)::integer as scheduled,
  (select count(*) from attempt where outcome = 'succeeded')::integer
    + (select count(*) from job where base_state in ('dead', 'cancelled'))::integer as ended`);
  return row ?? { jobs: 0, ready: 0, leased: 0, scheduled: 0, ended: 0 };
}
