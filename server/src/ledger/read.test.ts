import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import {
  attemptRow,
  digestOf,
  eventRow,
  insertRows,
  jobRow,
  leaseRow,
  type Row,
  readyRow,
  runRow,
} from "../../../test/support/ledger-rows.ts";
import { formatDigest } from "../domain/digest.ts";
import { newId } from "../lib/ids.ts";
import {
  changedSince,
  listJobEvents,
  readJobViews,
  readJobWait,
  readJobWithAttempts,
} from "./read.ts";
import { readRun, runJobIds } from "./run-read.ts";

const HOUR = 3_600_000;
const windowMs = () => 72 * HOUR;

let database: TestDatabase;
let owner: pg.Pool;
let pool: pg.Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = database.owner();
  pool = database.pool();
});
afterAll(() => database.drop());

const job = async (over: Row = {}): Promise<string> => {
  const row = jobRow("a", over);
  await insertRows(owner, "job", row);
  return row.id;
};

const view = async (jobId: string) => {
  const found = await readJobWithAttempts(pool, windowMs)("a", jobId);
  if (found === undefined) throw new Error("no such job");
  return found;
};

const ago = (ms: number) => new Date(Date.now() - ms);

describe("a job", () => {
  it("that nobody knows, or somebody else's, is undefined", async () => {
    const id = await job();
    const read = readJobWithAttempts(pool, windowMs);
    expect(await read("a", newId())).toBeUndefined();
    expect(await read("b", id)).toBeUndefined();
    expect(await readJobViews(pool, windowMs)("b", [id])).toEqual([]);
  });

  it("says everything that its producer asked for", async () => {
    const payload = Buffer.from("payload");
    const spec = {
      job_type: "concelier.ingest.osv",
      queue: "fast",
      priority: 7,
      project: "p",
      source: "osv.dev",
      concurrency_key: "c",
      payload,
      idempotency_key: "k",
      labels: { a: "1", b: "2" },
      not_before: new Date("2027-01-01T00:00:00Z"),
      retry: { maxAttempts: 3 },
      attempt_deadline_ms: 5_000,
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      tracestate: "x=y",
    };
    const id = await job(spec);
    const { job: found } = await view(id);
    expect(found).toMatchObject({ jobId: id, tenant: "a", state: "ready", attempt: 0 });
    expect(found.spec).toEqual({
      jobType: spec.job_type,
      queue: "fast",
      priority: 7,
      project: "p",
      source: "osv.dev",
      concurrencyKey: "c",
      payload,
      payloadMediaType: "application/json",
      payloadArtifact: undefined,
      idempotencyKey: "k",
      labels: spec.labels,
      notBefore: spec.not_before,
      retry: { maxAttempts: 3 },
      attemptDeadlineMs: 5_000,
      correlationId: id,
      traceparent: spec.traceparent,
      tracestate: "x=y",
    });
  });

  it("that is offered has a worker and no attempt yet", async () => {
    const id = await job();
    await insertRows(owner, "lease", leaseRow("a", id, { state: "offered" }));
    const { job: found } = await view(id);
    expect(found).toMatchObject({ state: "offered", workerId: "w-1", attempt: 0 });
    expect(found.startedAt).toBeUndefined();
  });

  it("that runs after failures counts those of its budget", async () => {
    const id = await job({ budget_from_attempt: 1, attempt: 3, lease_epoch: 3 });
    await insertRows(
      owner,
      "attempt",
      attemptRow("a", id, { attempt: 1, outcome: "failed" }),
      attemptRow("a", id, { attempt: 2, outcome: "failed", failure_class: "http_5xx" }),
      attemptRow("a", id, {
        attempt: 3,
        outcome: "interrupted",
        failure_class: "lease_expired",
        ended_at: ago(73 * HOUR),
      }),
      attemptRow("a", id, {
        attempt: 4,
        outcome: "interrupted",
        failure_class: "drained",
        ended_at: ago(71 * HOUR),
      }),
    );
    await insertRows(owner, "lease", leaseRow("a", id, { attempt: 5, lease_epoch: 5 }));
    const { job: found, attempts } = await view(id);
    expect(found).toMatchObject({ state: "running", attempt: 5, failures: 1, interruptions: 1 });
    expect(found.lastFailure).toMatchObject({ failureClass: "drained" });
    expect(attempts.map((one) => [one.attempt, one.outcome])).toEqual([
      [1, "failed"],
      [2, "failed"],
      [3, "interrupted"],
      [4, "interrupted"],
    ]);
  });

  it("shows the newest 100 attempts, oldest first", async () => {
    const id = await job();
    const rows = Array.from({ length: 103 }, (_, index) =>
      attemptRow("a", id, { attempt: index + 1, outcome: "failed" }),
    );
    await insertRows(owner, "attempt", ...rows);
    const { attempts } = await view(id);
    expect(attempts).toHaveLength(100);
    expect([attempts[0]?.attempt, attempts[99]?.attempt]).toEqual([4, 103]);
  });

  it("that succeeded has its result and what it produced", async () => {
    const id = await job();
    const ended = ago(1_000);
    const digest = digestOf("sbom");
    const artifact = { tenant: "a", digest, size_bytes: 4, media_type: "application/json" };
    await insertRows(owner, "artifact", artifact);
    await insertRows(
      owner,
      "attempt",
      attemptRow("a", id, { attempt: 1, outcome: "failed" }),
      attemptRow("a", id, { attempt: 2, result: Buffer.from("done"), ended_at: ended }),
    );
    const bound = { tenant: "a", job_id: id, attempt: 2, lease_epoch: 2, digest };
    await insertRows(
      owner,
      "job_artifact",
      { ...bound, name: "b.json" },
      { ...bound, name: "a.json" },
    );
    const { job: found } = await view(id);
    expect(found).toMatchObject({ state: "succeeded", attempt: 2, failures: 1, finishedAt: ended });
    expect(found.lastFailure).toBeUndefined();
    expect(Buffer.from(found.result).toString()).toBe("done");
    expect(found.artifacts).toEqual(
      ["a.json", "b.json"].map((name) => ({
        name,
        digest: formatDigest(digest),
        sizeBytes: 4,
        mediaType: "application/json",
        attempt: 2,
        leaseEpoch: 2,
      })),
    );
    const [brief] = await readJobViews(pool, windowMs)("a", [id]);
    expect(brief?.result).toHaveLength(0);
    expect(brief?.spec.payload).toHaveLength(0);
    expect(brief?.artifacts).toHaveLength(2);
  });

  it("that was cancelled says why", async () => {
    const ended = ago(5);
    const id = await job({ base_state: "cancelled", ended_at: ended, end_reason: "not needed" });
    expect((await view(id)).job).toMatchObject({
      state: "cancelled",
      finishedAt: ended,
      lastFailure: { failureClass: "cancelled", message: "not needed" },
    });
  });

  it("that waits for a moment says for which", async () => {
    const id = await job({ base_state: "scheduled" });
    const runAt = new Date("2027-03-01T00:00:00Z");
    const token = { tenant: "a", job_id: id, run_at: runAt, attempt: 1, lease_epoch: 1 };
    await insertRows(owner, "scheduled", token);
    expect((await view(id)).job).toMatchObject({ state: "scheduled", scheduledAt: runAt });
  });

  it("shows its newest progress, and the checkpoint only when it is looked at alone", async () => {
    const id = await job();
    const checkpoint = Buffer.from("here");
    const progress = { tenant: "a", job_id: id, attempt: 1, fraction: 0.25, message: "a quarter" };
    await insertRows(owner, "progress", { ...progress, checkpoint });
    const { job: found } = await view(id);
    expect(found.progress).toEqual({ fraction: 0.25, message: "a quarter", checkpoint });
    const [brief] = await readJobViews(pool, windowMs)("a", [id]);
    expect(brief?.progress).toMatchObject({ fraction: 0.25 });
    expect(brief?.progress?.checkpoint).toHaveLength(0);
  });
});

describe("a history", () => {
  it("is read oldest first, from an event on, with its provenance", async () => {
    const id = await job({ project: "p", correlation_id: "c" });
    await insertRows(
      owner,
      "job_event",
      eventRow("a", id),
      eventRow("a", id, {
        kind: "offered",
        from_state: "ready",
        to_state: "offered",
        attempt: 1,
        lease_epoch: 1,
        worker_id: "w-1",
        actor: "dispatcher",
      }),
    );
    const list = listJobEvents(pool);
    const all = await list("a", id, 0, 10);
    expect(all).toMatchObject([
      { kind: "enqueued", fromState: undefined, toState: "ready", project: "p", actor: "producer" },
      { kind: "offered", fromState: "ready", workerId: "w-1", attempt: 1, correlationId: "c" },
    ]);
    expect(await list("a", id, all?.[0]?.eventId ?? 0, 10)).toEqual(all?.slice(1));
    expect(await list("a", id, 0, 1)).toEqual(all?.slice(0, 1));
    expect(await list("b", id, 0, 10)).toBeUndefined();
    expect(await list("a", newId(), 0, 10)).toBeUndefined();
    expect(await list("a", await job(), 0, 10)).toEqual([]);
  });
});

describe("changes", () => {
  it("are jobs with newer events or other progress than was seen", async () => {
    const [one, two] = [await job(), await job()];
    await insertRows(owner, "job_event", eventRow("a", one), eventRow("a", two));
    const changed = changedSince(pool);
    const unseen = [one, two].map((jobId) => ({ jobId, eventId: 0, progressUs: 0 }));
    const seen = await changed("a", unseen);
    expect(new Set(seen.map((mark) => mark.jobId))).toEqual(new Set([one, two]));
    expect(await changed("a", seen)).toEqual([]);
    expect(await changed("b", unseen)).toEqual([]);

    const progress = { tenant: "a", job_id: two, attempt: 1, fraction: 0.5, message: "" };
    await insertRows(owner, "progress", progress);
    const later = await changed("a", seen);
    expect(later).toMatchObject([
      { jobId: two, eventId: seen.find((m) => m.jobId === two)?.eventId },
    ]);
    expect(await changed("a", [...seen.filter((m) => m.jobId === one), ...later])).toEqual([]);
  });
});

describe("what a job waits for", () => {
  it("is the parents that have not succeeded, a moment, or nothing", async () => {
    const run = runRow("a");
    await insertRows(owner, "run", run);
    const inRun = (name: string, position: number, over: Row = {}) =>
      job({ run_id: run.id, run_position: position, name, ...over });
    const done = await inRun("done", 0);
    await insertRows(owner, "attempt", attemptRow("a", done));
    const ready = await inRun("ready", 1);
    await insertRows(owner, "ready", readyRow("a", ready));
    const dead = await inRun("dead", 2, { base_state: "dead", ended_at: new Date() });
    const child = await inRun("child", 3, { base_state: "blocked", unmet: 2 });
    for (const from of [dead, ready, done]) {
      await insertRows(owner, "edge", {
        tenant: "a",
        run_id: run.id,
        from_job: from,
        to_job: child,
        on_failure: "hold",
      });
    }
    const wait = readJobWait(pool);
    expect(await wait("a", child)).toMatchObject({
      state: "blocked",
      unmet: [
        { jobId: ready, state: "ready", onFailure: "hold" },
        { jobId: dead, state: "dead", onFailure: "hold" },
      ],
    });
    expect(await wait("a", ready)).toMatchObject({
      state: "ready",
      lane: { queue: "default", source: "" },
      unmet: [],
    });
    expect(await wait("b", ready)).toBeUndefined();

    const found = await readRun(pool, windowMs)("a", run.id);
    expect(found).toMatchObject({ runId: run.id, displayName: "nightly", state: "active" });
    expect(found?.jobs.map((one) => one.name)).toEqual(["done", "ready", "dead", "child"]);
    expect(Object.fromEntries(found?.counts ?? [])).toEqual({
      succeeded: 1,
      ready: 1,
      dead: 1,
      blocked: 1,
    });
    expect(found?.edges).toMatchObject(
      [done, ready, dead].map((fromJobId) => ({ fromJobId, toJobId: child, onFailure: "hold" })),
    );
    expect(await readRun(pool, windowMs)("b", run.id)).toBeUndefined();
    const all = { jobIds: [done, ready, dead, child], growing: false };
    expect(await runJobIds(pool)("a", run.id, -1)).toEqual(all);
    expect(await runJobIds(pool)("a", newId(), 0)).toBeUndefined();
  });
});
