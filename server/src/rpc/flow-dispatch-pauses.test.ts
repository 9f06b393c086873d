import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { FlowScopeKind } from "../gen/stellaops/orchestrator/v1/flow_control_pb.ts";
import { JobState } from "../gen/stellaops/orchestrator/v1/job_pb.ts";
import { CancelReason, ReleaseReason } from "../gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import { drive } from "./testing/driven-worker.ts";
import { type Replicas, SOON, startReplicas, type Tenant } from "./testing/replicas.ts";
import { leaseOf } from "./testing/worker-stream.ts";

const { TENANT, QUEUE, JOB_TYPE, SOURCE, HOST, CONCURRENCY_KEY } = FlowScopeKind;

let replicas: Replicas;

beforeAll(async () => {
  replicas = await startReplicas(2, { drainGrace: "20s" });
});
afterEach(() => replicas.cut());
afterAll(() => replicas.close());

const ofEverything = {
  queue: "bulk",
  jobType: "test.echo",
  source: "osv",
  concurrencyKey: "key-1",
};
const pools = [{ name: "main", jobTypes: ["test.echo"], queues: ["bulk"], slots: 4 }];

const SCOPES = [
  { kind: TENANT, name: "" },
  { kind: QUEUE, name: "bulk" },
  { kind: JOB_TYPE, name: "test.echo" },
  { kind: SOURCE, name: "osv" },
  { kind: HOST, name: "osv.dev" },
  { kind: CONCURRENCY_KEY, name: "key-1" },
] as const;

const register = (tenant: Tenant) =>
  tenant.on().sources.createSource({ source: { name: "osv", host: "osv.dev" } });

/** The moment at which the ledger handed out a job for the first time. */
const handedOutAt = async (tenant: Tenant): Promise<number> => {
  await expect.poll(async () => (await tenant.moments("offered")).length, SOON).toBe(1);
  return (await tenant.moments("offered"))[0] ?? 0;
};

describe.each(SCOPES)("a pause of scope kind $kind", ({ kind, name }) => {
  it("holds everything back until it is resumed, on every replica, at no cost", async () => {
    const tenant = replicas.tenant();
    await register(tenant);
    const reason = "upstream moves";
    await tenant.on().flow.pause({ scope: { kind, name }, reason });
    const [jobId = ""] = await tenant.enqueue(1, ofEverything);
    const workers = [0, 1].map((replica) => tenant.worker(4, { pools }, replica));
    const pause = await tenant.blockedBy(jobId, "pause");
    expect(pause).toMatchObject({ scope: { kind, name }, reason });
    expect(pause.expireTime).toBeUndefined();
    const hinted = await Promise.all(
      workers.map((worker) =>
        worker.next("hint", ({ blockedBy }) => blockedBy[0]?.cause.case === "pause"),
      ),
    );
    expect(hinted.map(({ readyJobs }) => readyJobs)).toEqual([1n, 1n]);
    expect(await tenant.moments("offered")).toEqual([]);

    const resumedAt = Date.now();
    await tenant.on(1).flow.resume({ scope: { kind, name }, reason: "done" });
    for (const worker of workers) void drive(worker, () => undefined);
    expect((await handedOutAt(tenant)) - resumedAt).toBeLessThan(2_000);
    await expect.poll(async () => (await tenant.moments("succeeded")).length, SOON).toBe(1);
    expect(await tenant.history(jobId)).toEqual({
      failures: 0,
      interruptions: 0,
      states: ["ready", "offered", "running", "succeeded"],
    });
  });
});

it("a pause that expires ends by itself, and says so before", async () => {
  const tenant = replicas.tenant();
  const untilMs = Date.now() + 1_500;
  const scope = { kind: QUEUE, name: "bulk" };
  const expireTime = timestampFromMs(untilMs);
  await tenant.on().flow.pause({ scope, reason: "a short one", expireTime });
  const [jobId = ""] = await tenant.enqueue(1, ofEverything);
  // Only the second replica has a worker, and nobody tells it that time goes by.
  void drive(tenant.worker(4, { pools }, 1), () => undefined);
  const pause = await tenant.blockedBy(jobId, "pause");
  expect(pause.expireTime).toEqual(expireTime);
  const at = await handedOutAt(tenant);
  expect(at).toBeGreaterThanOrEqual(untilMs);
  expect(at - untilMs).toBeLessThan(2_000);
});

it("a pause of one source lets the others go on", async () => {
  const tenant = replicas.tenant();
  await tenant.on().flow.pause({ scope: { kind: SOURCE, name: "a" }, reason: "no" });
  await tenant.enqueue(3, { source: "a" });
  await tenant.enqueue(3, { source: "b" });
  const worker = tenant.worker(6);
  const offers = await worker.offered(3);
  await worker.next("hint", ({ blockedBy }) => blockedBy.length === 1);
  expect(offers.map(({ spec }) => spec?.source)).toEqual(["b", "b", "b"]);
});

/** A window that began and ends after so many milliseconds. */
const now = (lengthMs: number, stopRunning = false) => ({
  name: "works",
  stopRunning,
  window: {
    case: "once" as const,
    value: {
      startTime: timestampFromMs(Date.now() - 1_000),
      endTime: timestampFromMs(Date.now() + lengthMs),
    },
  },
});

describe("a blackout", () => {
  it("defers jobs until its end, and fails none", async () => {
    const tenant = replicas.tenant();
    await register(tenant);
    const blackout = now(1_500);
    await tenant.set(HOST, "osv.dev", { blackouts: [blackout] });
    const [jobId = ""] = await tenant.enqueue(1, ofEverything);
    void drive(tenant.worker(4, { pools }, 1), () => undefined);
    const by = await tenant.blockedBy(jobId, "blackout");
    expect(by).toMatchObject({ scope: { kind: HOST, name: "osv.dev" }, name: "works" });
    const endTime = blackout.window.value.endTime;
    expect(by.endTime).toEqual(endTime);
    const endMs = Number(endTime.seconds) * 1_000 + endTime.nanos / 1e6;
    const at = await handedOutAt(tenant);
    expect(at).toBeGreaterThanOrEqual(endMs);
    expect(at - endMs).toBeLessThan(2_000);
  });

  it("that recurs is known by the clock of its zone", async () => {
    const tenant = replicas.tenant();
    const recurring = { cron: "* * * * *", timeZone: "Asia/Kathmandu", duration: { seconds: 60n } };
    const window = { case: "recurring" as const, value: recurring };
    await tenant.set(TENANT, "", { blackouts: [{ name: "always", window }] });
    const [jobId = ""] = await tenant.enqueue(1);
    const worker = tenant.worker(1);
    expect(await tenant.blockedBy(jobId, "blackout")).toMatchObject({ name: "always" });
    await worker.next("hint", ({ blockedBy }) => blockedBy[0]?.cause.case === "blackout");
    expect(worker.offers).toEqual([]);
    await tenant.set(TENANT, "", {});
    await worker.offered(1);
  });

  it("asks running jobs to make way, which costs them nothing", async () => {
    const tenant = replicas.tenant();
    const [jobId = ""] = await tenant.enqueue(1, { source: "osv" });
    const [other = ""] = await tenant.enqueue(1, { source: "ghsa" });
    const worker = tenant.worker(2, {}, 1);
    const offers = await worker.offered(2);
    await worker.accept(offers.map(leaseOf));
    await tenant.set(SOURCE, "osv", { blackouts: [now(3_000, true)] });
    const { cancels } = await worker.next("cancels");
    expect(cancels.map((cancel) => [cancel.jobId, cancel.reason])).toEqual([
      [jobId, CancelReason.PREEMPTED],
    ]);
    const lease = leaseOf(offers.find((offer) => offer.lease?.jobId === jobId));
    const releases = [{ lease, reason: ReleaseReason.DRAINED }];
    worker.send({ case: "release", value: { releases } });
    expect(await tenant.blockedBy(jobId, "blackout")).toMatchObject({ name: "works" });
    await worker.offered(3);
    expect(await tenant.history(jobId)).toEqual({
      failures: 0,
      interruptions: 0,
      states: ["ready", "offered", "running", "ready", "offered"],
    });
    expect((await tenant.on().jobs.getJob({ jobId: other })).job?.state).toBe(JobState.RUNNING);
    expect(worker.all("cancels")).toHaveLength(1);
  });

  it("takes back a job whose worker does not heed it, at no cost", async () => {
    const other = await startReplicas(1, { drainGrace: "0.3s", expirySweep: "0.2s" });
    try {
      const tenant = other.tenant();
      const [jobId = ""] = await tenant.enqueue(1);
      const worker = tenant.worker(1);
      await worker.accept((await worker.offered(1)).map(leaseOf));
      await tenant.set(TENANT, "", { blackouts: [now(60_000, true)] });
      await worker.next("cancels");
      await tenant.blockedBy(jobId, "blackout");
      expect(await tenant.history(jobId)).toEqual({
        failures: 0,
        interruptions: 0,
        states: ["ready", "offered", "running", "ready"],
      });
    } finally {
      await other.close();
    }
  });

  it("lets running jobs finish unless it says otherwise", async () => {
    const tenant = replicas.tenant();
    await tenant.enqueue(1, { source: "a" });
    const [asked = ""] = await tenant.enqueue(1, { source: "b" });
    const worker = tenant.worker(3);
    await worker.accept((await worker.offered(2)).map(leaseOf));
    // The one that stops is looked for in the same look as the one that does not.
    await tenant.set(SOURCE, "a", { blackouts: [now(60_000)] });
    await tenant.set(SOURCE, "b", { blackouts: [now(60_000, true)] });
    await worker.next("cancels");
    expect(worker.all("cancels").flatMap(({ cancels }) => cancels)).toMatchObject([
      { jobId: asked },
    ]);
    const [waiting = ""] = await tenant.enqueue(1, { source: "a" });
    await tenant.blockedBy(waiting, "blackout");
  });
});
