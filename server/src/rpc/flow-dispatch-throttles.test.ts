import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { FailureClass } from "../gen/stellaops/orchestrator/v1/failure_pb.ts";
import { FlowScopeKind, type FlowState } from "../gen/stellaops/orchestrator/v1/flow_control_pb.ts";
import { drive } from "./testing/driven-worker.ts";
import { type Replicas, SOON, startReplicas, type Tenant } from "./testing/replicas.ts";
import type { WorkerStream } from "./testing/worker-stream.ts";

const { HOST } = FlowScopeKind;

let replicas: Replicas;

beforeAll(async () => {
  replicas = await startReplicas(2);
});
afterEach(() => replicas.cut());
afterAll(() => replicas.close());

const pools = [{ name: "main", jobTypes: ["ingest.list", "ingest.item"], slots: 8 }];
const list = { jobType: "ingest.list", source: "osv" };
const item = { jobType: "ingest.item", source: "osv-mirror" };

/** A tenant with two sources on one host. */
async function twoSources(): Promise<Tenant> {
  const tenant = replicas.tenant();
  for (const name of ["osv", "osv-mirror"]) {
    await tenant.on().sources.createSource({ source: { name, host: "osv.dev" } });
  }
  return tenant;
}

const stateOf = async (tenant: Tenant, name = "osv.dev", replica = 0) => {
  const { states } = await tenant.on(replica).flow.listFlowStates({ scope: { kind: HOST, name } });
  return states[0];
};

/** Waits until every replica knows of a state what is looked for. */
const untilState = async (
  tenant: Tenant,
  fits: (state: FlowState | undefined) => unknown,
  name = "osv.dev",
) => {
  for (const replica of [0, 1]) {
    await expect.poll(async () => fits(await stateOf(tenant, name, replica)), SOON).toBeTruthy();
  }
};

const millis = (at: { seconds: bigint; nanos: number } | undefined) =>
  Number(at?.seconds ?? 0n) * 1_000 + (at?.nanos ?? 0) / 1e6;

const fail = (failureClass: FailureClass) => ({ failureClass, message: "no", terminal: true });

const handedOut = async (tenant: Tenant) => (await tenant.moments("offered")).length;

describe("an upstream that throttles", () => {
  /** What a worker does when it hears of it, by way of a stream on the first replica. */
  const ways: Record<string, (tenant: Tenant, worker: WorkerStream) => Promise<void>> = {
    "by a Throttle frame that names the host": async (_, worker) => {
      const value = { resourceKey: "osv.dev", retryAfter: { seconds: 1n } };
      worker.send({ case: "throttle", value });
    },
    "by a Throttle frame that names a source": async (_, worker) => {
      const value = { resourceKey: "osv-mirror", retryAfter: { seconds: 1n } };
      worker.send({ case: "throttle", value });
    },
    "by a failure": async (tenant, worker) => {
      const failure = { ...fail(FailureClass.HTTP_429), retryAfter: { seconds: 1n } };
      void drive(worker, () => failure);
      await tenant.enqueue(1, list);
    },
  };

  it.each(Object.entries(ways))("%s is left alone until it said", async (way, tell) => {
    const tenant = await twoSources();
    const teller = tenant.worker(1, { pools });
    await teller.next("welcome");
    await tell(tenant, teller);
    await untilState(tenant, (state) => state?.limiter?.blockedUntil !== undefined);
    const cutReason = way === "by a failure" ? "http_429" : "throttle";
    const limiter = (await stateOf(tenant))?.limiter;
    expect(limiter).toMatchObject({ cutReason, ratePerSecond: 0.7, ceilingPerSecond: 1 });
    expect(limiter?.lastCutTime).toBeDefined();
    const untilMs = millis(limiter?.blockedUntil);
    teller.cut();

    const before = await handedOut(tenant);
    const [one = ""] = await tenant.enqueue(1, list);
    const [other = ""] = await tenant.enqueue(1, item);
    // Both replicas have somebody to work, but not for this host.
    const takers = [0, 1].map((replica) => tenant.worker(4, { pools }, replica));
    for (const jobId of [one, other]) {
      const by = await tenant.blockedBy(jobId, "limiter");
      expect(by).toMatchObject({ scope: { kind: HOST, name: "osv.dev" } });
      expect(millis(by.retryTime)).toBeGreaterThanOrEqual(Math.floor(untilMs));
    }
    await tenant.enqueue(20, { ...item, source: "ghsa" });
    await expect
      .poll(() => takers.flatMap(({ offers }) => offers).length, SOON)
      .toBeGreaterThanOrEqual(8);
    for (const taker of takers) void drive(taker, () => undefined);
    await expect.poll(() => handedOut(tenant), SOON).toBe(before + 22);
    const { rows } = await replicas.owner.query<{ at: number }>(
      `select extract(epoch from e.at)::float8 * 1000 as at from job_event e
       where e.job_id = any ($1) and e.to_state = 'offered' order by 1`,
      [[one, other]],
    );
    // The first when it said, the next one by the rate that is left: 0.7 a second and rising.
    expect(rows[0]?.at).toBeGreaterThanOrEqual(untilMs);
    expect(rows[0]?.at).toBeLessThan(untilMs + 5_000);
    expect((rows[1]?.at ?? 0) - (rows[0]?.at ?? 0)).toBeGreaterThan(1_000);
    expect(await stateOf(tenant, "ghsa")).toBeUndefined();
    await untilState(tenant, (state) => (state?.limiter?.ratePerSecond ?? 0) > 0.72);
  });

  it("is known by the source's own name where that is not registered", async () => {
    const tenant = replicas.tenant();
    const worker = tenant.worker(1, { pools });
    const value = { resourceKey: "nvd", retryAfter: { seconds: 30n } };
    worker.send({ case: "throttle", value });
    await untilState(tenant, (state) => state?.limiter?.blockedUntil, "nvd");
    const [jobId = ""] = await tenant.enqueue(1, { ...list, source: "nvd" });
    const by = await tenant.blockedBy(jobId, "limiter");
    expect(by).toMatchObject({ scope: { kind: HOST, name: "nvd" } });
    await tenant.enqueue(1, { ...list, source: "" });
    expect((await worker.offered(1))[0]?.spec?.source).toBe("");
  });
});
