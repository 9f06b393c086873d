import { Code } from "@connectrpc/connect";
import { v7 } from "uuid";
import { expect, test } from "vitest";
import { JobState } from "../src/gen/stellaops/orchestrator/v1/job_pb.ts";
import {
  OperationKind,
  OperationState,
} from "../src/gen/stellaops/orchestrator/v1/operation_pb.ts";
import {
  type AppendJobsRequest,
  type CancelRunRequest,
  type CreateRunRequest,
  EdgeCondition,
  OnFailure,
  ReplayCause,
  type ReplayRunRequest,
  RunState,
} from "../src/gen/stellaops/orchestrator/v1/run_pb.ts";
import { away, connect, refusal } from "./connect.ts";

const uuid7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7/;

test("edges say which end of a job lets the next one go", async () => {
  const requests: CreateRunRequest[] = [];
  const createRun = (request: CreateRunRequest) => {
    requests.push(request);
    return { jobIds: request.jobs.map(({ name }) => name) };
  };
  const orch = await connect({ runs: { createRun } });
  await orch.createRun({
    keepOpen: true,
    jobs: [
      { name: "a", jobType: "a.job" },
      {
        name: "b",
        jobType: "a.job",
        dependsOn: [
          "a",
          { name: "a", onFailure: "continue" },
          { name: "a", when: "failure" },
          { name: "a", when: "completion", includeFanOut: true },
        ],
      },
    ],
  });
  const [request] = requests;
  expect(request?.keepOpen).toBe(true);
  const { UNSPECIFIED, FAILURE, COMPLETION } = EdgeCondition;
  expect(request?.jobs[1]?.dependsOn).toMatchObject([
    { name: "a", onFailure: OnFailure.UNSPECIFIED, condition: UNSPECIFIED, includeFanOut: false },
    { name: "a", onFailure: OnFailure.CONTINUE, condition: UNSPECIFIED },
    { name: "a", onFailure: OnFailure.UNSPECIFIED, condition: FAILURE },
    { name: "a", onFailure: OnFailure.UNSPECIFIED, condition: COMPLETION, includeFanOut: true },
  ]);
});

test("what is appended has names and no ids, and is repeated as it is", async () => {
  const requests: AppendJobsRequest[] = [];
  const appendJobs = (request: AppendJobsRequest) => {
    requests.push(request);
    if (requests.length === 1) throw away();
    return { jobIds: ["id-of-a", "id-of-b"], existing: 1 };
  };
  const orch = await connect({ runs: { appendJobs } });
  const runId = v7();
  const jobs = [
    { name: "a", jobType: "a.job" },
    { name: "b", jobType: "a.job", dependsOn: ["a"] },
  ];
  const appended = await orch.runs.append(runId, jobs, { close: true });
  expect(appended).toEqual({ jobIds: { a: "id-of-a", b: "id-of-b" }, existing: 1 });
  expect(requests).toHaveLength(2);
  for (const request of requests) {
    expect(request).toMatchObject({ runId, close: true });
    expect(request.fanOut).toBeUndefined();
    expect(request.jobs.map(({ spec }) => spec?.jobId)).toEqual(["", ""]);
  }
});

test("cancel and replay carry ids of their own, the same when they are repeated", async () => {
  const cancels: CancelRunRequest[] = [];
  const replays: ReplayRunRequest[] = [];
  const orch = await connect({
    runs: {
      cancelRun(request) {
        cancels.push(request);
        if (cancels.length === 1) throw away();
        const { requestId: operationId, runId } = request;
        const counts = { matching: 3n, applied: 1n, unchanged: 1n, refused: 1n };
        const kind = OperationKind.CANCEL_RUN;
        return { operation: { operationId, runId, kind, state: OperationState.DONE, ...counts } };
      },
      replayRun(request) {
        replays.push(request);
        if (replays.length === 1) throw away();
        const jobs = [{ name: "a", jobId: "1", cause: ReplayCause.REUSED, state: JobState.DEAD }];
        const counts = { jobs, runningCount: 0, reusedCount: 1 };
        return request.dryRun ? counts : { ...counts, run: { runId: request.requestId } };
      },
    },
  });
  const runId = v7();
  const why = { reason: "wrong input", ticket: "OPS-1" };
  const operation = await orch.runs.cancel(runId, { ...why, graceMs: 1500 });
  expect(operation).toMatchObject({ runId, kind: "cancel_run", state: "done", matching: 3 });
  expect(operation.operationId).toMatch(uuid7);
  expect(cancels.map(({ requestId }) => requestId)).toEqual([
    operation.operationId,
    operation.operationId,
  ]);
  expect(cancels[0]).toMatchObject({ ...why, grace: { seconds: 1n, nanos: 500_000_000 } });

  const replay = await orch.runs.replay(runId, { ...why, jobNames: ["a"], rerunUpstream: true });
  expect(replay).toMatchObject({ runId: replays[0]?.requestId, runningCount: 0, reusedCount: 1 });
  expect(replay.jobs).toEqual([{ name: "a", jobId: "1", cause: "reused", state: "dead" }]);
  expect(replays[1]).toMatchObject({ requestId: replays[0]?.requestId, jobNames: ["a"] });
  expect(replays[1]).toMatchObject({ includeDownstream: false, rerunUpstream: true });
  const dry = await orch.runs.replay(runId, { dryRun: true });
  expect(dry.runId).toBeUndefined();
});

test("a run says whether it is open, replayed, made from a pipeline", async () => {
  const orch = await connect({
    runs: {
      getRun: ({ runId }) => ({
        run: {
          runId,
          state: RunState.FAILED,
          skipped: 2,
          cancelRequested: true,
          building: true,
          replayOf: "first",
          pipeline: "nightly",
          pipelineVersion: 4,
        },
        jobs: [{ jobId: "1", state: JobState.CANCELLED, skipped: true }],
        edges: [{ fromJobId: "1", toJobId: "2", condition: EdgeCondition.FAILURE }],
        truncated: true,
      }),
      closeRun({ runId }) {
        if (runId === "") throw refusal(Code.NotFound, "RUN_NOT_FOUND");
        return { run: { runId, open: false } };
      },
    },
  });
  const run = await orch.getRun(v7());
  expect(run).toMatchObject({ state: "failed", skipped: 2, isOpen: false, isTruncated: true });
  expect(run).toMatchObject({ isCancelRequested: true, isBuilding: true, replayOf: "first" });
  expect(run).toMatchObject({ pipeline: "nightly", pipelineVersion: 4 });
  expect(run.jobs).toMatchObject([{ jobId: "1", isSkipped: true, window: undefined }]);
  expect(run.edges).toMatchObject([{ when: "failure", includesFanOut: false }]);
  expect(await orch.runs.close("r-1")).toMatchObject({ runId: "r-1", isOpen: false });
  await expect(orch.runs.close("")).rejects.toMatchObject({ reason: "RUN_NOT_FOUND" });
});
