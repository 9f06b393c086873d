import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { FlowScopeKind } from "../gen/stellaops/orchestrator/v1/flow_control_pb.ts";
import type { Hint } from "../gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import { drive } from "./testing/driven-worker.ts";
import { type Replicas, SOON, startReplicas, type Tenant } from "./testing/replicas.ts";
import { leaseOf, type WorkerStream } from "./testing/worker-stream.ts";

const { TENANT, QUEUE, JOB_TYPE, SOURCE, HOST } = FlowScopeKind;

let replicas: Replicas;

beforeAll(async () => {
  replicas = await startReplicas(1, { offerAcceptDeadline: "60s" });
});
afterEach(() => replicas.cut());
afterAll(() => replicas.close());

const succeeded = async (tenant: Tenant) => (await tenant.moments("succeeded")).length;

/** Jobs that differ in one field, in a call for each thousand. */
async function enqueueEach(tenant: Tenant, specs: readonly object[]): Promise<void> {
  for (let from = 0; from < specs.length; from += 1_000) {
    const jobs = specs.slice(from, from + 1_000).map((one) => ({ jobType: "test.echo", ...one }));
    await tenant.on().jobs.enqueueJobs({ jobs });
  }
}

const names = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${prefix}-${index}`);

describe("many lanes", () => {
  it("are all worked off, a thousand sources of them and more", async () => {
    const tenant = replicas.tenant();
    const sources = names("s", 1_200);
    const specs = sources.flatMap((source) => [{ source }, { source }]);
    await enqueueEach(tenant, specs);
    for (let count = 0; count < 2; count++) void drive(tenant.worker(128), () => undefined);
    await expect.poll(() => succeeded(tenant), { ...SOON, timeout: 20_000 }).toBe(specs.length);
  });

  it("that wait for keys in use do not stand in front of a key that is free", async () => {
    const tenant = replicas.tenant();
    await tenant.set(TENANT, "", { maxConcurrencyPerKey: 1 });
    const keys = names("k", 150);
    await enqueueEach(
      tenant,
      keys.map((concurrencyKey) => ({ concurrencyKey })),
    );
    const worker = tenant.worker(200);
    await worker.offered(150);
    // Now each key is in use, and each has something ready that has waited for longer.
    await enqueueEach(
      tenant,
      keys.map((concurrencyKey) => ({ concurrencyKey, priority: 5 })),
    );
    await worker.next("hint", ({ blockedBy }) => blockedBy.length === 16);
    await tenant.enqueue(1, { concurrencyKey: "free" });
    await tenant.enqueue(1, { source: "free" });
    const offers = await worker.offered(152);
    expect(offers).toHaveLength(152);
  });

  it("of a host that is slow do not stand in front of another host", async () => {
    const tenant = replicas.tenant();
    await tenant.set(HOST, "slow.dev", { rate: { perSecond: 0.01, burst: 1 } });
    const sources = names("slow", 100);
    for (const name of sources) {
      await tenant.on().sources.createSource({ source: { name, host: "slow.dev" } });
    }
    await enqueueEach(
      tenant,
      sources.map((source) => ({ source })),
    );
    const worker = tenant.worker(16);
    await worker.offered(1);
    await worker.next("hint", ({ blockedBy }) => blockedBy.length === 1);
    await tenant.enqueue(1, { source: "fast" });
    expect((await worker.offered(2))[1]?.spec?.source).toBe("fast");
  });

  it("that are empty do not keep what they share with others", async () => {
    const tenant = replicas.tenant();
    await tenant.set(TENANT, "", { maxConcurrency: 1 });
    const worker = tenant.worker(4);
    void drive(worker, () => undefined);
    for (let round = 1; round <= 10; round++) {
      await enqueueEach(tenant, [{ priority: 9 }, { priority: 0 }]);
      await expect.poll(() => succeeded(tenant), { ...SOON, interval: 5 }).toBe(2 * round);
    }
  });
});

describe("pools of one session", () => {
  it("are all served, whatever the others do", async () => {
    const tenant = replicas.tenant();
    const types = ["t.a", "t.b", "t.c"];
    const pools = types.map((name) => ({ name, jobTypes: [name], slots: 2 }));
    const worker = tenant.worker(0, { pools });
    const seen: string[] = [];
    const rare = Promise.withResolvers<void>();
    void drive(worker, ({ spec }) => {
      seen.push(spec?.jobType ?? "");
      if (spec?.jobType === "t.c") rare.resolve();
    });
    await tenant.enqueue(150, { jobType: "t.a" });
    await tenant.enqueue(150, { jobType: "t.b" });
    await tenant.enqueue(1, { jobType: "t.c" });
    await rare.promise;
    await expect.poll(() => seen.length, { ...SOON, timeout: 20_000 }).toBe(301);
    // Of two pools with a backlog neither gets far ahead of the other.
    const half = seen.slice(0, 150);
    expect(half.filter((type) => type === "t.a").length).toBeGreaterThan(30);
    expect(half.filter((type) => type === "t.b").length).toBeGreaterThan(30);
  });
});

describe("fairness", () => {
  it("lets a job of another tenant start while a backlog of 20,000 is worked off", async () => {
    const [busy, quiet] = [replicas.tenant(), replicas.tenant()];
    await busy.enqueue(20_000);
    void drive(busy.worker(64), () => undefined);
    await expect.poll(() => succeeded(busy), SOON).toBeGreaterThan(200);
    const waiting = quiet.worker(1);
    await waiting.next("hint");
    await quiet.enqueue(1);
    await waiting.offered(1);
    const { rows } = await replicas.owner.query<{ between: number }>(
      `select count(distinct e.xact)::int as between from job_event e,
         (select min(at) filter (where to_state = 'ready') as from_at,
            min(at) filter (where to_state = 'offered') as to_at
          from job_event where tenant = $2) q
       where e.tenant = $1 and e.to_state = 'offered' and e.at > q.from_at and e.at < q.to_at`,
      [busy.name, quiet.name],
    );
    // Claims of the busy tenant between the quiet one's enqueue and its start.
    expect(rows[0]?.between).toBeLessThanOrEqual(5);
    expect(await succeeded(busy)).toBeLessThan(20_000);
  });
});

describe("a hint", () => {
  /** What hints said, in order: the kinds of things that hold ready jobs back. */
  const said = (worker: WorkerStream) =>
    worker.all("hint").map(({ blockedBy }: Hint) => blockedBy.map(({ cause }) => cause.case));

  it("says what an idle worker waits for, once, and again when that changes", async () => {
    const tenant = replicas.tenant();
    const worker = tenant.worker(2);
    await expect.poll(() => said(worker), SOON).toEqual([[]]);
    const pause = async (kind: typeof QUEUE | typeof SOURCE, name: string) =>
      tenant.on().flow.pause({ scope: { kind, name }, reason: "r" });
    await pause(QUEUE, "default");
    await tenant.enqueue(1);
    await expect.poll(() => said(worker), SOON).toEqual([[], ["pause"]]);
    // More of the same is no news: neither jobs, nor looks at the ledger.
    await tenant.enqueue(20);
    await tenant.set(QUEUE, "default", { maxConcurrency: 0 });
    await expect.poll(() => said(worker), SOON).toEqual([[], ["pause"], ["concurrency"]]);
    await tenant.set(QUEUE, "default", {});
    const offers = await worker.offered(2);
    await worker.accept(offers.map(leaseOf));
    // Its slots are all that the others wait for now.
    await expect.poll(() => said(worker), SOON).toEqual([[], ["pause"], ["concurrency"], []]);
    const hints = worker.all("hint");
    expect(hints.map(({ readyJobs }) => readyJobs)).toEqual([0n, 1n, 1n, 1n]);
    expect(hints.map((one) => one.moreWorkersHelp)).toEqual([false, false, false, true]);
  });

  it("says that more workers would help, once, and not where a limit is in the way", async () => {
    const tenant = replicas.tenant();
    const full = (jobType: string) =>
      tenant.worker(1, { pools: [{ name: "main", jobTypes: [jobType], slots: 1 }] });
    const helps = (worker: WorkerStream) =>
      worker.all("hint").filter((hint) => hint.moreWorkersHelp);
    await tenant.set(JOB_TYPE, "test.limited", { maxConcurrency: 1 });
    await tenant.enqueue(3, { jobType: "test.limited" });
    await tenant.enqueue(3, { jobType: "test.echo" });
    const limited = full("test.limited");
    await limited.offered(1);
    const first = full("test.echo");
    await first.next("hint", (hint) => hint.moreWorkersHelp);
    // A later look at the ledger, that the others were looked at in too.
    const second = full("test.echo");
    await second.next("hint", (hint) => hint.moreWorkersHelp);
    expect(helps(first)).toMatchObject([{ readyJobs: 1n, blockedBy: [] }]);
    expect(helps(limited)).toEqual([]);
    await tenant.set(JOB_TYPE, "test.limited", { maxConcurrency: 2 });
    await limited.next("hint", (hint) => hint.moreWorkersHelp);
  });

  it("is not repeated because reasons come in another order", async () => {
    const tenant = replicas.tenant();
    for (const name of ["a", "b"]) {
      await tenant.on().flow.pause({ scope: { kind: SOURCE, name }, reason: "r" });
    }
    const worker = tenant.worker(2);
    await tenant.enqueue(1, { source: "a" });
    await tenant.enqueue(1, { source: "b" });
    await worker.next("hint", ({ blockedBy }) => blockedBy.length === 2);
    const before = said(worker).length;
    // A lane of higher priority comes first among the reasons now.
    await tenant.enqueue(1, { source: "b", priority: 5 });
    await tenant.on().flow.pause({ scope: { kind: SOURCE, name: "c" }, reason: "r" });
    await tenant.enqueue(1, { source: "c", priority: -5 });
    await worker.next("hint", ({ blockedBy }) => blockedBy.length === 3);
    expect(said(worker)).toHaveLength(before + 1);
  });
});
