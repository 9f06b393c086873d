import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { FailureClass } from "../gen/stellaops/orchestrator/v1/failure_pb.ts";
import {
  BreakerPhase,
  FlowScopeKind,
  type FlowState,
} from "../gen/stellaops/orchestrator/v1/flow_control_pb.ts";
import type { Offer } from "../gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import { drive, Hands } from "./testing/driven-worker.ts";
import { type Replicas, SOON, startReplicas, type Tenant } from "./testing/replicas.ts";

const { JOB_TYPE, HOST } = FlowScopeKind;

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

const stateOf = async (
  tenant: Tenant,
  name = "osv.dev",
  kind: FlowScopeKind = HOST,
  replica = 0,
) => {
  const { states } = await tenant.on(replica).flow.listFlowStates({ scope: { kind, name } });
  return states[0];
};

/** Waits until every replica knows of a state what is looked for. */
const untilState = async (
  tenant: Tenant,
  fits: (state: FlowState | undefined) => unknown,
  name?: string,
  kind?: FlowScopeKind,
) => {
  for (const replica of [0, 1]) {
    await expect
      .poll(async () => fits(await stateOf(tenant, name, kind, replica)), SOON)
      .toBeTruthy();
  }
};

const millis = (at: { seconds: bigint; nanos: number } | undefined) =>
  Number(at?.seconds ?? 0n) * 1_000 + (at?.nanos ?? 0) / 1e6;

const fail = (failureClass: FailureClass) => ({ failureClass, message: "no", terminal: true });

/** Breaks the host of a tenant with short times; the jobs that did it are dead. */
async function broken(tenant: Tenant, openMs = 1_500): Promise<void> {
  const open = { seconds: BigInt(Math.floor(openMs / 1_000)), nanos: (openMs % 1_000) * 1e6 };
  await tenant.set(HOST, "osv.dev", { breaker: { open } });
  const worker = tenant.worker(1, { pools });
  void drive(worker, () => fail(FailureClass.HTTP_5XX));
  await tenant.enqueue(5, list);
  await untilState(tenant, (state) => state?.breaker?.phase === BreakerPhase.OPEN);
  worker.cut();
  await worker.ended;
}

/** Workers on both replicas; what they are given goes to `offers`, and waits for `end`. */
function takers(tenant: Tenant) {
  const offers: Offer[] = [];
  const ends: ((failureClass?: FailureClass) => void)[] = [];
  const streams = [0, 1].map((replica) => tenant.worker(4, { pools }, replica));
  for (const stream of streams) {
    const work = async (offer: Offer) => {
      offers.push(offer);
      const end = Promise.withResolvers<FailureClass | undefined>();
      ends.push(end.resolve);
      const failureClass = await end.promise;
      return failureClass === undefined ? undefined : fail(failureClass);
    };
    void drive(stream, work);
  }
  return { offers, ends };
}

/** As if the time went by in which a probe's outcome is waited for. */
const forgetProbe = (tenant: Tenant) =>
  replicas.owner.query(
    `update flow_state set state = jsonb_set(state, '{probeUntilMs}',
       to_jsonb(extract(epoch from now()) * 1000 - 1)) where tenant = $1 and key like 'breaker:%'`,
    [tenant.name],
  );

describe("a host that is broken", () => {
  it("gets nothing, then one probe at a time, and everything when a probe succeeds", async () => {
    const tenant = await twoSources();
    await broken(tenant);
    const ids = await tenant.enqueue(12, item);
    const { offers, ends } = takers(tenant);
    const open = await tenant.blockedBy(ids[11] ?? "", "breaker");
    expect(open).toMatchObject({ scope: { kind: HOST, name: "osv.dev" } });
    const first = await stateOf(tenant);
    expect(first?.breaker).toMatchObject({ timesOpened: 1, reason: "5 failures in a row" });
    await tenant.enqueue(1, { ...item, source: "ghsa" });
    await expect.poll(() => offers.length, SOON).toBe(2);
    const probe = offers.findIndex(({ spec }) => spec?.source !== "ghsa");
    ends[1 - probe]?.();
    // Every slot of both replicas waits for the probe.
    const halfOpen = await tenant.blockedBy(ids[11] ?? "", "breaker");
    expect(halfOpen.phase).toBe(BreakerPhase.HALF_OPEN);
    expect(offers).toHaveLength(2);

    ends[probe]?.(FailureClass.HTTP_5XX);
    await untilState(tenant, (state) => state?.breaker?.timesOpened === 2);
    const second = await stateOf(tenant);
    const lengthMs = (state: FlowState | undefined, moment: number) =>
      millis(state?.breaker?.openUntil) - moment;
    expect(lengthMs(second, Date.now())).toBeGreaterThan(1_600);
    await expect.poll(() => offers.length, SOON).toBe(3);
    ends[2]?.();
    await expect.poll(() => offers.length, SOON).toBe(13);
    expect((await stateOf(tenant))?.breaker?.phase).toBe(BreakerPhase.CLOSED);
    const at = (await tenant.moments("offered")).at(7) ?? 0;
    expect(at).toBeGreaterThanOrEqual(millis(second?.breaker?.openUntil) - 1);
  });

  it("is probed again when the worker of a probe died, and only by one", async () => {
    const tenant = await twoSources();
    await broken(tenant, 500);
    await tenant.enqueue(9, item);
    const dying = tenant.worker(4, { pools });
    await dying.offered(1);
    await untilState(tenant, (state) => state?.breaker?.phase === BreakerPhase.HALF_OPEN);
    dying.cut();
    await forgetProbe(tenant);
    const { offers, ends } = takers(tenant);
    await expect.poll(() => offers.length, SOON).toBe(1);
    ends[0]?.();
    await expect.poll(() => offers.length, SOON).toBe(9);
  });

  it("is well when a probe says so that took longer than anybody waited", async () => {
    const tenant = await twoSources();
    await broken(tenant, 500);
    await tenant.enqueue(9, item);
    const { offers, ends } = takers(tenant);
    await expect.poll(() => offers.length, SOON).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 400)); // Past what clocks may differ by.
    await forgetProbe(tenant);
    await expect.poll(() => offers.length, SOON).toBe(2);
    ends[0]?.();
    await expect.poll(() => offers.length, SOON).toBe(9);
  });

  it("is not taken to be broken for what jobs do wrong themselves", async () => {
    const tenant = await twoSources();
    void drive(tenant.worker(1, { pools }), () => fail(FailureClass.USER));
    await tenant.enqueue(30, list);
    await expect.poll(async () => (await tenant.moments("dead")).length, SOON).toBe(30);
    expect(await stateOf(tenant)).toBeUndefined();
  });

  it("stops a job type only where that has a breaker", async () => {
    const tenant = await twoSources();
    await tenant.set(JOB_TYPE, "ingest.list", { breaker: { consecutiveFailures: 3 } });
    void drive(tenant.worker(1, { pools }), () => fail(FailureClass.USER));
    await tenant.enqueue(3, item);
    await tenant.enqueue(3, list);
    const open = (state: FlowState | undefined) => state?.breaker?.phase === BreakerPhase.OPEN;
    await untilState(tenant, open, "ingest.list", JOB_TYPE);
    const [jobId = ""] = await tenant.enqueue(1, list);
    const by = await tenant.blockedBy(jobId, "breaker");
    expect(by).toMatchObject({ scope: { kind: JOB_TYPE, name: "ingest.list" } });
    await tenant.enqueue(2, item);
    await expect.poll(async () => (await tenant.moments("dead")).length, SOON).toBe(8);
    expect(await stateOf(tenant, "ingest.item", JOB_TYPE)).toBeUndefined();
  });
});

it("finds the concurrency of a job type: down while it fails, up when it is well", async () => {
  const tenant = replicas.tenant();
  await tenant.set(JOB_TYPE, "ingest.list", { dynamicConcurrency: { min: 1, max: 8 } });
  const ids = await tenant.enqueue(3_000, { jobType: "ingest.list" });
  let healthy = false;
  const hands = new Hands();
  const work = async () => {
    await new Promise((resolve) => setTimeout(resolve, 40));
    return healthy ? undefined : fail(FailureClass.HTTP_5XX);
  };
  for (const replica of [0, 1]) void drive(tenant.worker(8, { pools }, replica), work, hands);
  const limit = async () => (await stateOf(tenant, "ingest.list", JOB_TYPE))?.dynamicLimit ?? 8;
  await expect.poll(limit, { ...SOON, timeout: 15_000 }).toBeLessThanOrEqual(4);
  const by = await tenant.blockedBy(ids.at(-1) ?? "", "concurrency");
  expect(by).toMatchObject({ scope: { kind: JOB_TYPE }, dynamic: true });
  healthy = true;
  const low = await limit();
  await expect.poll(limit, { ...SOON, timeout: 15_000 }).toBeGreaterThan(low);
  expect(hands.most).toBeLessThanOrEqual(8);
});
