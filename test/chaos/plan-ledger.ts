import type { Query } from "./ledger-history.ts";
import type { PlanLedger, WatermarkSample } from "./plan-history.ts";

const MS = (column: string) => `(extract(epoch from ${column}) * 1000)::float8`;
const BY_CLOCK = "00000000-0000-0000-0000-000000000000";

const RUNS = `
select tenant, id, replay_of as "replayOf", schedule, open as "isOpen", building as "isBuilding",
  cancel_requested_at is not null as "isCancelled", job_count as "jobCount"
from run order by id`;

const FIRINGS = `
select tenant, schedule, ${MS("nominal_at")} as "nominalMs", outcome,
  ${MS("fired_at")} as "firedMs",
  request_id <> '${BY_CLOCK}' as "isManual", job_id as "jobId", run_id as "runId",
  missed_count::integer as "missedCount", error
from firing order by tenant, schedule, nominal_at, request_id`;

const ACTIONS = `
select tenant, kind, target_name as target, ${MS("at")} as "atMs" from operator_action order by id`;

const SERIES = `
select tenant, source, scope, width_ms::float8 as "widthMs", lateness_ms::float8 as "latenessMs",
  ${MS("origin")} as "originMs", ${MS("watermark")} as "watermarkMs"
from window_series order by tenant, source, scope`;

const COVERAGE = `
select tenant, source, scope, ${MS("start_at")} as "startMs", ${MS("end_at")} as "endMs"
from window_coverage order by tenant, source, scope, start_at`;

// Its ticket names the wish.
const BACKFILLS = `
select tenant, id, ticket as wish, source, scope, ${MS("start_at")} as "startMs",
  ${MS("end_at")} as "endMs", ${MS("created_at")} as "createdMs", state,
  max_parallel as "maxParallel", repeat_covered as "repeatCovered", windows::integer,
  covered::integer, shared::integer, failed::integer
from backfill order by id`;

const BACKFILL_WINDOWS = `
select tenant, backfill_id as "backfillId", ${MS("window_start")} as "startMs",
  ${MS("window_end")} as "endMs", state, job_id as "jobId"
from backfill_window order by backfill_id, window_start`;

const OPERATIONS = `
select tenant, id, kind, state, run_id as "runId", applied::integer, unchanged::integer,
  refused::integer
from operation order by id`;

const OPERATION_RESULTS = `
select tenant, operation_id as "operationId", job_id as "jobId", outcome from operation_result
order by operation_id, job_id`;

const LETTERS = `select tenant, job_id as "jobId" from dead_letter`;

/** Reads all that makes or changes jobs by itself, as it is. */
export async function readPlans(query: Query): Promise<PlanLedger> {
  return {
    runs: await rows(query, RUNS),
    firings: await rows(query, FIRINGS),
    actions: await rows(query, ACTIONS),
    series: await rows(query, SERIES),
    coverage: await rows(query, COVERAGE),
    backfills: await rows(query, BACKFILLS),
    backfillWindows: await rows(query, BACKFILL_WINDOWS),
    operations: await rows(query, OPERATIONS),
    operationResults: await rows(query, OPERATION_RESULTS),
    letters: await rows(query, LETTERS),
  };
}

/** Reads where the watermarks are; throws when Postgres is away. */
export async function sampleWatermarks(query: Query): Promise<WatermarkSample[]> {
  return await rows(
    query,
    `select tenant, source, scope, ${MS("clock_timestamp()")} as "atMs",
      ${MS("watermark")} as "watermarkMs" from window_series`,
  );
}

/** The statement's rows; what is null is left out. */
export async function rows<Row extends object>(
  query: Query,
  statement: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const found = await query<Record<string, unknown>>(statement, values);
  return found.map(
    (row) => Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)) as Row,
  );
}
