import { type ClaimParams, claimStatements } from "../../../server/src/ledger/claim.sql.ts";
import {
  type CompletionColumns,
  completeAttempts,
} from "../../../server/src/ledger/complete.sql.ts";
import { insertJobs, type JobColumns } from "../../../server/src/ledger/enqueue.sql.ts";
import { acceptOffers, type FenceColumns } from "../../../server/src/ledger/lease.sql.ts";
import type { Statement } from "../../../server/src/ledger/sql.ts";

// The server's own statements, by import, inside procedures that commit after every batch. So the
// bound cannot drift from what the server does: a parameter that is added does not compile here.

/** An expression of the procedure for each parameter of a statement. */
type Bound<Params extends readonly unknown[]> = { readonly [Index in keyof Params]: string };

/** Puts expressions in the place of parameters. */
function inline<Params extends readonly unknown[]>(
  statement: Statement<Params, unknown>,
  values: Bound<Params>,
): string {
  return statement.text.replaceAll(/\$(\d+)/g, (_, number) => {
    const value = values[Number(number) - 1];
    if (value === undefined) throw new Error(`${statement.name} has no parameter ${number}`);
    return value;
  });
}

/** The largest claim that the server would make for so many free slots. */
export const claimSize = (limit: number): number =>
  Math.max(...[...claimStatements.keys()].filter((size) => size <= limit), 1);

const JOB: Bound<JobColumns> = [
  "v_tenants",
  "v_ids",
  "v_types",
  "v_queues",
  "v_priorities",
  "v_texts",
  "v_texts",
  "v_payloads",
  "v_media",
  "v_no_bytes",
  "v_digests",
  "v_no_texts",
  "v_no_json",
  "v_no_times",
  "v_no_json",
  "v_no_ints",
  "v_no_texts",
  "v_no_texts",
  "v_no_texts",
  "v_no_ids",
  "v_no_texts",
  "v_zeros",
  "v_texts",
  "v_no_ints",
  "v_no_texts",
  "v_no_times",
  "v_no_times",
];

/** `call bench_enqueue(tenant, jobs, batch, age)`: writes ready jobs, a commit a batch. */
export const enqueueProcedure = (payload: string): string => `
create or replace procedure bench_enqueue(v_tenant text, v_jobs integer, v_batch integer,
  v_age interval)
language plpgsql as $bench$
declare
  v_left integer := v_jobs;
  v_row record;
  v_tenants text[]; v_ids uuid[]; v_types text[]; v_queues text[]; v_priorities smallint[];
  v_texts text[]; v_payloads bytea[]; v_media text[]; v_no_bytes bytea[]; v_digests bytea[];
  v_no_texts text[]; v_no_json jsonb[]; v_no_times timestamptz[]; v_no_ints integer[];
  v_no_ids uuid[]; v_zeros integer[];
begin
  while v_left > 0 loop
    if v_left < v_batch or v_tenants is null then
      v_batch := least(v_batch, v_left);
      v_tenants := array_fill(v_tenant, array[v_batch]);
      v_types := array_fill('bench.noop'::text, array[v_batch]);
      v_queues := array_fill('default'::text, array[v_batch]);
      v_priorities := array_fill(0::smallint, array[v_batch]);
      v_texts := array_fill(''::text, array[v_batch]);
      v_payloads := array_fill(convert_to('${payload}', 'UTF8'), array[v_batch]);
      v_media := array_fill('application/json'::text, array[v_batch]);
      v_no_bytes := array_fill(null::bytea, array[v_batch]);
      v_digests := array_fill(sha256('bench'), array[v_batch]);
      v_no_texts := array_fill(null::text, array[v_batch]);
      v_no_json := array_fill(null::jsonb, array[v_batch]);
      v_no_times := array_fill(null::timestamptz, array[v_batch]);
      v_no_ints := array_fill(null::integer, array[v_batch]);
      v_no_ids := array_fill(null::uuid, array[v_batch]);
      v_zeros := array_fill(0, array[v_batch]);
    end if;
    v_ids := array(select uuidv7(-v_age) from generate_series(1, v_batch));
    perform set_config('orch.tenants', v_tenant, true);
    for v_row in ${inline(insertJobs, JOB)} loop
      null;
    end loop;
    commit;
    v_left := v_left - v_batch;
  end loop;
end $bench$`;

const FENCES: Bound<FenceColumns> = ["v_tenants", "v_ids", "v_epochs", "v_tokens"];

const COMPLETION: Bound<CompletionColumns> = [...FENCES, "v_completions", "v_no_bytes"];

const CLAIM: Bound<ClaimParams> = [
  "v_tenant",
  "array['default']",
  "array['bench.noop']",
  "array[0]",
  "array['']",
  "array['']",
  "array[0]",
  "array[v_watermark]",
  "array[9007199254740991]",
  "array[2 * v_size]",
  "array[60000]",
  "array[900000]",
  "4000000",
  "v_new_tokens",
  "'bound'",
  "v_session",
  "'offered'",
  "10000",
];

/**
 * `call bench_drain(tenant, jobs)`: claims, accepts and completes, a commit each, until it has had
 * so many jobs or none is left. Several may run at once.
 */
export const drainProcedure = (batch: number): string => {
  const size = claimSize(batch);
  const claim = claimStatements.get(size);
  if (claim === undefined) throw new Error(`no claim statement of size ${size}`);
  return `
create or replace procedure bench_drain(v_tenant text, v_jobs integer)
language plpgsql as $bench$
declare
  v_size constant integer := ${size};
  v_session constant uuid := gen_random_uuid();
  v_left integer := v_jobs;
  v_watermark bigint := 0;
  v_row record;
  v_tenants text[]; v_ids uuid[]; v_epochs bigint[]; v_tokens text[]; v_new_tokens text[];
  v_completions uuid[]; v_no_bytes bytea[]; v_count integer;
begin
  while v_left > 0 loop
    v_ids := '{}'; v_epochs := '{}'; v_tokens := '{}';
    v_new_tokens := array(
      select replace(gen_random_uuid()::text, '-', '') from generate_series(1, v_size));
    perform set_config('orch.tenants', v_tenant, true);
    for v_row in ${inline(claim, CLAIM)} loop
      -- There is a row even when there is no job.
      continue when v_row.job_id is null;
      v_ids := v_ids || v_row.job_id;
      v_epochs := v_epochs || v_row.lease_epoch;
      v_tokens := v_tokens || v_row.token;
      v_watermark := v_row.seq;
    end loop;
    commit;
    v_count := cardinality(v_ids);
    exit when v_count = 0;
    v_tenants := array_fill(v_tenant, array[v_count]);
    perform set_config('orch.tenants', v_tenant, true);
    for v_row in ${inline(acceptOffers, FENCES)} loop
      null;
    end loop;
    commit;
    v_completions := array(select gen_random_uuid() from generate_series(1, v_count));
    v_no_bytes := array_fill(null::bytea, array[v_count]);
    perform set_config('orch.tenants', v_tenant, true);
    for v_row in ${inline(completeAttempts, COMPLETION)} loop
      v_left := v_left - 1;
    end loop;
    commit;
  end loop;
end $bench$`;
};
