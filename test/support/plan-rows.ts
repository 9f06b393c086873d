import type pg from "pg";
import { newId } from "../../server/src/lib/ids.ts";
import { digestOf, insertRows } from "./ledger-rows.ts";

const audit = { actor: "operator", reason: "", ticket: "" };

/** One legal row in every table of runs, plans and recovery; the run and its job exist. */
export async function insertPlanRows(
  owner: pg.Pool,
  tenant: string,
  runId: string,
  jobId: string,
): Promise<void> {
  const start = new Date(0);
  const end = new Date(3_600_000);
  const digest = digestOf("content");
  await insertRows(owner, "cascade", { tenant, job_id: jobId, outcome: "succeeded" });
  await insertRows(owner, "reused_job", { tenant, run_id: runId, job_id: jobId });
  const named = { tenant, name: "nightly", content_digest: digest, version: 1 };
  await insertRows(owner, "pipeline", { ...named, head: {}, jobs: "[]" });
  await insertRows(owner, "schedule", { ...named, content: {}, settled_upto: start, next_at: end });
  const firing = { tenant, schedule: "nightly", nominal_at: start };
  await insertRows(owner, "firing", { ...firing, outcome: "created", job_id: jobId });
  const series = { tenant, source: "osv.dev", scope: "npm" };
  await insertRows(owner, "window_series", {
    ...series,
    width_ms: 3_600_000,
    lateness_ms: 0,
    origin: start,
    watermark: end,
  });
  await insertRows(owner, "window_coverage", { ...series, start_at: start, end_at: end });
  await insertBackfillRows(owner, series, { start, end }, jobId);
  await insertRows(owner, "dead_letter", {
    tenant,
    job_id: jobId,
    signature: "0123abcd",
    pattern: "it did not work",
    failure_class: "user",
    job_type: "test.echo",
    queue: "default",
    source: "",
  });
  await insertOperatorRows(owner, tenant, jobId);
}

async function insertBackfillRows(
  owner: pg.Pool,
  series: { readonly tenant: string; readonly source: string; readonly scope: string },
  { start, end }: { readonly start: Date; readonly end: Date },
  jobId: string,
): Promise<void> {
  const id = newId();
  await insertRows(owner, "backfill", {
    ...series,
    ...audit,
    id,
    start_at: start,
    end_at: end,
    spec: {},
    request_digest: digestOf("backfill"),
    max_parallel: 10,
    repeat_covered: false,
    state: "running",
    windows: 1,
    decided_upto: start,
  });
  await insertRows(owner, "backfill_window", {
    tenant: series.tenant,
    backfill_id: id,
    window_start: start,
    window_end: end,
    state: "in_progress",
    job_id: jobId,
  });
}

async function insertOperatorRows(owner: pg.Pool, tenant: string, jobId: string): Promise<void> {
  const operation = newId();
  const requested = { tenant, ...audit, request_digest: digestOf("request") };
  await insertRows(owner, "operation", {
    ...requested,
    id: operation,
    kind: "retry",
    state: "running",
    request: {},
  });
  await insertRows(owner, "operation_result", {
    tenant,
    operation_id: operation,
    job_id: jobId,
    outcome: "applied",
    reason: "",
    state: "ready",
  });
  await insertRows(owner, "operator_action", {
    tenant,
    ...audit,
    kind: "operation_started",
    target_kind: "operation",
    target_name: operation,
  });
  await insertRows(owner, "take_out", {
    ...requested,
    id: newId(),
    selector: { host: "h-1" },
    move_leases: false,
  });
  const lane = { tenant, server_id: "s-1", queue: "default", job_type: "test.echo" };
  await insertRows(owner, "capability", { ...lane, workers: 1 });
  await insertRows(owner, "stuck", {
    tenant,
    kind: "job",
    subject: jobId,
    cause: "dependency",
    advice: "",
  });
}
