import { randomUUID } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import { type ServerHere, startServerHere } from "../../../test/support/server.ts";
import { FailureClass } from "../gen/stellaops/orchestrator/v1/failure_pb.ts";
import { JobState } from "../gen/stellaops/orchestrator/v1/job_pb.ts";
import { OperationService, OperationState } from "../gen/stellaops/orchestrator/v1/operation_pb.ts";
import {
  EdgeCondition,
  OnFailure,
  ReplayCause,
  type RunJobSchema,
  RunState,
} from "../gen/stellaops/orchestrator/v1/run_pb.ts";
import type { Offer } from "../gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import { newId } from "../lib/ids.ts";
import { failureOf } from "./testing/clients.ts";
import { clientsFor, type TenantClients } from "./testing/replicas.ts";
import { leaseOf } from "./testing/worker-stream.ts";

type RunJob = MessageInitShape<typeof RunJobSchema>;

let database: TestDatabase;
let server: ServerHere;
let tenants = 0;
let clients: TenantClients;
let operations: Client<typeof OperationService>;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startServerHere(database.url);
});
afterAll(async () => {
  await server.stop();
  await database.drop();
});

const namesOf = (values: Readonly<Record<string, number>>) =>
  new Map(Object.entries(values).map(([name, value]) => [value, name]));
const STATES = namesOf(JobState);
const CAUSES = namesOf(ReplayCause);

/** Begins as a tenant of its own. */
function anew() {
  const tenant = `grow-${++tenants}`;
  clients = clientsFor(server.url, tenant);
  const transport = createGrpcTransport({
    baseUrl: server.url,
    interceptors: [
      (next) => (request) => {
        request.header.set("orch-tenant", tenant);
        request.header.set("orch-actor", "ada");
        return next(request);
      },
    ],
  });
  operations = createClient(OperationService, transport);
}

type Edge = NonNullable<RunJob["dependsOn"]>[number];

const job = (name: string, ...dependsOn: (string | Edge)[]): RunJob => ({
  name,
  spec: { jobType: "test.echo" },
  dependsOn: dependsOn.map((on) => (typeof on === "string" ? { name: on } : on)),
});

const create = async (jobs: RunJob[], keepOpen = false) => {
  const { run } = await clients.runs.createRun({ jobs, keepOpen });
  return run?.runId ?? "";
};

const claim = async (): Promise<Offer[]> => {
  const wait = { seconds: 5n };
  const request = { workerId: "w", jobTypes: ["test.echo"], maxJobs: 100, wait };
  return (await clients.runner.claimJobs({ claimRequestId: randomUUID(), ...request })).jobs;
};

const one = async (): Promise<Offer> => {
  const offers = await claim();
  expect(offers).toHaveLength(1);
  return offers[0] as Offer;
};

const complete = (...offers: Offer[]) =>
  clients.runner.completeAttempts({
    completions: offers.map((offer) => ({ lease: leaseOf(offer), completionId: randomUUID() })),
  });

const fail = (offer: Offer) =>
  clients.runner.failAttempts({
    failures: [
      {
        ...{ lease: leaseOf(offer), completionId: randomUUID() },
        failure: { failureClass: FailureClass.USER, message: "no", terminal: true },
      },
    ],
  });

/** The run as it is, its jobs' states by name. */
async function look(runId: string) {
  const { run, jobs, ...rest } = await clients.runs.getRun({ runId });
  const states = Object.fromEntries(jobs.map((one) => [one.name, STATES.get(one.state)]));
  return { run, jobs, states, ...rest };
}

const done = async (operationId: string) => {
  await expect
    .poll(async () => (await operations.getOperation({ operationId })).operation?.state, {
      timeout: 10_000,
    })
    .toBe(OperationState.DONE);
  return (await operations.getOperation({ operationId })).operation;
};

describe("edges", () => {
  it("follow their conditions, and skipped jobs do not count against a run", async () => {
    anew();
    const runId = await create([
      job("a"),
      job("cleanup", { name: "a", condition: EdgeCondition.FAILURE }),
      job("always", { name: "cleanup", condition: EdgeCondition.COMPLETION }),
      job("next", { name: "cleanup", onFailure: OnFailure.CONTINUE }),
    ]);
    await complete(await one());
    await complete(...(await claim()));
    const { run, states } = await look(runId);
    expect(states).toEqual({
      a: "SUCCEEDED",
      cleanup: "CANCELLED",
      always: "SUCCEEDED",
      next: "SUCCEEDED",
    });
    expect(run).toMatchObject({ state: RunState.SUCCEEDED, skipped: 1, open: false });
  });

  it("are refused when a job can never start, all of them at once", async () => {
    anew();
    const jobs = [job("a", "nobody"), job("b", "a"), job("x", "y"), job("y", "x")];
    expect(await failureOf(clients.runs.createRun({ jobs }))).toMatchObject({
      code: "InvalidArgument",
      reason: "GRAPH_UNKNOWN_JOB",
      violations: ["jobs[0].depends_on[0].name", "jobs[2].depends_on", "jobs[1].depends_on"],
    });
    const both = { name: "a", condition: EdgeCondition.FAILURE };
    const split = [job("a"), job("b", "a"), job("c", both), job("d", "b", "c")];
    expect(await failureOf(clients.runs.createRun({ jobs: split }))).toMatchObject({
      reason: "GRAPH_UNREACHABLE",
      violations: ["jobs[3].depends_on"],
    });
  });
});

describe("AppendJobs", () => {
  it("adds to an open run, again without a change, and not to a closed one", async () => {
    anew();
    const runId = await create([job("a")], true);
    await complete(await one());
    expect((await look(runId)).run?.state).toBe(RunState.ACTIVE);
    const jobs = [job("b", "a"), job("c", "b")];
    const first = await clients.runs.appendJobs({ runId, jobs });
    expect(first).toMatchObject({ existing: 0 });
    const again = await clients.runs.appendJobs({ runId, jobs, close: true });
    expect(again).toMatchObject({ existing: 2, jobIds: first.jobIds });
    expect(await clients.runs.appendJobs({ runId, jobs })).toMatchObject({ existing: 2 });
    const late = clients.runs.appendJobs({ runId, jobs: [job("d")] });
    expect(await failureOf(late)).toMatchObject({ reason: "RUN_CLOSED" });
    await complete(await one());
    await complete(await one());
    expect((await look(runId)).run).toMatchObject({ state: RunState.SUCCEEDED, open: false });
    expect(await clients.runs.closeRun({ runId })).toMatchObject({ run: { open: false } });
  });

  it("lets a handler fan out, and what joins waits for all of it", async () => {
    anew();
    const runId = await create([job("split"), job("join", { name: "split", includeFanOut: true })]);
    const split = await one();
    const fanOut = leaseOf(split);
    const parts = ["p1", "p2"].map((name) => job(name));
    await clients.runs.appendJobs({ runId, fanOut, jobs: parts });
    await complete(split);
    const [first, second] = await claim();
    await complete(first as Offer);
    // What a part appends, the join waits for, too.
    const more = { runId, fanOut: leaseOf(second as Offer), jobs: [job("p3")] };
    await clients.runs.appendJobs(more);
    await complete(second as Offer);
    expect((await look(runId)).states).toMatchObject({ join: "BLOCKED", p3: "READY" });
    await complete(await one());
    expect((await look(runId)).states).toMatchObject({ join: "READY" });
    expect(await failureOf(clients.runs.appendJobs({ ...more, jobs: [job("p4")] }))).toMatchObject({
      code: "FailedPrecondition",
      reason: "STALE_LEASE",
    });
  });

  it("refuses what it cannot do, and writes nothing of it", async () => {
    anew();
    const runId = await create([job("split"), job("join", { name: "split", includeFanOut: true })]);
    const other = await create([job("other")]);
    const offers = await claim();
    const [otherJob] = (await look(other)).jobs;
    const ofOther = offers.find(({ lease }) => lease?.jobId === otherJob?.jobId) as Offer;
    const split = offers.find((offer) => offer !== ofOther) as Offer;
    const append = (over: Parameters<TenantClients["runs"]["appendJobs"]>[0]) =>
      failureOf(clients.runs.appendJobs({ runId, jobs: [job("x")], ...over }));
    expect(await append({ runId: newId() })).toMatchObject({ reason: "RUN_NOT_FOUND" });
    expect(await append({ fanOut: leaseOf(ofOther) })).toMatchObject({ reason: "JOB_NOT_IN_RUN" });
    const fanOut = leaseOf(split);
    // "join" waits for what "split" appends: that cannot wait for "join".
    const cycle = await append({ fanOut, jobs: [job("x", "join")] });
    expect(cycle).toMatchObject({ reason: "GRAPH_CYCLE", violations: ["jobs[0].depends_on"] });
    const spec = { jobType: "test.other" };
    const named = await append({ fanOut, jobs: [{ name: "join", spec }] });
    expect(named).toMatchObject({ code: "AlreadyExists", reason: "JOB_NAME_CONFLICT" });
    const unknown = await append({ fanOut, jobs: [job("x", "nobody")] });
    expect(unknown).toMatchObject({ reason: "GRAPH_UNKNOWN_JOB" });
    expect((await look(runId)).jobs).toHaveLength(2);
  });

  it("ends at once what depends on a job that failed", async () => {
    anew();
    const runId = await create([job("a")], true);
    await fail(await one());
    await clients.runs.appendJobs({
      runId,
      jobs: [
        job("lost", "a"),
        job("behind", "lost"),
        job("rescue", { name: "a", condition: EdgeCondition.FAILURE }),
        job("held", { name: "a", onFailure: OnFailure.HOLD }),
      ],
    });
    expect((await look(runId)).states).toEqual({
      ...{ a: "DEAD", lost: "CANCELLED", behind: "CANCELLED", rescue: "READY", held: "BLOCKED" },
    });
  });
});

describe("CancelRun", () => {
  it("cancels every job, lets nothing start meanwhile, and says how far it is", async () => {
    anew();
    const always = { name: "a", condition: EdgeCondition.COMPLETION };
    const runId = await create([job("a"), job("b", "a"), job("c", always)], true);
    const running = await one();
    const request = { runId, requestId: randomUUID(), reason: "wrong data" };
    const { operation } = await clients.runs.cancelRun(request);
    await complete(running);
    expect(await done(operation?.operationId ?? "")).toMatchObject({ runId });
    const { run, states } = await look(runId);
    expect(states).toEqual({ a: "SUCCEEDED", b: "CANCELLED", c: "CANCELLED" });
    expect(run).toMatchObject({ state: RunState.CANCELLED, cancelRequested: true, open: false });
    expect((await clients.runs.cancelRun(request)).operation?.operationId).toBe(request.requestId);
    const append = clients.runs.appendJobs({ runId, jobs: [job("late")] });
    expect(await failureOf(append)).toMatchObject({ reason: "RUN_CANCELLED" });
    for (const over of [{ grace: { seconds: 1n } }, { reason: "another" }, { ticket: "OPS-1" }]) {
      const other = clients.runs.cancelRun({ ...request, ...over });
      expect(await failureOf(other)).toMatchObject({ reason: "REQUEST_ID_CONFLICT" });
    }
    const nothing = clients.runs.cancelRun({ runId: newId() });
    expect(await failureOf(nothing)).toMatchObject({ reason: "RUN_NOT_FOUND" });
  });
});

describe("ReplayRun", () => {
  it("runs again what failed and what depends on it, and reuses the rest", async () => {
    anew();
    const runId = await create([job("a"), job("b", "a"), job("c", "a"), job("d", "b", "c")]);
    await complete(await one());
    const [first, second] = await claim();
    expect(await failureOf(clients.runs.replayRun({ runId }))).toMatchObject({
      reason: "RUN_ACTIVE",
    });
    await complete(first as Offer);
    await fail(second as Offer);
    const failed = second?.lease?.jobId;
    const dry = await clients.runs.replayRun({ runId, dryRun: true });
    expect(dry).toMatchObject({ runningCount: 2, reusedCount: 2 });
    expect(dry.run).toBeUndefined();
    expect(dry.jobs.find(({ jobId }) => jobId === failed)).toMatchObject({
      cause: ReplayCause.NOT_SUCCEEDED,
      state: JobState.DEAD,
    });
    const requestId = newId();
    const request = { runId, requestId, reason: "fixed" };
    const made = await clients.runs.replayRun(request);
    expect(made).toMatchObject({ runningCount: 2, run: { runId: requestId, replayOf: runId } });
    await done(requestId);
    const again = await clients.runs.replayRun(request);
    expect(again).toMatchObject({ alreadyExisted: true, runningCount: 2, jobs: made.jobs });
    const other = clients.runs.replayRun({ ...request, reason: "another" });
    expect(await failureOf(other)).toMatchObject({ reason: "REQUEST_ID_CONFLICT" });
    await complete(await one());
    await complete(await one());
    const replay = await look(requestId);
    expect(replay.run).toMatchObject({ state: RunState.SUCCEEDED, building: false });
    expect(replay.jobs.filter((one) => one.runId === runId)).toHaveLength(2);
    expect(replay.edges).toHaveLength(1);
    expect((await look(runId)).run?.state).toBe(RunState.FAILED);
  });

  it("of a replay reuses what that reused, and says so", async () => {
    anew();
    const first = await create([job("a"), job("a2"), job("b", "a", "a2")]);
    for (const offer of await claim()) await complete(offer);
    await fail(await one());
    const second = (await clients.runs.replayRun({ runId: first })).run?.runId ?? "";
    await done(second);
    await fail(await one());
    const again = await clients.runs.replayRun({ runId: second });
    expect(again).toMatchObject({ runningCount: 1, reusedCount: 2 });
    expect(again.jobs).toMatchObject([
      { name: "a", cause: ReplayCause.REUSED },
      { name: "a2", cause: ReplayCause.REUSED },
      { name: "b", cause: ReplayCause.NOT_SUCCEEDED },
    ]);
    const third = again.run?.runId ?? "";
    await done(third);
    expect((await look(third)).jobs.filter((one) => one.runId === first)).toHaveLength(2);
    await complete(await one());
  });

  it("chooses by name, downstream and upstream, and refuses what is not there", async () => {
    anew();
    const runId = await create([job("a"), job("b", "a"), job("c", "b")]);
    for (let left = 3; left > 0; left--) await complete(await one());
    const dry = async (over: object) =>
      (await clients.runs.replayRun({ runId, dryRun: true, ...over })).jobs.map(
        ({ name, cause }) => `${name} ${CAUSES.get(cause)}`,
      );
    expect(await dry({ jobNames: ["b"] })).toEqual(["a REUSED", "b SELECTED"]);
    expect(await dry({ jobNames: ["b"], includeDownstream: true, rerunUpstream: true })).toEqual([
      ...["a UPSTREAM", "b SELECTED", "c DOWNSTREAM"],
    ]);
    const replay = (over: object) => failureOf(clients.runs.replayRun({ runId, ...over }));
    expect(await replay({})).toMatchObject({ reason: "NOTHING_TO_REPLAY" });
    expect(await replay({ jobNames: ["z"] })).toMatchObject({ reason: "JOB_NOT_FOUND" });
    expect(await replay({ runId: newId() })).toMatchObject({ reason: "RUN_NOT_FOUND" });
    const taken = { requestId: runId, jobNames: ["a"] };
    expect(await replay(taken)).toMatchObject({ reason: "REQUEST_ID_CONFLICT" });
  });
});

describe("a large run", () => {
  it("is told without its jobs, and is too large to be watched", async () => {
    anew();
    const many = (from: number) => Array.from({ length: 600 }, (_, at) => job(`${from + at}`));
    const runId = await create(many(0), true);
    const states = clients.jobs.watchJobs({ target: { case: "runId", value: runId } });
    const watched = states[Symbol.asyncIterator]();
    await watched.next();
    await clients.runs.appendJobs({ runId, jobs: many(600) });
    const { run, jobs, truncated } = await look(runId);
    expect({ truncated, jobs }).toEqual({ truncated: true, jobs: [] });
    expect(run?.counts).toMatchObject([{ state: JobState.READY, count: 1_200 }]);
    const drain = async () => {
      while ((await watched.next()).done !== true);
    };
    expect(await failureOf(drain())).toMatchObject({ reason: "RUN_TOO_LARGE" });
    const begin = async () => {
      for await (const _ of clients.jobs.watchJobs({ target: { case: "runId", value: runId } }));
    };
    expect(await failureOf(begin())).toMatchObject({ reason: "RUN_TOO_LARGE" });
  });

  it("is watched while it grows, until it is closed", async () => {
    anew();
    const runId = await create([job("a")], true);
    const seen: string[] = [];
    const watch = (async () => {
      const target = { case: "runId", value: runId } as const;
      for await (const { jobs } of clients.jobs.watchJobs({ target })) {
        seen.push(...jobs.map((one) => `${one.name} ${STATES.get(one.state)}`));
      }
    })();
    await complete(await one());
    await expect.poll(() => seen).toContain("a SUCCEEDED");
    await clients.runs.appendJobs({ runId, jobs: [job("b", "a")] });
    await complete(await one());
    await expect.poll(() => seen).toContain("b SUCCEEDED");
    await clients.runs.closeRun({ runId });
    await watch;
  });
});
