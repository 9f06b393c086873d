import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findGrpcurl, grpcurl } from "../../server/src/rpc/testing/grpcurl.ts";
import { openStage, type Stage } from "../support/stage.ts";

// What README shows, with the real program. The steps build on each other.

const PACKAGE = "stellaops.orchestrator.v1";
const found = await findGrpcurl();

let stage: Stage;
let url: string;

beforeAll(async () => {
  stage = await openStage();
  ({ url } = await stage.server({ policy: { leaseTtl: "600s" } }));
});
afterAll(async () => {
  await stage.close();
  // Once more at the end, where it is seen.
  if (found === undefined) process.stderr.write("\nLEFT OUT: the session with grpcurl\n\n");
});

const run = async (...args: string[]) => {
  const { stdout, stderr, exitCode } = await grpcurl(found ?? "", url, args);
  expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
  return stdout;
};

/** Calls an RPC with a request in JSON. */
// biome-ignore lint/suspicious/noExplicitAny: answers are looked at by matchers alone
const call = async (method: string, request: object): Promise<any> => {
  const { stdout, stderr, exitCode } = await grpcurl(
    found ?? "",
    url,
    [`${PACKAGE}.${method}`],
    ["-d", JSON.stringify(request)],
  );
  expect({ method, stderr, exitCode }).toEqual({ method, stderr: "", exitCode: 0 });
  return JSON.parse(stdout);
};

const claim = (jobType: string) =>
  call("TaskRunnerService/ClaimJobs", {
    claimRequestId: randomUUID(),
    workerId: "grpcurl",
    jobTypes: [jobType],
  });

describe.runIf(found)("a session with grpcurl", { timeout: 60_000 }, () => {
  it("lists and describes", async () => {
    const services = (await run("list")).trim().split("\n");
    const names = ["TaskRunnerService", "JobService", "RunService", "ArtifactService"];
    for (const name of [...names, "SourceService", "FlowControlService"]) {
      expect(services).toContain(`${PACKAGE}.${name}`);
    }
    expect(services).toContain("grpc.health.v1.Health");
    expect(await run("list", `${PACKAGE}.JobService`)).toContain(`${PACKAGE}.JobService.GetJob`);
    expect(await run("describe", `${PACKAGE}.JobService.EnqueueJobs`)).toContain("rpc EnqueueJobs");
    expect(await run("describe", `${PACKAGE}.JobSpec`)).toContain("string job_type = 2");
  });

  it("takes a job from enqueue to its result", async () => {
    const spec = {
      jobType: "demo.greet",
      payload: Buffer.from('{"name":"you"}').toString("base64"),
    };
    const { results } = await call("JobService/EnqueueJobs", { jobs: [spec] });
    const { jobId, outcome } = results[0];
    expect(outcome).toBe("ENQUEUE_OUTCOME_CREATED");
    const explained = await call("JobService/ExplainJob", { jobId });
    expect(explained).toMatchObject({ state: "JOB_STATE_READY", blockedBy: { workers: {} } });

    const { jobs } = await claim("demo.greet");
    const { lease } = jobs[0];
    expect(lease).toMatchObject({ jobId, attempt: 1, leaseEpoch: "1" });
    expect(jobs[0].spec.payload).toBe(spec.payload);
    const { verdicts } = await call("TaskRunnerService/RenewLeases", { leases: [lease] });
    expect(verdicts[0].verdict).toBe("LEASE_VERDICT_RENEWED");
    const progress = { fraction: 0.5, message: "half" };
    const reported = await call("TaskRunnerService/ReportProgress", {
      reports: [{ lease, progress }],
    });
    expect(reported.results[0].verdict).toBe("WRITE_VERDICT_APPLIED");
    expect((await call("JobService/GetJob", { jobId })).job).toMatchObject({
      state: "JOB_STATE_RUNNING",
      workerId: "grpcurl",
      progress,
    });
    const checked = await call("TaskRunnerService/CheckLease", { lease });
    expect(checked).toMatchObject({ current: true, newestLeaseEpoch: "1" });

    const result = Buffer.from("hello").toString("base64");
    const completion = { lease, completionId: randomUUID(), result };
    const complete = () =>
      call("TaskRunnerService/CompleteAttempts", { completions: [completion] });
    expect((await complete()).results[0].verdict).toBe("WRITE_VERDICT_APPLIED");
    expect((await complete()).results[0].verdict).toBe("WRITE_VERDICT_ALREADY_APPLIED");
    const ended = await call("TaskRunnerService/CheckLease", { lease });
    expect(ended).toEqual({ newestLeaseEpoch: "1" });
    const { job, attempts } = await call("JobService/GetJob", { jobId });
    expect(job).toMatchObject({ state: "JOB_STATE_SUCCEEDED", result });
    expect(attempts).toHaveLength(1);
    const { events } = await call("JobService/ListJobEvents", { jobId });
    const kinds = events.map((event: { kind: string }) => event.kind);
    expect(kinds).toEqual(["enqueued", "started", "succeeded"]);
  });

  it("cancels, fails and retries", async () => {
    const jobs = [{ jobType: "demo.stop" }, { jobType: "demo.fail" }];
    const { results } = await call("JobService/EnqueueJobs", { jobs });
    const [stop, fail] = results.map((one: { jobId: string }) => one.jobId);
    const cancelled = await call("JobService/CancelJobs", { jobIds: [stop], reason: "no need" });
    expect(cancelled.results).toEqual([
      { jobId: stop, outcome: "CANCEL_OUTCOME_CANCELLED", state: "JOB_STATE_CANCELLED" },
    ]);
    const { lease } = (await claim("demo.fail")).jobs[0];
    const failure = { failureClass: "FAILURE_CLASS_PARSE_ERROR", message: "bad", terminal: true };
    const failed = await call("TaskRunnerService/FailAttempts", {
      failures: [{ lease, completionId: randomUUID(), failure }],
    });
    expect(failed.results[0]).toMatchObject({
      verdict: "WRITE_VERDICT_APPLIED",
      state: "JOB_STATE_DEAD",
    });
    const retried = await call("JobService/RetryJobs", { jobIds: [fail] });
    expect(retried.results).toEqual([
      { jobId: fail, outcome: "RETRY_OUTCOME_READY", state: "JOB_STATE_READY" },
    ]);
    const again = (await claim("demo.fail")).jobs[0].lease;
    expect(again).toMatchObject({ jobId: fail, attempt: 2, leaseEpoch: "2" });
    const release = { lease: again, reason: "RELEASE_REASON_UNSTARTED" };
    const released = await call("TaskRunnerService/ReleaseLeases", { releases: [release] });
    expect(released.results[0]).toMatchObject({ state: "JOB_STATE_READY" });
  });

  it("makes a run and shows it", async () => {
    const spec = { jobType: "demo.step" };
    const jobs = [
      { name: "scan", spec },
      { name: "merge", spec, dependsOn: [{ name: "scan", onFailure: "ON_FAILURE_HOLD" }] },
    ];
    const made = await call("RunService/CreateRun", { displayName: "nightly", jobs });
    expect(made.jobIds).toHaveLength(2);
    const { runId } = made.run;
    const shown = await call("RunService/GetRun", { runId });
    expect(shown.run).toMatchObject({ runId, state: "RUN_STATE_ACTIVE", displayName: "nightly" });
    expect(shown.jobs.map((job: { state: string }) => job.state)).toEqual([
      "JOB_STATE_READY",
      "JOB_STATE_BLOCKED",
    ]);
    const [fromJobId, toJobId] = made.jobIds;
    const policy = { onFailure: "ON_FAILURE_HOLD", condition: "EDGE_CONDITION_SUCCESS" };
    expect(shown.edges).toEqual([{ fromJobId, toJobId, ...policy }]);
    const explained = await call("JobService/ExplainJob", { jobId: toJobId });
    expect(explained.blockedBy).toEqual({ dependency: { jobIds: [fromJobId], count: 1 } });
  });

  it("shows a graph's fault with the edge's name", async () => {
    const jobs = [{ name: "a", spec: { jobType: "demo.step" }, dependsOn: [{ name: "b" }] }];
    const flags = ["-d", JSON.stringify({ jobs })];
    const method = `${PACKAGE}.RunService/CreateRun`;
    const { stderr, exitCode } = await grpcurl(found ?? "", url, [method], flags);
    // grpcurl ends with 64 and the code: INVALID_ARGUMENT is 3.
    expect(exitCode).toBe(67);
    expect(stderr).toContain("GRAPH_UNKNOWN_JOB");
    expect(stderr).toContain("jobs[0].depends_on[0]");
  });
});
