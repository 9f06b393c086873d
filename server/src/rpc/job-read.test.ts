import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import type pg from "pg";
import { v7 as newId } from "uuid";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import { type JobReadServer, startJobReadServer } from "../../../test/support/job-read-server.ts";
import {
  attemptRow,
  eventRow,
  insertRows,
  jobRow,
  leaseRow,
  type Row,
  readyRow,
  runRow,
} from "../../../test/support/ledger-rows.ts";
import { FailureClass } from "../gen/stellaops/orchestrator/v1/failure_pb.ts";
import { AttemptOutcome, JobService, JobState } from "../gen/stellaops/orchestrator/v1/job_pb.ts";
import { as, failure } from "./testing/artifact-client.ts";

let database: TestDatabase;
let owner: pg.Pool;
let server: JobReadServer;
let client: Client<typeof JobService>;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = database.owner();
  server = await startJobReadServer(database.pool(), 3);
  client = createClient(JobService, createGrpcTransport({ baseUrl: server.listener.url }));
});
afterAll(async () => {
  await server.listener.close(0);
  await database.drop();
});

const job = async (over: Row = {}): Promise<string> => {
  const row = jobRow("a", over);
  await insertRows(owner, "job", row);
  return row.id;
};

describe("GetJob", () => {
  it("has the job, its attempts and its failure", async () => {
    const jobId = await job({
      base_state: "dead",
      ended_at: new Date("2026-01-02T00:00:00Z"),
      retry: { maxAttempts: 2, initialBackoffMs: 1_500 },
      attempt_deadline_ms: 90_500,
      labels: { team: "x" },
    });
    const failed = { outcome: "failed", failure_class: "http_5xx", retry_after_ms: 2_500 };
    await insertRows(owner, "attempt", attemptRow("a", jobId, failed));
    const { job: found, attempts } = await client.getJob({ jobId }, as("a"));
    expect(found).toMatchObject({
      jobId,
      tenant: "a",
      state: JobState.DEAD,
      attempt: 1,
      failures: 1,
      finishTime: { seconds: 1_767_312_000n },
      lastFailure: {
        failureClass: FailureClass.HTTP_5XX,
        retryAfter: { seconds: 2n, nanos: 500_000_000 },
      },
      spec: {
        jobId,
        jobType: "test.echo",
        correlationId: jobId,
        labels: { team: "x" },
        retry: { maxAttempts: 2, initialBackoff: { seconds: 1n, nanos: 500_000_000 } },
        attemptDeadline: { seconds: 90n, nanos: 500_000_000 },
      },
    });
    expect(Buffer.from(found?.spec?.payload ?? []).toString()).toBe("{}");
    expect(attempts).toMatchObject([{ attempt: 1, outcome: AttemptOutcome.FAILED }]);
  });

  it("of another tenant's job is NOT_FOUND", async () => {
    const jobId = await job();
    expect(await failure(client.getJob({ jobId }, as("b")))).toEqual({
      code: "NotFound",
      reason: "JOB_NOT_FOUND",
      metadata: { jobId },
    });
  });

  it("of something that is no id is INVALID_ARGUMENT", async () => {
    for (const jobId of ["", "x", "' or 1=1 --"]) {
      expect(await failure(client.getJob({ jobId }, as("a")))).toMatchObject({
        code: "InvalidArgument",
      });
    }
  });
});

describe("ListJobs", () => {
  it("pages through jobs without payloads", async () => {
    const ids = [await job({ queue: "l" }), await job({ queue: "l" }), await job({ queue: "l" })];
    const filter = { queue: "l", states: [JobState.READY] };
    for (const id of ids) await insertRows(owner, "ready", readyRow("a", id));
    const first = await client.listJobs({ filter, pageSize: 2 }, as("a"));
    const { nextPageToken: pageToken } = first;
    const second = await client.listJobs({ filter, pageSize: 2, pageToken }, as("a"));
    const found = [...first.jobs, ...second.jobs];
    expect(found.map((one) => one.jobId)).toEqual(ids.reverse());
    expect(found.every((one) => one.spec?.payload.length === 0)).toBe(true);
    expect(second.nextPageToken).toBe("");
    const elsewhere = client.listJobs({ filter, pageToken }, as("b"));
    expect(await failure(elsewhere)).toMatchObject({
      code: "InvalidArgument",
      reason: "PAGE_TOKEN_INVALID",
    });
  });

  it.each([
    { filter: { states: [JobState.UNSPECIFIED] } },
    { filter: { states: [99 as JobState] } },
    { filter: { queue: "a\0b" } },
    { filter: { jobTypes: ["a\0b"] } },
    { filter: { labels: { "a\0": "b" } } },
    { filter: { createdFrom: { seconds: 1n << 60n, nanos: 0 } } },
    { filter: { createdBefore: { seconds: 0n, nanos: -1 } } },
    { filter: { runId: "x" } },
    { pageSize: 1_001 },
    { pageSize: -1 },
    { pageToken: "x".repeat(2_000) },
    { pageToken: "%%%" },
  ])("with bad request %# is INVALID_ARGUMENT", async (request) => {
    expect(await failure(client.listJobs(request, as("a")))).toMatchObject({
      code: "InvalidArgument",
    });
  });

  it("takes any date that a timestamp may be, and FAILED, in which no job rests", async () => {
    const createdFrom = { seconds: -62_135_596_800n, nanos: 0 };
    const createdBefore = { seconds: 253_402_300_799n, nanos: 999_999_999 };
    const filter = { createdFrom, createdBefore };
    expect((await client.listJobs({ filter }, as("a"))).jobs.length).toBeGreaterThan(0);
    const failed = { filter: { states: [JobState.FAILED] } };
    expect((await client.listJobs(failed, as("a"))).jobs).toEqual([]);
  });
});

describe("ListJobEvents", () => {
  it("pages through a history", async () => {
    const jobId = await job();
    const kinds = ["enqueued", "enqueued", "enqueued"];
    for (const _ of kinds) await insertRows(owner, "job_event", eventRow("a", jobId));
    const first = await client.listJobEvents({ jobId, pageSize: 2 }, as("a"));
    const pageToken = first.nextPageToken;
    const rest = await client.listJobEvents({ jobId: jobId.toUpperCase(), pageToken }, as("a"));
    const events = [...first.events, ...rest.events];
    expect(events.map((event) => event.kind)).toEqual(kinds);
    expect(events[0]).toMatchObject({
      fromState: JobState.UNSPECIFIED,
      toState: JobState.READY,
      tenant: "a",
      jobId,
      jobType: "test.echo",
      correlationId: jobId,
      actor: "producer",
    });
    expect(rest.nextPageToken).toBe("");
    const other = client.listJobEvents({ jobId: await job(), pageToken }, as("a"));
    expect(await failure(other)).toMatchObject({ reason: "PAGE_TOKEN_INVALID" });
    const nobody = client.listJobEvents({ jobId: newId() }, as("a"));
    expect(await failure(nobody)).toMatchObject({ code: "NotFound", reason: "JOB_NOT_FOUND" });
  });
});

describe("ExplainJob", () => {
  it("names the one thing that a job waits for", async () => {
    const run = runRow("a");
    await insertRows(owner, "run", run);
    const inRun = (position: number, over: Row = {}) =>
      job({ run_id: run.id, run_position: position, name: `j${position}`, ...over });
    const parent = await inRun(0, { base_state: "cancelled", ended_at: new Date() });
    const blocked = await inRun(1, { base_state: "blocked", unmet: 1 });
    await insertRows(owner, "edge", {
      tenant: "a",
      run_id: run.id,
      from_job: parent,
      to_job: blocked,
      on_failure: "hold",
    });
    const explain = async (jobId: string) => {
      const { state, blockedBy } = await client.explainJob({ jobId }, as("a"));
      return { state, cause: blockedBy?.cause };
    };
    expect(await explain(blocked)).toMatchObject({
      state: JobState.BLOCKED,
      cause: { case: "dependency", value: { jobIds: [parent], count: 1, held: true } },
    });
    const scheduled = await job({ base_state: "scheduled" });
    const runAt = new Date("2027-01-01T00:00:00Z");
    const token = { tenant: "a", job_id: scheduled, run_at: runAt, attempt: 1, lease_epoch: 1 };
    await insertRows(owner, "scheduled", token);
    expect(await explain(scheduled)).toMatchObject({
      cause: { case: "schedule", value: { readyTime: { seconds: 1_798_761_600n } } },
    });
    const ready = await job();
    await insertRows(owner, "ready", readyRow("a", ready));
    expect(await explain(ready)).toMatchObject({
      cause: { case: "workers", value: { capableWorkers: 3 } },
    });
    const running = await job();
    await insertRows(owner, "lease", leaseRow("a", running));
    expect(await explain(running)).toEqual({ state: JobState.RUNNING, cause: undefined });
    expect(await explain(parent)).toEqual({ state: JobState.CANCELLED, cause: undefined });
    expect(await failure(client.explainJob({ jobId: ready }, as("b")))).toMatchObject({
      reason: "JOB_NOT_FOUND",
    });
  });
});

describe("WatchJobs", () => {
  const watch = (jobIds: string[], tenant = "a", signal?: AbortSignal) =>
    client.watchJobs(
      { target: { case: "jobs", value: { jobIds } } },
      { ...as(tenant), ...(signal && { signal }) },
    );

  it("streams jobs until they are finished", async () => {
    const jobId = await job();
    await insertRows(owner, "ready", readyRow("a", jobId));
    const seen: JobState[] = [];
    for await (const { jobs } of watch([jobId])) {
      seen.push(...jobs.map((one) => one.state));
      if (seen.length > 1) continue;
      await owner.query("delete from ready where job_id = $1", [jobId]);
      await insertRows(owner, "attempt", attemptRow("a", jobId));
      await insertRows(owner, "job_event", eventRow("a", jobId));
    }
    expect(seen).toEqual([JobState.READY, JobState.SUCCEEDED]);
  });

  it("of what is not there is NOT_FOUND", async () => {
    const jobId = newId();
    const drain = async (stream: AsyncIterable<unknown>) => {
      for await (const _ of stream);
    };
    expect(await failure(drain(watch([jobId])))).toMatchObject({ reason: "JOB_NOT_FOUND" });
    const run = client.watchJobs({ target: { case: "runId", value: jobId } }, as("a"));
    expect(await failure(drain(run))).toMatchObject({ reason: "RUN_NOT_FOUND" });
    expect(await failure(drain(client.watchJobs({}, as("a"))))).toMatchObject({
      code: "InvalidArgument",
    });
  });

  it("ends with UNAVAILABLE when the server stops", async () => {
    const own = await startJobReadServer(database.pool(), 0);
    const theirs = createClient(JobService, createGrpcTransport({ baseUrl: own.listener.url }));
    const jobId = await job();
    const stream = theirs.watchJobs(
      { target: { case: "jobs", value: { jobIds: [jobId] } } },
      as("a"),
    );
    const drain = async () => {
      for await (const _ of stream) own.stopping.abort();
    };
    expect(await failure(drain())).toMatchObject({
      code: "Unavailable",
      reason: "SERVER_STOPPING",
    });
    await own.listener.close(1_000);
  });
});
