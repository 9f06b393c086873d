import { createHash, randomUUID } from "node:crypto";
import type pg from "pg";
import { newId } from "../../server/src/lib/ids.ts";
import { insertPlanRows } from "./plan-rows.ts";

/** Columns by name, as `pg` takes them. */
export type Row = Readonly<Record<string, unknown>>;

/** Inserts rows as they are; missing columns take the table's defaults. */
export async function insertRows(pool: pg.Pool, table: string, ...rows: Row[]): Promise<void> {
  for (const row of rows) {
    const columns = Object.keys(row);
    const places = columns.map((_, index) => `$${index + 1}`);
    await pool.query(
      `insert into ${table} (${columns.join(", ")}) values (${places.join(", ")})`,
      Object.values(row),
    );
  }
}

/** SHA-256 of a text, as the ledger's digest columns hold it. */
export const digestOf = (text: string): Buffer => createHash("sha256").update(text).digest();

/** A job that is legal by the schema; by default ready, of type "test.echo" in queue "default". */
export const jobRow = (tenant: string, over: Row = {}): Row & { readonly id: string } => {
  const id = (over.id as string | undefined) ?? newId();
  return {
    tenant,
    job_type: "test.echo",
    queue: "default",
    priority: 0,
    project: "",
    source: "",
    payload: Buffer.from("{}"),
    payload_media_type: "application/json",
    content_digest: digestOf(id),
    base_state: "ready",
    ...over,
    id,
  };
};

/** A run. */
export const runRow = (tenant: string, over: Row = {}): Row & { readonly id: string } => ({
  tenant,
  display_name: "nightly",
  project: "",
  correlation_id: "c-1",
  content_digest: digestOf("run"),
  ...over,
  id: (over.id as string | undefined) ?? newId(),
});

/** The token of a job that can be claimed. */
export const readyRow = (tenant: string, jobId: string, over: Row = {}): Row => ({
  tenant,
  queue: "default",
  job_type: "test.echo",
  priority: 0,
  job_id: jobId,
  attempt: 0,
  lease_epoch: 0,
  payload_bytes: 2,
  linked: false,
  ...over,
});

/** The token of a job that is held, by default running. */
export const leaseRow = (tenant: string, jobId: string, over: Row = {}): Row => {
  const now = new Date();
  const running = (over.state ?? "running") === "running";
  return {
    tenant,
    job_id: jobId,
    lease_epoch: 1,
    attempt: 1,
    token: randomUUID(),
    state: "running",
    worker_id: "w-1",
    queue: "default",
    job_type: "test.echo",
    priority: 0,
    seq: 1,
    payload_bytes: 2,
    linked: false,
    ttl_ms: 60_000,
    deadline_ms: 900_000,
    offered_at: now,
    started_at: running ? now : null,
    expires_at: new Date(now.getTime() + 60_000),
    deadline_at: running ? new Date(now.getTime() + 900_000) : null,
    ...over,
  };
};

/** An ended attempt, by default one that succeeded. */
export const attemptRow = (tenant: string, jobId: string, over: Row = {}): Row => {
  const attempt = (over.attempt as number | undefined) ?? 1;
  const failed = (over.outcome ?? "succeeded") !== "succeeded";
  return {
    tenant,
    job_id: jobId,
    attempt,
    lease_epoch: attempt,
    worker_id: "w-1",
    offered_at: new Date(),
    started_at: new Date(),
    outcome: "succeeded",
    failure_class: failed ? "user" : null,
    failure_message: failed ? "it did not work" : null,
    terminal: failed ? false : null,
    ...over,
  };
};

/** A step of a job's history. */
export const eventRow = (tenant: string, jobId: string, over: Row = {}): Row => ({
  tenant,
  job_id: jobId,
  kind: "enqueued",
  from_state: null,
  to_state: "ready",
  actor: "producer",
  ...over,
});

/** One legal row in every table that has a tenant, for tests of what tenants see. */
export async function insertOneOfEach(owner: pg.Pool, tenant: string): Promise<void> {
  const run = runRow(tenant);
  const parent = jobRow(tenant, { run_id: run.id, run_position: 0, name: "first" });
  const child = jobRow(tenant, {
    run_id: run.id,
    run_position: 1,
    name: "then",
    base_state: "blocked",
    unmet: 1,
  });
  const artifact = {
    tenant,
    digest: digestOf("artifact"),
    size_bytes: 8,
    media_type: "text/plain",
  };
  await insertRows(owner, "run", run);
  await insertRows(owner, "artifact", artifact);
  await insertRows(owner, "job", parent, child);
  await insertRows(owner, "edge", {
    tenant,
    run_id: run.id,
    from_job: parent.id,
    to_job: child.id,
    on_failure: "cancel",
  });
  await insertRows(owner, "idempotency_key", {
    tenant,
    key: "k",
    job_id: parent.id,
    content_digest: digestOf("k"),
    expires_at: new Date(Date.now() + 60_000),
  });
  // A job has one token; that these tables do not know each other is what lets one job serve.
  await insertRows(owner, "ready", readyRow(tenant, parent.id));
  await insertRows(owner, "lease", leaseRow(tenant, parent.id));
  await insertRows(owner, "scheduled", {
    tenant,
    job_id: parent.id,
    run_at: new Date(),
    attempt: 0,
    lease_epoch: 0,
  });
  await insertRows(owner, "attempt", attemptRow(tenant, parent.id));
  await insertRows(owner, "job_artifact", {
    tenant,
    job_id: parent.id,
    attempt: 1,
    lease_epoch: 1,
    name: "out",
    digest: artifact.digest,
  });
  await insertRows(owner, "progress", {
    tenant,
    job_id: parent.id,
    attempt: 1,
    fraction: 0.5,
    message: "half",
  });
  await insertRows(owner, "job_event", eventRow(tenant, parent.id));
  await insertRows(owner, "session", {
    tenant,
    worker_id: "w-1",
    session_id: newId(),
    instance_id: newId(),
    server_id: "s-1",
    sdk: "test",
  });
  await insertRows(owner, "claim_receipt", {
    tenant,
    request_id: newId(),
    worker_id: "w-1",
    job_ids: [parent.id],
    epochs: [1],
  });
  await insertFlowRows(owner, tenant);
  await insertPlanRows(owner, tenant, run.id, parent.id);
}

async function insertFlowRows(owner: pg.Pool, tenant: string): Promise<void> {
  const source = { type: "osv", host: "api.osv.dev" };
  await insertRows(owner, "source", {
    tenant,
    name: "osv.dev",
    properties: source,
    ...source,
    version: 1,
  });
  await insertRows(owner, "flow_settings", {
    tenant,
    kind: "queue",
    name: "default",
    settings: { maxConcurrency: 1 },
    version: 1,
  });
  await insertRows(owner, "flow_change", {
    tenant,
    kind: "settings_updated",
    scope_kind: "queue",
    scope_name: "default",
    actor: "operator",
    reason: "",
    ticket: "",
    after: {},
  });
  await insertRows(owner, "flow_version", { tenant, version: 1 });
  await insertRows(owner, "flow_state", { tenant, key: "bucket:host:osv.dev", state: {} });
  await insertRows(owner, "flow_usage", {
    tenant,
    quota: "jobsPerDay",
    window_start: new Date(0),
    used: 1,
  });
}
