import { randomUUID } from "node:crypto";
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import { type ServerHere, startServerHere } from "../../../test/support/server.ts";
import { FailureClass } from "../gen/stellaops/orchestrator/v1/failure_pb.ts";
import { FlowScopeKind } from "../gen/stellaops/orchestrator/v1/flow_control_pb.ts";
import { drive } from "../rpc/testing/driven-worker.ts";
import { clientsFor, SOON } from "../rpc/testing/replicas.ts";
import { leaseOf, WorkerStream } from "../rpc/testing/worker-stream.ts";
import { type Family, parseExposition } from "./testing/prometheus-text.ts";

const TENANT = `secret-${randomUUID().slice(0, 8)}`;
const JOBS = 6;
const SLOTS = 4;

let database: TestDatabase;
let owner: pg.Pool;
let server: ServerHere;
let worker: WorkerStream;

async function scrape(): Promise<{ text: string; families: Map<string, Family> }> {
  const response = await fetch(`${server.url}/metrics`);
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  const text = await response.text();
  return { text, families: parseExposition(text) };
}

async function sample(series: string): Promise<number | undefined> {
  const { families } = await scrape();
  for (const { samples } of families.values()) {
    if (samples.has(series)) return samples.get(series);
  }
  return undefined;
}

beforeAll(async () => {
  database = await createTestDatabase();
  owner = database.owner();
  server = await startServerHere(database.url);
});
afterAll(async () => {
  worker?.cut();
  await worker?.ended;
  await server?.stop();
  await database?.drop();
});

describe("metrics", () => {
  it("are all there before anything happened, with help and Prometheus' units", async () => {
    const { families } = await scrape();
    const ours = [...families.values()].filter(({ name }) => name.startsWith("orch_"));
    expect(ours.map(({ name, type }) => `${type} ${name}`).sort()).toEqual([
      "counter orch_attempts_ended_total",
      "counter orch_dispatch_blocked_total",
      "counter orch_jobs_enqueued_total",
      "counter orch_jobs_handed_out_total",
      "counter orch_schedule_firings_total",
      "gauge orch_ledger_up",
      "gauge orch_ready_jobs",
      "gauge orch_sessions",
      "gauge orch_slots",
      "gauge orch_stuck",
      "gauge orch_watermark_lag_seconds",
      "gauge orch_watermarks_behind",
      "histogram orch_claim_seconds",
      "histogram orch_commit_batch_size",
    ]);
    for (const { samples } of ours) expect(samples.size).toBeGreaterThan(0);
    expect(await sample('orch_attempts_ended_total{outcome="http_429"}')).toBe(0);
    expect(await sample('orch_dispatch_blocked_total{kind="breaker"}')).toBe(0);
    expect(families.get("process_cpu_seconds_total")?.type).toBe("counter");
    expect(await sample("orch_ledger_up")).toBe(1);
  });

  it("move with real jobs, and name no tenant", async () => {
    const { jobs, runner } = clientsFor(server.url, TENANT);
    const specs = Array.from({ length: JOBS }, () => ({
      jobType: "test.echo",
      idempotencyKey: randomUUID(),
    }));
    const first = await jobs.enqueueJobs({ jobs: specs });
    await jobs.enqueueJobs({ jobs: specs });
    const failing = first.results[0]?.jobId;
    const gate = Promise.withResolvers<void>();
    worker = new WorkerStream(runner);
    worker.hello(SLOTS);
    void drive(worker, async (offer) => {
      await gate.promise;
      if (leaseOf(offer).jobId !== failing) return undefined;
      return { failureClass: FailureClass.USER, message: "no", terminal: true };
    });
    await worker.offered(SLOTS);
    expect(await sample('orch_slots{state="busy"}')).toBe(SLOTS);
    expect(await sample('orch_slots{state="free"}')).toBe(0);
    expect(await sample("orch_sessions")).toBe(1);
    gate.resolve();
    await expect
      .poll(() => sample('orch_attempts_ended_total{outcome="succeeded"}'), SOON)
      .toBe(JOBS - 1);
    await expect.poll(() => sample('orch_attempts_ended_total{outcome="user"}'), SOON).toBe(1);
    expect(await sample("orch_jobs_enqueued_total")).toBe(JOBS);
    expect(await sample("orch_jobs_handed_out_total")).toBe(JOBS);
    const { families, text } = await scrape();
    const claims = families.get("orch_claim_seconds")?.samples;
    expect(claims?.get("orch_claim_seconds_count")).toBeGreaterThan(0);
    const batches = families.get("orch_commit_batch_size")?.samples;
    expect(batches?.get('orch_commit_batch_size_sum{write="enqueue"}')).toBe(2 * JOBS);
    expect(batches?.get('orch_commit_batch_size_sum{write="complete"}')).toBe(JOBS - 1);
    expect(text).not.toContain(TENANT);
    expect(text).not.toContain("test.echo");
  });

  it("say how far the watermark lags that is furthest behind", async () => {
    await expect.poll(() => sample("orch_watermarks_behind"), SOON).toBe(0);
    expect(await sample("orch_watermark_lag_seconds")).toBe(0);
  });

  it("count runs' jobs, what is held back and what is ready", async () => {
    const before = Number(await sample("orch_jobs_enqueued_total"));
    const { flow } = clientsFor(server.url, TENANT);
    const scope = { kind: FlowScopeKind.JOB_TYPE, name: "test.echo" };
    await flow.pause({ scope, reason: "test" });
    const service = "stellaops.orchestrator.v1.RunService";
    const run = await fetch(`${server.url}/${service}/CreateRun`, {
      method: "POST",
      headers: { "content-type": "application/json", "orch-tenant": TENANT },
      body: JSON.stringify({
        jobs: [
          { name: "one", spec: { jobType: "test.echo" } },
          { name: "two", spec: { jobType: "test.echo" } },
          { name: "last", spec: { jobType: "test.echo" }, dependsOn: [{ name: "one" }] },
        ],
      }),
    });
    expect(run.status).toBe(200);
    await expect
      .poll(() => sample('orch_dispatch_blocked_total{kind="pause"}'), SOON)
      .toBeGreaterThan(0);
    expect(await sample("orch_jobs_enqueued_total")).toBe(before + 3);
    // It is looked up every five seconds at most.
    await expect.poll(() => sample("orch_ready_jobs"), SOON).toBe(2);
    const { rows } = await owner.query("select count(*)::int as ready from ready");
    expect(rows).toEqual([{ ready: 2 }]);
  });
});
