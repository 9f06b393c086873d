import type { QueryResultRow } from "pg";
import type { AttemptRow, EdgeRow, EventRow, JobRow, TokenRow, Unfinished } from "./history.ts";
import { rows } from "./plan-ledger.ts";

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
  concurrency_key as "concurrencyKey", run_id as "runId", name, skipped,
  case when base_state = 'blocked' then unmet end as unmet, window_scope as scope,
  ${MS("window_start")} as "windowStartMs", ${MS("window_end")} as "windowEndMs",
  labels ->> 'orchestrator/nominal-time' as nominal
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
  lease_epoch::float8 as "leaseEpoch", worker_id as "workerId", actor
from job_event order by id`;

const TOKENS = `
select tenant, job_id as "jobId", 'ready' as place from ready
union all select tenant, job_id, 'lease' from lease
union all select tenant, job_id, 'scheduled' from scheduled`;

const EDGES = `
select tenant, from_job as "fromJob", to_job as "toJob", on_failure as "onFailure",
  condition, include_fan_out as "includeFanOut", settled
from edge`;

/** Reads all of it. `maxAttempts` is for jobs without a retry policy of their own. */
export async function readLedger(query: Query, maxAttempts: number): Promise<LedgerHistory> {
  return {
    jobs: await rows<JobRow>(query, JOBS, [maxAttempts]),
    attempts: await rows<AttemptRow>(query, ATTEMPTS),
    events: await rows<EventRow>(query, EVENTS),
    tokens: await rows<TokenRow>(query, TOKENS),
    edges: await rows<EdgeRow>(query, EDGES),
  };
}

/**
 * What has not finished and should: jobs with a token, or blocked by nothing but what can still
 * end; and what makes or changes jobs by itself. What a dead parent holds back on purpose is not
 * among them.
 */
const UNFINISHED = `
with recursive token as (${TOKENS}),
stuck as (
  select e.tenant, e.to_job as id from edge e
  join job p on p.tenant = e.tenant and p.id = e.from_job
  where e.condition = 'success' and e.on_failure = 'hold' and not e.settled
    and (p.base_state = 'dead' or p.base_state = 'cancelled' and not p.skipped)
  union
  select e.tenant, e.to_job from edge e join stuck s on s.tenant = e.tenant and s.id = e.from_job
  where not e.settled
)
select tenant, "jobId", 'job, ' || place as what from token
union all
select j.tenant, j.id, 'job, blocked' from job j where j.base_state = 'blocked'
  and not exists (select from stuck s where s.tenant = j.tenant and s.id = j.id)
union all
select tenant, job_id, 'what the end of a job means' from cascade
union all
select tenant, null, 'operation ' || kind || ' ' || id from operation where state = 'running'
union all
select tenant, null, 'backfill ' || state || ' ' || id from backfill
where state in ('running', 'paused', 'cancelling')
union all
select tenant, null, 'run that is being written ' || id from run where building
union all
select tenant, null, 'schedule ' || name from schedule
union all
select tenant, null, 'queued firing of ' || schedule from firing where outcome = 'queued'`;

/** See {@link Unfinished}. */
export const findUnfinished = (query: Query): Promise<Unfinished[]> => rows(query, UNFINISHED);

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
