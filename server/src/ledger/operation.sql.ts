import type { JobState } from "../domain/job-machine.ts";
import type { OperationKind } from "../domain/operation.ts";
import { sql } from "./sql.ts";

/** Notes an operation; no row if the id is taken. */
export const insertOperation = sql<
  readonly [
    tenant: string,
    id: string,
    kind: string,
    request: string,
    requestDigest: Buffer,
    actor: string,
    reason: string,
    ticket: string,
    runId: string | null,
    matching: number,
  ],
  { readonly id: string }
>(
  "insert_operation",
  `
insert into operation (tenant, id, kind, state, request, request_digest, actor, reason, ticket,
  run_id, matching)
values ($1, $2, $3, 'running', $4, $5, $6, $7, $8, $9, $10)
on conflict (tenant, id) do nothing returning id`,
);

/** What an operation was asked for. */
export const operationDigest = sql<
  readonly [tenant: string, id: string],
  { readonly request_digest: Buffer }
>("operation_digest", "select request_digest from operation where tenant = $1 and id = $2");

/** An operation as it stands. */
export interface OperationViewRow {
  readonly tenant: string;
  readonly id: string;
  readonly kind: OperationKind;
  readonly state: "running" | "done" | "stopped";
  readonly actor: string;
  readonly reason: string;
  readonly ticket: string;
  readonly run_id: string | null;
  readonly matching: number;
  readonly applied: number;
  readonly unchanged: number;
  readonly refused: number;
  readonly created_at: Date;
  readonly created_us: number;
  readonly finished_at: Date | null;
}

const VIEW = `tenant, id, kind, state, actor, reason, ticket, run_id, matching, applied, unchanged,
  refused, created_at, (extract(epoch from created_at) * 1000000)::bigint as created_us,
  finished_at`;

/** One operation. */
export const readOperation = sql<readonly [tenant: string, id: string], OperationViewRow>(
  "read_operation",
  `select ${VIEW} from operation where tenant = $1 and id = $2`,
);

/** Up to 1,001 operations that began before one, newest first. */
export const listOperations = sql<
  readonly [tenant: string, beforeUs: number, beforeId: string, runningOnly: boolean],
  OperationViewRow
>(
  "list_operations",
  `
select ${VIEW} from operation
where tenant = $1
  and (created_at, id) < (timestamptz 'epoch' + $2::bigint * interval '1 us', $3::uuid)
  and (not $4 or state = 'running')
order by created_at desc, id desc limit 1001`,
);

/** What became of a job. */
export interface ResultRow {
  readonly job_id: string;
  readonly outcome: "applied" | "unchanged" | "refused";
  readonly reason: string;
  /** Empty: there is no such job. */
  readonly state: JobState | "";
}

/** Up to 1,001 results after one, in the order of the jobs' ids. */
export const listResults = sql<
  readonly [tenant: string, operationId: string, afterJobId: string | null, outcome: string | null],
  ResultRow
>(
  "list_operation_results",
  `
select job_id, outcome, reason, state from operation_result
where tenant = $1 and operation_id = $2
  and ($3::uuid is null or job_id > $3)
  and ($4::text is null or outcome = $4)
order by job_id limit 1001`,
);

/** Stops an operation that runs and is not about a run. */
export const stopOperation = sql<readonly [tenant: string, id: string], { readonly id: string }>(
  "stop_operation",
  `
update operation set state = 'stopped', finished_at = now()
where tenant = $1 and id = $2 and state = 'running' and run_id is null returning id`,
);

/** The operation of a tenant that has been due for the longest, apart from these. */
export const takeDueOperation = sql<
  readonly [tenant: string, except: string[]],
  {
    readonly tenant: string;
    readonly id: string;
    readonly kind: OperationKind;
    readonly request: unknown;
    readonly progress: unknown;
    readonly actor: string;
    readonly reason: string;
    readonly ticket: string;
    readonly run_id: string | null;
  }
>(
  "take_due_operation",
  `
select tenant, id, kind, request, progress, actor, reason, ticket, run_id from operation
where tenant = $1 and state = 'running' and next_at <= now() and id <> all ($2::uuid[])
order by next_at limit 1 for update skip locked`,
);

/** Notes what a step did. */
export const noteStep = sql<
  readonly [
    tenant: string,
    id: string,
    progress: string,
    restMs: number,
    done: boolean,
    jobIds: string[],
    outcomes: string[],
    reasons: string[],
    states: string[],
  ],
  never
>(
  "note_operation_step",
  `
with results as (
  insert into operation_result (tenant, operation_id, job_id, outcome, reason, state)
  select $1, $2, * from unnest($6::uuid[], $7::text[], $8::text[], $9::text[])
  returning outcome
),
counts as (
  select count(*) filter (where outcome = 'applied') as applied,
    count(*) filter (where outcome = 'unchanged') as unchanged,
    count(*) filter (where outcome = 'refused') as refused
  from results
)
update operation o set progress = $3, applied = o.applied + c.applied,
  unchanged = o.unchanged + c.unchanged, refused = o.refused + c.refused,
  next_at = now() + $4::double precision * interval '1 ms',
  state = case when $5 then 'done' else o.state end,
  finished_at = case when $5 then now() end
from counts c where o.tenant = $1 and o.id = $2`,
);

/** Runs as orch_loops: the tenants with operations that are due, the longest due first. */
export const tenantsWithDueOperations = sql<readonly [], { readonly tenant: string }>(
  "loops_tenants_with_due_operations",
  `
select tenant, min(next_at) as since from (
  select tenant, next_at from operation where state = 'running' and next_at <= now()
  order by next_at limit 1000
) due group by tenant order by since limit 100`,
);

/** Runs as orch_loops: how long until the next operation is due, in milliseconds. */
export const nextDueOperation = sql<readonly [], { readonly due_in_ms: number | null }>(
  "loops_next_due_operation",
  `
select (extract(epoch from min(next_at) - now()) * 1000)::double precision as due_in_ms
from operation where state = 'running'`,
);
