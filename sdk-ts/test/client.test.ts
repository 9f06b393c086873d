import { create } from "@bufbuild/protobuf";
import { anyPack, durationFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { v7 } from "uuid";
import { afterEach, expect, test } from "vitest";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from "../src/gen/google/rpc/error_details_pb.ts";
import {
  type EnqueueJobsRequest,
  EnqueueOutcome,
  JobState,
} from "../src/gen/stellaops/orchestrator/v1/job_pb.ts";
import { type CreateRunRequest, OnFailure } from "../src/gen/stellaops/orchestrator/v1/run_pb.ts";
import { Orchestrator, OrchestratorError, type OrchestratorOptions } from "../src/index.ts";
import { type Script, ScriptedServer } from "./scripted-server.ts";

const undo: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function connect(script: Script, options: OrchestratorOptions = {}): Promise<Orchestrator> {
  const server = await ScriptedServer.start(script);
  const orch = new Orchestrator({ url: server.url, ...options });
  undo.push(() => server.stop());
  undo.push(() => orch.close());
  return orch;
}

/** An EnqueueJobs that creates what it is sent and remembers the batches. */
function ledger(refuse: (request: EnqueueJobsRequest) => void = () => {}) {
  const batches: string[][] = [];
  const requests: EnqueueJobsRequest[] = [];
  const enqueueJobs = (request: EnqueueJobsRequest) => {
    batches.push(request.jobs.map((job) => job.jobType));
    requests.push(request);
    refuse(request);
    return {
      results: request.jobs.map(({ jobId }) => ({ jobId, outcome: EnqueueOutcome.CREATED })),
    };
  };
  return { batches, requests, enqueueJobs };
}

const badFields = (fieldViolations: { field: string; description: string }[]) =>
  new ConnectError("bad fields", Code.InvalidArgument, undefined, [
    { desc: ErrorInfoSchema, value: { reason: "INVALID", domain: "orchestrator.stellaops" } },
    { desc: BadRequestSchema, value: { fieldViolations } },
  ]);

const unavailable = (retryMs?: number) =>
  new ConnectError("away", Code.Unavailable, undefined, [
    ...(retryMs === undefined
      ? []
      : [{ desc: RetryInfoSchema, value: { retryDelay: durationFromMs(retryMs) } }]),
  ]);

test("calls of one tick share a batch, and what waits behind it shares the next", async () => {
  const { batches, requests, enqueueJobs } = ledger();
  const orch = await connect({ jobs: { enqueueJobs } });
  const first = Array.from({ length: 5 }, (_, index) => orch.enqueue(`a.job${index}`, { index }));
  const jobs = await Promise.all(first);
  expect(batches).toEqual([["a.job0", "a.job1", "a.job2", "a.job3", "a.job4"]]);
  expect(jobs.every(({ outcome }) => outcome === "created")).toBe(true);
  const sent = requests[0]?.jobs.map(({ jobId }) => jobId) ?? [];
  expect(jobs.map(({ jobId }) => jobId)).toEqual(sent);
  expect(sent).toEqual([...sent].sort());
});

test("a large batch is split at the contract's item limit", async () => {
  const { batches, enqueueJobs } = ledger();
  const orch = await connect({ jobs: { enqueueJobs } });
  await Promise.all(Array.from({ length: 2500 }, () => orch.enqueue("a.job")));
  expect(batches.map(({ length }) => length)).toEqual([1000, 1000, 500]);
});

test("one bad item never fails its neighbours, named or not", async () => {
  for (const isNamed of [true, false]) {
    const { batches, enqueueJobs } = ledger((request) => {
      const index = request.jobs.findIndex((job) => job.jobType === "BAD");
      if (index < 0) return;
      const description = "does not match";
      throw badFields(isNamed ? [{ field: `jobs[${index}].job_type`, description }] : []);
    });
    const orch = await connect({ jobs: { enqueueJobs } });
    const types = ["a.one", "BAD", "a.two"];
    const results = await Promise.allSettled(types.map((type) => orch.enqueue(type)));
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    const rejected = results[1]?.status === "rejected" ? results[1].reason : undefined;
    expect(rejected).toBeInstanceOf(OrchestratorError);
    expect(rejected).toMatchObject({ code: "invalid_argument", reason: "INVALID" });
    if (isNamed) expect(rejected.violations[0].field).toBe("jobs[0].job_type");
    expect(batches).toEqual(
      isNamed ? [types, ["a.one", "a.two"], ["BAD"]] : [types, ["a.one"], ["BAD"], ["a.two"]],
    );
  }
});

test("a call that failed for a passing reason is repeated with the same job id", async () => {
  let tries = 0;
  const { requests, enqueueJobs } = ledger(() => {
    if (++tries === 1) throw unavailable();
    if (tries === 2) throw new ConnectError("raced", Code.Aborted);
  });
  const orch = await connect({ jobs: { enqueueJobs } });
  await orch.enqueue("a.job");
  expect(new Set(requests.map(({ jobs }) => jobs[0]?.jobId)).size).toBe(1);
  expect(requests).toHaveLength(3);
});

test("an answer that was lost is found again: a duplicate of our own try is ours", async () => {
  let tries = 0;
  const script: Script = {
    jobs: {
      enqueueJobs: ({ jobs }) => {
        if (++tries === 1) throw unavailable();
        const [mine, other] = jobs;
        return {
          results: [
            { jobId: mine?.jobId ?? "", outcome: EnqueueOutcome.DUPLICATE },
            { jobId: `${other?.idempotencyKey}`, outcome: EnqueueOutcome.DUPLICATE },
          ],
        };
      },
    },
  };
  const orch = await connect(script);
  const results = await orch.enqueueMany([
    { jobType: "a.job" },
    { jobType: "a.job", idempotencyKey: "known" },
  ]);
  expect(results).toMatchObject([{ outcome: "created" }, { outcome: "duplicate", jobId: "known" }]);
});

test("a rejected item carries its reason and metadata", async () => {
  const info = create(ErrorInfoSchema, {
    reason: "IDEMPOTENCY_CONFLICT",
    domain: "orchestrator.stellaops",
    metadata: { digest: "sha256:aa" },
  });
  const violations = create(BadRequestSchema, {
    fieldViolations: [{ field: "idempotency_key", description: "taken" }],
  });
  const error = {
    code: Code.AlreadyExists,
    message: "other content",
    details: [anyPack(ErrorInfoSchema, info), anyPack(BadRequestSchema, violations)],
  };
  const outcome = EnqueueOutcome.REJECTED;
  const orch = await connect({ jobs: { enqueueJobs: () => ({ results: [{ outcome, error }] }) } });
  await expect(orch.enqueue("a.job", {}, { idempotencyKey: "k" })).rejects.toMatchObject({
    code: "already_exists",
    reason: "IDEMPOTENCY_CONFLICT",
    metadata: { digest: "sha256:aa" },
    violations: [{ field: "idempotency_key", description: "taken" }],
    isRetryable: false,
  });
});

test("the deadline ends the repetition, and RetryInfo is a floor under the delay", async () => {
  const getJob = () => {
    throw unavailable(5_000);
  };
  const orch = await connect({ jobs: { getJob } }, { timeoutMs: 300 });
  await expect(orch.getJob(v7())).rejects.toMatchObject({
    code: "unavailable",
    retryAfterMs: 5000,
    isRetryable: true,
  });
});

test("a server that is not there is unavailable, and a signal gives the call up", async () => {
  const orch = new Orchestrator({ url: "http://127.0.0.1:9", timeoutMs: 200 });
  await expect(orch.getJob(v7())).rejects.toMatchObject({ code: "unavailable" });
  const stop = new AbortController();
  const waiting = orch.getJob(v7(), { signal: stop.signal, timeoutMs: 60_000 });
  stop.abort();
  await expect(waiting).rejects.toMatchObject({ reason: "CALL_ABORTED", code: "cancelled" });
  const withdrawn = orch.enqueue("a.job", {}, { signal: stop.signal });
  await expect(withdrawn).rejects.toMatchObject({ reason: "CALL_ABORTED" });
  await orch.close();
  await expect(orch.enqueue("a.job")).rejects.toMatchObject({ reason: "CLIENT_CLOSED" });
});

test("more than the queue takes is refused, not held", async () => {
  const { enqueueJobs } = ledger();
  const orch = await connect({ jobs: { enqueueJobs } }, { maxQueuedJobs: 2 });
  const results = await Promise.allSettled([1, 2, 3].map((n) => orch.enqueue("a.job", { n })));
  expect(results[2]).toMatchObject({ reason: { reason: "QUEUE_FULL", isRetryable: true } });
  expect(results.slice(0, 2).every(({ status }) => status === "fulfilled")).toBe(true);
});

test("options, tenant and trace context reach the wire", async () => {
  const { requests, enqueueJobs } = ledger();
  const tenants: (string | null)[] = [];
  const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
  const orch = await connect(
    {
      jobs: {
        enqueueJobs: (request, context) => {
          tenants.push(context.requestHeader.get("orch-tenant"));
          return enqueueJobs(request);
        },
      },
    },
    { tenant: "acme", traceContext: () => ({ traceparent, tracestate: "x=1" }) },
  );
  await orch.enqueue("a.job", { a: 1 }, { attemptDeadlineMs: 90_500, priority: 3, queue: "q" });
  await orch.enqueue("a.job", new Uint8Array([1]), { traceparent: traceparent.replace("a", "c") });
  expect(tenants).toEqual(["acme", "acme"]);
  const [first, second] = requests.map(({ jobs }) => jobs[0]);
  expect(first).toMatchObject({ traceparent, tracestate: "x=1", priority: 3, queue: "q" });
  expect(first?.payloadMediaType).toBe("application/json");
  expect(first?.attemptDeadline).toMatchObject({ seconds: 90n, nanos: 500_000_000 });
  expect(second?.traceparent).toContain("00-ca");
});

test("a run names its edges and keeps its id over repetitions", async () => {
  const requests: CreateRunRequest[] = [];
  const createRun = (request: CreateRunRequest) => {
    requests.push(request);
    if (requests.length === 1) throw unavailable();
    const jobIds = request.jobs.map(({ name }) => `id-of-${name}`);
    return { run: { runId: request.runId }, jobIds, alreadyExisted: true };
  };
  const orch = await connect({ runs: { createRun } });
  const run = await orch.createRun({
    displayName: "sbom",
    jobs: [
      { name: "scan", jobType: "sbom.scan", payload: { path: "go.mod" } },
      {
        name: "merge",
        jobType: "sbom.merge",
        dependsOn: ["scan", { name: "scan", onFailure: "hold" }],
      },
    ],
  });
  expect(run.jobIds).toEqual({ scan: "id-of-scan", merge: "id-of-merge" });
  expect(requests.map(({ runId }) => runId)).toEqual([run.runId, run.runId]);
  expect(requests[0]?.jobs[1]?.dependsOn).toMatchObject([
    { name: "scan" },
    { name: "scan", onFailure: OnFailure.HOLD },
  ]);
});

test("lists page by themselves, and only as far as they are read", async () => {
  const tokens: string[] = [];
  const listJobs = ({ pageToken }: { pageToken: string }) => {
    tokens.push(pageToken);
    const page = Number(pageToken || 0);
    const jobs = [0, 1].map((index) => ({ jobId: `${page}.${index}`, state: JobState.READY }));
    return { jobs, nextPageToken: page < 2 ? String(page + 1) : "" };
  };
  const orch = await connect({ jobs: { listJobs } });
  const ids: string[] = [];
  for await (const job of orch.listJobs({ states: ["ready"] })) ids.push(job.jobId);
  expect(ids).toEqual(["0.0", "0.1", "1.0", "1.1", "2.0", "2.1"]);
  for await (const _job of orch.listJobs()) break;
  expect(tokens).toEqual(["", "1", "2", ""]);
});

test("a watch that breaks goes on, without what it said and what is finished", async () => {
  const asked: string[][] = [];
  const script: Script = {
    jobs: {
      async *watchJobs({ target }) {
        const ids = target.case === "jobs" ? target.value.jobIds : [];
        asked.push([...ids]);
        if (asked.length === 1) {
          yield { jobs: ids.map((jobId) => ({ jobId, state: JobState.RUNNING })) };
          yield { jobs: [{ jobId: "a", state: JobState.SUCCEEDED }] };
          throw unavailable();
        }
        yield { jobs: [] };
        yield { jobs: [{ jobId: "b", state: JobState.RUNNING }] };
        yield { jobs: [{ jobId: "b", state: JobState.DEAD }] };
      },
    },
  };
  const orch = await connect(script);
  const seen: string[] = [];
  for await (const { jobId, state } of orch.watchJobs({ jobIds: ["a", "b"] })) {
    seen.push(`${jobId} ${state}`);
  }
  expect(seen).toEqual(["a running", "b running", "a succeeded", "b dead"]);
  expect(asked).toEqual([["a", "b"], ["b"]]);
});

test("a watch that its reader leaves ends on the server too", async () => {
  const ended = Promise.withResolvers<void>();
  const script: Script = {
    jobs: {
      async *watchJobs(_request, { signal }) {
        signal.addEventListener("abort", () => ended.resolve());
        yield { jobs: [{ jobId: "a", state: JobState.RUNNING }] };
        await ended.promise;
      },
    },
  };
  const orch = await connect(script);
  for await (const _job of orch.watchJobs({ runId: v7() })) break;
  await ended.promise;
});
