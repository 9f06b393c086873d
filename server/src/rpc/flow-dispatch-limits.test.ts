import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { FlowScopeKind } from "../gen/stellaops/orchestrator/v1/flow_control_pb.ts";
import { drive, Hands } from "./testing/driven-worker.ts";
import { type Replicas, SOON, startReplicas, type Tenant } from "./testing/replicas.ts";
import { leaseOf } from "./testing/worker-stream.ts";

const { TENANT, QUEUE, JOB_TYPE, SOURCE, HOST, CONCURRENCY_KEY } = FlowScopeKind;

let replicas: Replicas;

beforeAll(async () => {
  replicas = await startReplicas(2);
});
afterEach(() => replicas.cut());
afterAll(() => replicas.close());

const ofEverything = {
  queue: "bulk",
  jobType: "test.echo",
  source: "osv",
  concurrencyKey: "key-1",
};
const pools = [{ name: "main", jobTypes: ["test.echo"], queues: ["bulk"], slots: 8 }];

/** The most leases of a tenant at a time, by its history: handed out, and not yet ended. */
async function mostOut(tenant: Tenant): Promise<number> {
  const { rows } = await replicas.owner.query<{ most: number }>(
    `select coalesce(max(running), 0)::int as most from (
       select sum(case when to_state = 'offered' then 1
         when from_state in ('offered', 'running') and to_state <> 'running' then -1 else 0 end)
         over (order by at, id) as running
       from job_event where tenant = $1) s`,
    [tenant.name],
  );
  return rows[0]?.most ?? 0;
}

const finished = async (tenant: Tenant, count: number) =>
  expect
    .poll(async () => (await tenant.moments("succeeded")).length, { ...SOON, timeout: 20_000 })
    .toBe(count);

describe.each([
  { kind: TENANT, name: "" },
  { kind: QUEUE, name: "bulk" },
  { kind: JOB_TYPE, name: "test.echo" },
  { kind: SOURCE, name: "osv" },
  { kind: HOST, name: "osv" },
  { kind: CONCURRENCY_KEY, name: "key-1" },
])("a concurrency limit of scope kind $kind", ({ kind, name }) => {
  it("is exact over replicas, and used in full", async () => {
    const tenant = replicas.tenant();
    await tenant.set(kind, name, { maxConcurrency: 3 });
    const ids = await tenant.enqueue(60, ofEverything);
    const hands = new Hands();
    const gate = Promise.withResolvers<undefined>();
    for (const replica of [0, 1, 0, 1]) {
      void drive(tenant.worker(8, { pools }, replica), () => gate.promise, hands);
    }
    await expect.poll(() => hands.now, SOON).toBe(3);
    // Something more would go now if anything would: all 32 slots are empty but these.
    const by = await tenant.blockedBy(ids.at(-1) ?? "", "concurrency");
    expect(by).toMatchObject({ scope: { kind, name }, limit: 3, active: 3, dynamic: false });
    gate.resolve(undefined);
    await finished(tenant, 60);
    expect(hands.most).toBe(3);
    expect(await mostOut(tenant)).toBe(3);
  });
});

describe("a limit", () => {
  it("of every key holds for each by itself, and a full one holds up no other", async () => {
    const tenant = replicas.tenant();
    await tenant.set(TENANT, "", { maxConcurrencyPerKey: 1 });
    await tenant.set(CONCURRENCY_KEY, "wide", { maxConcurrency: 2 });
    const keys = ["a", "b", "wide", ""];
    for (const concurrencyKey of keys) await tenant.enqueue(4, { concurrencyKey });
    const worker = tenant.worker(50);
    const offers = await worker.offered(8);
    await worker.next("hint", ({ blockedBy }) => blockedBy.length === 3);
    const counts = keys.map(
      (key) => worker.offers.filter(({ spec }) => spec?.concurrencyKey === key).length,
    );
    expect(counts).toEqual([1, 1, 2, 4]);
    expect(offers).toHaveLength(8);
  });

  it("that is set while too many run lets them finish, and nothing more go", async () => {
    const tenant = replicas.tenant();
    const worker = tenant.worker(10);
    const hands = new Hands();
    const gate = Promise.withResolvers<undefined>();
    void drive(worker, () => gate.promise, hands);
    await tenant.enqueue(6);
    await expect.poll(() => hands.now, SOON).toBe(6);
    await tenant.set(TENANT, "", { maxConcurrency: 2 });
    const [waiting = ""] = await tenant.enqueue(10);
    const by = await tenant.blockedBy(waiting, "concurrency");
    expect(by).toMatchObject({ limit: 2, active: 6 });
    hands.most = 0;
    gate.resolve(undefined);
    await finished(tenant, 16);
    expect(hands.most).toBeLessThanOrEqual(2);
  });

  it("of zero lets nothing go until it is raised", async () => {
    const tenant = replicas.tenant();
    await tenant.set(JOB_TYPE, "test.echo", { maxConcurrency: 0 });
    const [jobId = ""] = await tenant.enqueue(1);
    const worker = tenant.worker(1, {}, 1);
    expect(await tenant.blockedBy(jobId, "concurrency")).toMatchObject({ limit: 0, active: 0 });
    await worker.next("hint", ({ readyJobs }) => readyJobs > 0n);
    await tenant.set(JOB_TYPE, "test.echo", { maxConcurrency: 1 });
    await worker.offered(1);
  });
});

describe("a quota", () => {
  it("of active jobs defers what is above it", async () => {
    const tenant = replicas.tenant();
    await tenant.set(TENANT, "", { quotas: { activeJobs: 2 } });
    const ids = await tenant.enqueue(5);
    const worker = tenant.worker(5, {}, 1);
    const [offer] = await worker.offered(2);
    const by = await tenant.blockedBy(ids[4] ?? "", "quota");
    expect(by).toMatchObject({ quota: "active_jobs", limit: 2n, used: 2n });
    expect(by.resetTime).toBeUndefined();
    await worker.accept([leaseOf(offer)]);
    void drive(worker, () => undefined);
    await finished(tenant, 5);
    expect(await mostOut(tenant)).toBe(2);
  });

  it.each([
    ["jobs_per_hour", { jobsPerHour: 7n }, 3_600_000],
    ["jobs_per_day", { jobsPerDay: 7n }, 86_400_000],
  ])(
    "of %s holds over replicas, and says when it starts again",
    async (quota, quotas, lengthMs) => {
      const tenant = replicas.tenant();
      await tenant.set(TENANT, "", { quotas });
      // A window that begins in the middle of this is another one; the next try is in one piece.
      while (lengthMs - (Date.now() % lengthMs) < 15_000) {
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
      const beganAt = Math.floor(Date.now() / lengthMs);
      const ids = await tenant.enqueue(20);
      for (const replica of [0, 1]) void drive(tenant.worker(4, {}, replica), () => undefined);
      await expect.poll(async () => (await tenant.moments("succeeded")).length, SOON).toBe(7);
      const by = await tenant.blockedBy(ids[19] ?? "", "quota");
      expect(by).toMatchObject({ quota, limit: 7n, used: 7n });
      expect(Number(by.resetTime?.seconds) * 1_000).toBe((beganAt + 1) * lengthMs);
      expect(await tenant.moments("offered")).toHaveLength(7);
    },
  );
});

describe("a rate", () => {
  /** The most events in any stretch of time, over what a rate and its burst allow in it. */
  const excess = (moments: readonly number[], perSecond: number, burst: number): number => {
    let most = Number.NEGATIVE_INFINITY;
    moments.forEach((fromMs, first) => {
      moments.slice(first).forEach((toMs, more) => {
        most = Math.max(most, more + 1 - (burst + ((toMs - fromMs) / 1_000) * perSecond));
      });
    });
    return most;
  };

  it.each([
    { kind: TENANT, name: "" },
    { kind: QUEUE, name: "bulk" },
    { kind: JOB_TYPE, name: "test.echo" },
    { kind: SOURCE, name: "osv" },
    { kind: HOST, name: "osv" },
  ])("of scope kind $kind is one for all replicas", async ({ kind, name }) => {
    const tenant = replicas.tenant();
    const rate = { perSecond: 40, burst: 5 };
    await tenant.set(kind, name, { rate });
    const startedAt = Date.now();
    const ids = await tenant.enqueue(45, ofEverything);
    for (const replica of [0, 1]) {
      void drive(tenant.worker(8, { pools }, replica), () => undefined);
    }
    const by = await tenant.explain(ids[44] ?? "");
    if (by.case === "limiter") {
      expect(by.value).toMatchObject({ scope: { kind, name }, ratePerSecond: 40 });
    }
    await finished(tenant, 45);
    const moments = await tenant.moments("offered");
    expect(moments).toHaveLength(45);
    // What is between the bucket's transaction and the claim's may differ by a quarter second; two
    // buckets of their own would be 22 too many.
    expect(excess(moments, rate.perSecond, rate.burst)).toBeLessThan(10);
    // What a claim took and did not use went back: nothing near ten times as slow.
    expect(Date.now() - startedAt).toBeLessThan(10_000);
  });

  it("gives tokens back that a claim found no job for", async () => {
    const tenant = replicas.tenant();
    await tenant.set(JOB_TYPE, "test.echo", { rate: { perSecond: 0.01, burst: 6 } });
    const worker = tenant.worker(8);
    void drive(worker, () => undefined);
    // Each claim takes all tokens there are, and uses one.
    for (let count = 1; count <= 6; count++) {
      await tenant.enqueue(1);
      await finished(tenant, count);
    }
    const [last = ""] = await tenant.enqueue(1);
    const by = await tenant.blockedBy(last, "limiter");
    expect(by).toMatchObject({ scope: { kind: JOB_TYPE, name: "test.echo" }, ratePerSecond: 0.01 });
  });
});
