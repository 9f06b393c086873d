import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { FailureClass } from "../gen/stellaops/orchestrator/v1/failure_pb.ts";
import { FlowScopeKind } from "../gen/stellaops/orchestrator/v1/flow_control_pb.ts";
import { StuckCause } from "../gen/stellaops/orchestrator/v1/job_pb.ts";
import { OnFailure } from "../gen/stellaops/orchestrator/v1/run_pb.ts";
import { drive } from "./testing/driven-worker.ts";
import { type Replicas, SOON, startReplicas, type Tenant } from "./testing/replicas.ts";

const HOUR_MS = 3_600_000;

let replicas: Replicas;

beforeAll(async () => {
  const clocks = {
    stuckAfterMs: 400,
    retentionMs: 2 * HOUR_MS,
    deadLetterRetentionMs: 3 * HOUR_MS,
    operationRetentionMs: 4 * HOUR_MS,
  };
  replicas = await startReplicas(2, {}, clocks);
});
afterEach(() => replicas.cut());
afterAll(() => replicas.close());

/** What both replicas say that a job is stuck for, waiting until they say so. */
async function stuckFor(tenant: Tenant, jobId: string, cause: StuckCause | undefined) {
  for (const replica of [0, 1]) {
    const { jobs } = tenant.on(replica);
    await expect
      .poll(async () => (await jobs.explainJob({ jobId })).stuck?.cause, SOON)
      .toBe(cause);
  }
  return (await tenant.on().jobs.explainJob({ jobId })).stuck;
}

const stuckEvents = async (tenant: Tenant, jobId: string) => {
  const { events } = await tenant.on().jobs.listJobEvents({ jobId });
  return events.filter(({ kind }) => kind === "stuck").map(({ reason }) => reason);
};

describe("stuck work", () => {
  it("is a job that no worker takes, until one comes to any replica", async () => {
    const tenant = replicas.tenant();
    const [oldest = "", later = ""] = await tenant.enqueue(2);
    const stuck = await stuckFor(tenant, later, StuckCause.NO_WORKER);
    expect(stuck?.advice).toMatch(/connect a worker that takes test.echo .*taken out/);
    expect(stuck?.since).toBeDefined();
    expect(await stuckEvents(tenant, oldest)).toEqual([stuck?.advice]);
    expect(await stuckEvents(tenant, later)).toEqual([]);
    expect(await tenant.blockedBy(later, "workers")).toMatchObject({ capableWorkers: 0 });
    // It takes the first and has no slot for the second.
    await tenant.worker(1, {}, 1).offered(1);
    for (const replica of [0, 1]) {
      await expect
        .poll(async () => (await tenant.explain(later, replica)).value, SOON)
        .toMatchObject({ capableWorkers: 1 });
    }
    expect(await stuckFor(tenant, later, undefined)).toBeUndefined();
  });

  it("is a lane that an operator shut without an end, until it is opened", async () => {
    const tenant = replicas.tenant();
    tenant.worker(1);
    const scope = { kind: FlowScopeKind.QUEUE, name: "default" };
    await tenant.on().flow.pause({ scope, reason: "forgotten" });
    const [jobId = ""] = await tenant.enqueue(1);
    const stuck = await stuckFor(tenant, jobId, StuckCause.LIMIT);
    expect(stuck?.advice).toBe("queue default is paused without an end: resume it");
    expect(await stuckEvents(tenant, jobId)).toEqual([stuck?.advice]);
    await tenant.on().flow.resume({ scope, reason: "remembered" });
    expect(await stuckFor(tenant, jobId, undefined)).toBeUndefined();
  });

  it("is a job that is held by one that died, until that is retried", async () => {
    const tenant = replicas.tenant();
    const spec = { jobType: "test.echo" };
    const dependsOn = [{ name: "first", onFailure: OnFailure.HOLD }];
    const { jobs } = tenant.on();
    const created = await tenant.on().runs.createRun({
      jobs: [
        { name: "first", spec },
        { name: "second", spec, dependsOn },
      ],
    });
    const [first = "", second = ""] = created.jobIds;
    const worker = tenant.worker(1);
    void drive(worker, () => ({ failureClass: FailureClass.USER, message: "no", terminal: true }));
    const stuck = await stuckFor(tenant, second, StuckCause.DEPENDENCY);
    expect(await stuckEvents(tenant, second)).toEqual([stuck?.advice]);
    worker.cut();
    await jobs.retryJobs({ jobIds: [first], reason: "again" });
    expect(await stuckFor(tenant, second, undefined)).toBeUndefined();
  });
});

it("says how long things are kept", async () => {
  const { jobs } = replicas.tenant().on(1);
  expect(await jobs.getRetentionPolicy({})).toMatchObject({
    finishedJobs: { seconds: 7_200n },
    deadLetters: { seconds: 10_800n },
    operations: { seconds: 14_400n },
  });
});
