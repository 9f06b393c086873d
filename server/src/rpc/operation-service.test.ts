import { randomUUID } from "node:crypto";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import { digestOf, insertRows } from "../../../test/support/ledger-rows.ts";
import { type ServerHere, startServerHere } from "../../../test/support/server.ts";
import { FlowScopeKind } from "../gen/stellaops/orchestrator/v1/flow_control_pb.ts";
import { JobState } from "../gen/stellaops/orchestrator/v1/job_pb.ts";
import {
  OperationKind,
  OperationOutcome,
  OperationState,
} from "../gen/stellaops/orchestrator/v1/operation_pb.ts";
import { LeaseVerdict } from "../gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import { as, type Clients, clientsOf, ended, failureOf } from "./testing/clients.ts";

let database: TestDatabase;
let server: ServerHere;
let clients: Clients;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startServerHere(database.url);
  clients = clientsOf(server.url);
});
afterAll(async () => {
  clients.close();
  await server.stop();
  await database.drop();
});

const enqueue = async (tenant: string, count: number, over: object = {}): Promise<string[]> => {
  const jobs = Array.from({ length: count }, () => ({ jobType: "test.echo", ...over }));
  const { results } = await clients.jobs.enqueueJobs({ jobs }, as(tenant));
  return results.map(({ jobId }) => jobId);
};

const claim = async (tenant: string) => {
  const request = { claimRequestId: randomUUID(), workerId: "w", jobTypes: ["test.echo"] };
  const { jobs } = await clients.taskRunner.claimJobs(request, as(tenant));
  const lease = jobs[0]?.lease;
  if (lease === undefined) throw new Error("nothing is ready");
  return lease;
};

const all = { case: "matching", value: {} } as const;
const cancel = { case: "cancel", value: {} } as const;
const seconds = (count: bigint) => ({ seconds: count, nanos: 0 });
const priority = (value: number) => ({ case: "reprioritise", value: { priority: value } }) as const;

describe("StartOperation", () => {
  it("works through what matches, and says what became of each", async () => {
    const ids = await enqueue("work", 5);
    const { jobId } = await claim("work");
    const { operation, alreadyExisted } = await clients.operations.startOperation(
      { target: all, action: priority(4), reason: "late", ticket: "T-7" },
      as("work"),
    );
    expect(alreadyExisted).toBe(false);
    expect(operation).toMatchObject({
      tenant: "work",
      kind: OperationKind.REPRIORITISE,
      state: OperationState.RUNNING,
      actor: "ada",
      reason: "late",
      ticket: "T-7",
      matching: 5n,
      runId: "",
    });
    const operationId = operation?.operationId ?? "";
    const done = await ended(clients, "work", operationId);
    expect(done).toMatchObject({
      state: OperationState.DONE,
      applied: 4n,
      unchanged: 0n,
      refused: 1n,
    });
    expect(done.finishTime).toBeDefined();
    const list = (over: object) =>
      clients.operations.listOperationResults({ operationId, ...over }, as("work"));
    const refused = await list({ outcome: OperationOutcome.REFUSED });
    expect(refused.results).toMatchObject([
      { jobId, reason: "JOB_BEING_WORKED_ON", state: JobState.RUNNING },
    ]);
    const first = await list({ pageSize: 3 });
    const second = await list({ pageSize: 3, pageToken: first.nextPageToken });
    expect(second.nextPageToken).toBe("");
    const results = [...first.results, ...second.results];
    expect(results.map((one) => one.jobId)).toEqual(ids);
    const { jobs } = await clients.jobs.listJobs({ pageSize: 10 }, as("work"));
    const priorities = new Map(jobs.map((job) => [job.jobId, job.spec?.priority]));
    for (const id of ids) expect(priorities.get(id)).toBe(id === jobId ? 0 : 4);
  });

  it("moves ready jobs to a queue as far as that has places", async () => {
    const scope = { kind: FlowScopeKind.QUEUE, name: "narrow" };
    const settings = { scope, maxDepth: 3n };
    await clients.flow.updateFlowSettings({ settings, reason: "r" }, as("narrow"));
    const later = timestampFromDate(new Date(Date.now() + 3_600_000));
    await enqueue("narrow", 1, { queue: "narrow" });
    const ids = await enqueue("narrow", 5, { queue: "wide" });
    const [scheduled] = await enqueue("narrow", 1, { queue: "wide", notBefore: later });
    const { operation } = await clients.operations.startOperation(
      {
        target: { case: "matching", value: { queue: "wide" } },
        action: { case: "move", value: { queue: "narrow" } },
      },
      as("narrow"),
    );
    const operationId = operation?.operationId ?? "";
    const done = await ended(clients, "narrow", operationId);
    expect(done).toMatchObject({ applied: 3n, refused: 3n });
    const list = async (outcome: OperationOutcome) =>
      (await clients.operations.listOperationResults({ operationId, outcome }, as("narrow")))
        .results;
    const moved = (await list(OperationOutcome.APPLIED)).map(({ jobId }) => jobId);
    expect(moved).toEqual([...ids.slice(0, 2), scheduled]);
    const full = { reason: "QUEUE_FULL", state: JobState.READY };
    const refused = ids.slice(2).map((jobId) => ({ jobId, ...full }));
    expect(await list(OperationOutcome.REFUSED)).toMatchObject(refused);
    const { jobs } = await clients.jobs.listJobs({ filter: { queue: "wide" } }, as("narrow"));
    expect(jobs.map(({ jobId }) => jobId).sort()).toEqual(ids.slice(2).sort());
  });

  it("takes no places for jobs that are in the queue already, or are not ready", async () => {
    const settings = { scope: { kind: FlowScopeKind.QUEUE, name: "narrow" }, maxDepth: 2n };
    await clients.flow.updateFlowSettings({ settings, reason: "r" }, as("places"));
    const notBefore = timestampFromDate(new Date(Date.now() + 3_600_000));
    const [there] = await enqueue("places", 1, { queue: "narrow" });
    const [scheduled] = await enqueue("places", 1, { queue: "wide", notBefore });
    const [placed, full] = await enqueue("places", 2, { queue: "wide" });
    const { operation } = await clients.operations.startOperation(
      { target: all, action: { case: "move", value: { queue: "narrow" } } },
      as("places"),
    );
    const operationId = operation?.operationId ?? "";
    await ended(clients, "places", operationId);
    const list = clients.operations.listOperationResults({ operationId }, as("places"));
    expect((await list).results.map(({ jobId, outcome }) => [jobId, outcome])).toEqual([
      [there, OperationOutcome.UNCHANGED],
      [scheduled, OperationOutcome.APPLIED],
      [placed, OperationOutcome.APPLIED],
      [full, OperationOutcome.REFUSED],
    ]);
  });

  it("is one when it is repeated, and a conflict when it asks for something else", async () => {
    await enqueue("repeat", 1);
    const request = { requestId: randomUUID(), target: all, action: cancel, reason: "x" };
    const start = (over: object = {}) =>
      clients.operations.startOperation({ ...request, ...over }, as("repeat"));
    const both = await Promise.all([start(), start()]);
    expect(both.map(({ alreadyExisted }) => alreadyExisted).sort()).toEqual([false, true]);
    await ended(clients, "repeat", request.requestId);
    const again = await start({ requestId: request.requestId.toUpperCase() });
    expect(again).toMatchObject({
      alreadyExisted: true,
      operation: { operationId: request.requestId, state: OperationState.DONE, applied: 1n },
    });
    for (const over of [
      { action: priority(1) },
      { target: { case: "matching", value: { queue: "q" } } },
      { reason: "y" },
      { maxJobsPerSecond: 1 },
    ]) {
      expect(await failureOf(start(over))).toMatchObject({
        code: "AlreadyExists",
        reason: "REQUEST_ID_CONFLICT",
      });
    }
    const { actions } = await clients.history.listActions(
      { targetKind: "operation", targetName: request.requestId },
      as("repeat"),
    );
    expect(actions).toMatchObject([{ kind: "operation_started", actor: "ada", reason: "x" }]);
  });

  it("counts and changes nothing in a dry run", async () => {
    const ids = await enqueue("dry", 12);
    const request = { target: all, action: { case: "discard", value: {} } as const, dryRun: true };
    const none = await clients.operations.startOperation(request, as("dry"));
    expect(none).toMatchObject({ matching: 0n, sampleJobIds: [] });
    const some = await clients.operations.startOperation({ ...request, action: cancel }, as("dry"));
    expect(some).toMatchObject({ matching: 12n, sampleJobIds: ids.slice(0, 10) });
    expect(some.operation).toBeUndefined();
    const { operations } = await clients.operations.listOperations({}, as("dry"));
    expect(operations).toEqual([]);
    const { actions } = await clients.history.listActions({}, as("dry"));
    expect(actions).toEqual([]);
  });

  it("counts only what the action can be about: nothing discarded, no dead to cancel", async () => {
    const [kept, gone] = await enqueue("counts", 2);
    for (const completionId of [randomUUID(), randomUUID()]) {
      const lease = await claim("counts");
      const failures = [{ lease, completionId, failure: { terminal: true } }];
      await clients.taskRunner.failAttempts({ failures }, as("counts"));
    }
    const letters = { case: "deadLetters", value: {} } as const;
    const retry = { case: "retry", value: {} } as const;
    const discard = { case: "discard", value: {} } as const;
    const jobs = { case: "jobs", value: { jobIds: [gone ?? ""] } } as const;
    const start = (request: object) => clients.operations.startOperation(request, as("counts"));
    const done = await start({ target: jobs, action: discard, reason: "broken" });
    await ended(clients, "counts", done.operation?.operationId ?? "");
    const dry = async (target: object, action: object) =>
      (await start({ target, action, dryRun: true })).sampleJobIds;
    for (const target of [all, letters]) {
      expect(await dry(target, retry)).toEqual([kept]);
      expect(await dry(target, cancel)).toEqual([]);
      expect(await dry(target, priority(1))).toEqual([]);
    }
    const { operation } = await start({ target: letters, action: cancel });
    const none = { matching: 0n, applied: 0n, refused: 0n };
    expect(await ended(clients, "counts", operation?.operationId ?? "")).toMatchObject(none);
  });

  it("refuses what it cannot do, and notes nothing", async () => {
    const start = (over: object) =>
      failureOf(
        clients.operations.startOperation({ target: all, action: cancel, ...over }, as("refused")),
      );
    const runId = randomUUID();
    const notFound = { code: "NotFound", reason: "RUN_NOT_FOUND" };
    expect(await start({ target: { case: "matching", value: { runId } } })).toMatchObject(notFound);
    expect(await start({ target: { case: "deadLetters", value: { runId } } })).toMatchObject(
      notFound,
    );
    expect(await start({ action: { case: "discard", value: {} }, reason: " " })).toMatchObject({
      code: "InvalidArgument",
      reason: "REASON_REQUIRED",
      violations: ["reason"],
    });
    const invalid = { code: "InvalidArgument", reason: "REQUEST_INVALID" };
    for (const over of [
      { target: { case: undefined } },
      { action: { case: undefined } },
      { target: { case: "jobs", value: { jobIds: [] } } },
      { target: { case: "jobs", value: { jobIds: ["x"] } } },
      { target: { case: "matching", value: { queue: "a\0" } } },
      { target: { case: "deadLetters", value: { signature: "a\0" } } },
      { action: priority(11) },
      { action: { case: "move", value: { queue: "" } } },
      { action: { case: "extendDeadline", value: {} } },
      { action: { case: "extendDeadline", value: { deadline: seconds(604_801n) } } },
      { maxJobsPerSecond: -1 },
      { maxJobsPerSecond: Number.NaN },
      { requestId: "x" },
    ]) {
      expect(await start(over)).toMatchObject(invalid);
    }
    expect(await start({ reason: "a\0" })).toMatchObject({ reason: "TEXT_INVALID" });
    const { operations } = await clients.operations.listOperations({}, as("refused"));
    expect(operations).toEqual([]);
  });

  it("asks the worker of a running job to stop, which learns of it when it renews", async () => {
    await enqueue("stops", 1);
    const lease = await claim("stops");
    const { operation } = await clients.operations.startOperation(
      { target: all, action: { case: "cancel", value: { grace: seconds(600n) } } },
      as("stops"),
    );
    const done = await ended(clients, "stops", operation?.operationId ?? "");
    expect(done).toMatchObject({ applied: 1n });
    const { verdicts } = await clients.taskRunner.renewLeases({ leases: [lease] }, as("stops"));
    expect(verdicts[0]?.verdict).toBe(LeaseVerdict.CANCELLED);
    const failures = [{ lease, completionId: randomUUID(), failure: { message: "stopped" } }];
    await clients.taskRunner.failAttempts({ failures }, as("stops"));
    const { job } = await clients.jobs.getJob({ jobId: lease.jobId }, as("stops"));
    expect(job?.state).toBe(JobState.CANCELLED);
  });

  it("gives an attempt more time, of which its worker learns when it renews", async () => {
    await enqueue("time", 1);
    const lease = await claim("time");
    const renew = async () =>
      (await clients.taskRunner.renewLeases({ leases: [lease] }, as("time"))).verdicts[0];
    expect((await renew())?.attemptTimeLeft).toBeUndefined();
    const { operation } = await clients.operations.startOperation(
      {
        target: { case: "jobs", value: { jobIds: [lease.jobId] } },
        action: { case: "extendDeadline", value: { deadline: seconds(86_400n) } },
      },
      as("time"),
    );
    await ended(clients, "time", operation?.operationId ?? "");
    // Not only once: the first answer may have been lost.
    for (let time = 0; time < 2; time++) {
      const left = Number((await renew())?.attemptTimeLeft?.seconds ?? 0n);
      expect(left).toBeGreaterThan(86_300);
      expect(left).toBeLessThanOrEqual(86_400);
    }
  });
});

describe("operations that are there", () => {
  it("are listed newest first, and found by their tenant alone", async () => {
    const started: string[] = [];
    for (let one = 0; one < 3; one++) {
      const { operation } = await clients.operations.startOperation(
        { target: all, action: cancel },
        as("list"),
      );
      started.unshift(operation?.operationId ?? "");
    }
    for (const id of started) await ended(clients, "list", id);
    const list = (over: object) => clients.operations.listOperations(over, as("list"));
    const first = await list({ pageSize: 2 });
    const second = await list({ pageSize: 2, pageToken: first.nextPageToken });
    const ids = [...first.operations, ...second.operations].map((one) => one.operationId);
    expect(ids).toEqual(started);
    expect((await list({ runningOnly: true })).operations).toEqual([]);
    expect(
      await failureOf(list({ pageToken: first.nextPageToken, runningOnly: true })),
    ).toMatchObject({ code: "InvalidArgument", reason: "PAGE_TOKEN_INVALID" });
    const operationId = started[0] ?? "";
    const { operations } = clients;
    const failures = await Promise.all(
      [
        operations.getOperation({ operationId }, as("other")),
        operations.listOperationResults({ operationId }, as("other")),
        operations.stopOperation({ operationId }, as("other")),
      ].map(failureOf),
    );
    const notFound = { code: "NotFound", reason: "OPERATION_NOT_FOUND" };
    expect(failures).toMatchObject([notFound, notFound, notFound]);
    expect(
      await failureOf(operations.listOperationResults({ operationId, pageToken: "x" }, as("list"))),
    ).toMatchObject({ reason: "PAGE_TOKEN_INVALID" });
  });

  it("can be stopped, with a reason", async () => {
    await enqueue("stop", 50);
    const { operation } = await clients.operations.startOperation(
      { target: all, action: cancel, maxJobsPerSecond: 0.01 },
      as("stop"),
    );
    const operationId = operation?.operationId ?? "";
    const stop = () =>
      clients.operations.stopOperation({ operationId, reason: "enough" }, as("stop", "eve"));
    const stopped = await stop();
    expect(stopped.operation?.state).toBe(OperationState.STOPPED);
    expect(await stop()).toEqual(stopped);
    const { actions } = await clients.history.listActions(
      { targetKind: "operation", targetName: operationId },
      as("stop"),
    );
    expect(actions).toMatchObject([
      { kind: "operation_stopped", actor: "eve", reason: "enough" },
      { kind: "operation_started", actor: "ada" },
    ]);
  });

  it("cannot be stopped if they are about a run", async () => {
    const jobs = [{ name: "one", spec: { jobType: "test.echo" } }];
    const { run } = await clients.runs.createRun({ jobs }, as("run"));
    const operationId = randomUUID();
    await insertRows(database.owner(), "operation", {
      ...{ tenant: "run", id: operationId, kind: "cancel_run", state: "running", request: {} },
      ...{ request_digest: digestOf("r"), actor: "ada", reason: "", ticket: "" },
      ...{ run_id: run?.runId, next_at: new Date(Date.now() + 3_600_000) },
    });
    const stop = clients.operations.stopOperation({ operationId }, as("run"));
    expect(await failureOf(stop)).toMatchObject({
      code: "FailedPrecondition",
      reason: "OPERATION_NOT_STOPPABLE",
    });
    const { operation } = await clients.operations.getOperation({ operationId }, as("run"));
    expect(operation).toMatchObject({ state: OperationState.RUNNING, runId: run?.runId });
  });
});
