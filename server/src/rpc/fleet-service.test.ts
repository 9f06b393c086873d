import { randomUUID } from "node:crypto";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  CancelReason,
  LeaseVerdict,
  ReleaseReason,
} from "../gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import { failureOf } from "./testing/clients.ts";
import { drive } from "./testing/driven-worker.ts";
import { type Replicas, SOON, startReplicas, type Tenant } from "./testing/replicas.ts";
import { leaseOf } from "./testing/worker-stream.ts";

let replicas: Replicas;

beforeAll(async () => {
  replicas = await startReplicas(2, { drainGrace: "20s" });
});
afterEach(() => replicas.cut());
afterAll(() => replicas.close());

const reason = "its disk is dying";

/** When jobs were handed to workers whose ids begin so, in milliseconds since 1970. */
async function handedTo(tenant: Tenant, workers: string): Promise<number[]> {
  const { rows } = await replicas.owner.query<{ ms: number }>(
    `select extract(epoch from at)::float8 * 1000 as ms from job_event
     where tenant = $1 and kind in ('offered', 'started') and from_state = 'ready'
       and starts_with(worker_id, $2) order by at`,
    [tenant.name, workers],
  );
  return rows.map(({ ms }) => ms);
}

describe("a take-out", () => {
  it("holds within two seconds on every replica, and for who connects later", async () => {
    const tenant = replicas.tenant();
    const sick = { host: "h-1", labels: { pool: "blue" } };
    const healthy = { host: "h-2", labels: { pool: "green" } };
    const join = (workerId: string, over: object, replica: number) =>
      void drive(tenant.worker(4, { ...over, workerId }, replica), () => undefined);
    for (const replica of [0, 1]) {
      join(`sick-${replica}`, sick, replica);
      join(`healthy-${replica}`, healthy, replica);
    }
    const handed = async () => (await handedTo(tenant, "sick")).length;
    while ((await handed()) < 20) await tenant.enqueue(20);

    const { fleet } = tenant.on(1);
    const selector = { labels: { pool: "blue" } };
    const taken = await fleet.takeOut({ selector, reason, ticket: "OPS-1" });
    const { takeOut } = taken;
    if (takeOut?.createTime === undefined) throw new Error("no take-out");
    expect(taken).toMatchObject({ workerIds: ["sick-0", "sick-1"], alreadyExisted: false });
    expect(takeOut).toMatchObject({ reason, ticket: "OPS-1", actor: "operator" });
    const outAt = timestampMs(takeOut.createTime);
    const enqueueUntil = async (ms: number) => {
      while (Date.now() < ms) await tenant.enqueue(20);
    };
    // Its replica may not have heard of it yet; the one of who comes after two seconds has.
    join("sick-soon", sick, 0);
    await enqueueUntil(outAt + 2_000);
    join("sick-late", sick, 0);
    await enqueueUntil(outAt + 3_000);
    for (const at of await handedTo(tenant, "sick")) expect(at - outAt).toBeLessThan(2_000);
    expect(await handedTo(tenant, "sick-late")).toEqual([]);
    const last = (await handedTo(tenant, "healthy")).at(-1) ?? 0;
    expect(last - outAt).toBeGreaterThan(2_000);

    const before = await handed();
    await fleet.putBack({ takeOutId: takeOut.takeOutId, reason: "new disk" });
    await expect
      .poll(async () => {
        await tenant.enqueue(20);
        return (await handed()) > before;
      }, SOON)
      .toBe(true);
    const repeated = { requestId: takeOut.takeOutId, selector, reason, ticket: "OPS-1" };
    expect(await fleet.takeOut(repeated)).toMatchObject({ workerIds: [], alreadyExisted: true });
  });

  it("lets a unary claim of who is named wait, until it is put back", async () => {
    const tenant = replicas.tenant();
    const { fleet } = tenant.on();
    const takeOutId = randomUUID();
    const selector = { workerIds: ["other", "cron"] };
    await fleet.takeOut({ requestId: takeOutId, selector, reason });
    const [jobId] = await tenant.enqueue(1);
    const claim = (waitSeconds: number) =>
      tenant.on().runner.claimJobs({
        claimRequestId: randomUUID(),
        workerId: "cron",
        jobTypes: ["test.echo"],
        maxJobs: 1,
        wait: { seconds: BigInt(waitSeconds) },
      });
    expect((await claim(0)).jobs).toEqual([]);
    const waiting = claim(20);
    await fleet.putBack({ takeOutId });
    const { jobs } = await waiting;
    expect(jobs.map((job) => leaseOf(job).jobId)).toEqual([jobId]);
  });
});

describe("moving leases", () => {
  it("asks who is connected to stop, at no cost, and others get the job", async () => {
    const tenant = replicas.tenant();
    const worker = tenant.worker(2, { host: "h-1" }, 0);
    const [jobId = ""] = await tenant.enqueue(1);
    const [offer] = await worker.offered(1);
    await worker.accept([leaseOf(offer)]);
    const grace = { seconds: 7n };
    const request = { selector: { host: "h-1" }, moveLeases: true, grace, reason };
    const answer = await tenant.on(1).fleet.takeOut(request);
    expect(answer).toMatchObject({ leases: 1 });
    const { cancels } = await worker.next("cancels");
    expect(cancels).toMatchObject([{ jobId, reason: CancelReason.PREEMPTED, grace }]);
    const { leaseEpoch } = leaseOf(offer);
    const releases = [{ lease: leaseOf(offer), reason: ReleaseReason.DRAINED }];
    worker.send({ case: "release", value: { releases } });
    const other = tenant.worker(1, { host: "h-2" }, 1);
    const [again] = await other.offered(1);
    expect(leaseOf(again)).toMatchObject({ jobId, leaseEpoch: leaseEpoch + 1n });
    expect(await tenant.history(jobId)).toMatchObject({ failures: 0, interruptions: 0 });
    expect(worker.offers).toHaveLength(1);
  });

  it("takes offers and the jobs of who is not connected back at once", async () => {
    const tenant = replicas.tenant();
    const [claimedId = ""] = await tenant.enqueue(1);
    const { runner, fleet } = tenant.on();
    const { jobs } = await runner.claimJobs({
      claimRequestId: randomUUID(),
      workerId: "cron",
      jobTypes: ["test.echo"],
      maxJobs: 1,
    });
    const [offeredId = ""] = await tenant.enqueue(1);
    await tenant.worker(1, { workerId: "slow" }).offered(1);
    const requestId = randomUUID();
    const selector = { workerIds: ["cron", "slow"] };
    const request = { requestId, selector, moveLeases: true, reason };
    expect(await fleet.takeOut(request)).toMatchObject({ leases: 2, workerIds: ["slow"] });
    const lease = leaseOf(jobs[0]);
    const { verdicts } = await runner.renewLeases({ leases: [lease] });
    expect(verdicts[0]?.verdict).toBe(LeaseVerdict.SUPERSEDED);
    const taken = await tenant.worker(2, {}, 1).offered(2);
    expect(taken.map((offer) => leaseOf(offer).jobId).sort()).toEqual(
      [claimedId, offeredId].sort(),
    );
    expect(await tenant.history(claimedId)).toEqual({
      failures: 0,
      interruptions: 0,
      states: ["ready", "running", "ready", "offered"],
    });
    expect(await fleet.takeOut(request)).toMatchObject({ leases: 2, alreadyExisted: true });
  });

  it("moves what is handed out while replicas learn of it", async () => {
    const tenant = replicas.tenant();
    const { fleet } = tenant.on();
    const selector = { workerIds: ["cron"] };
    const { takeOut } = await fleet.takeOut({ selector, moveLeases: true, reason });
    const [jobId = ""] = await tenant.enqueue(1);
    await tenant.worker(1, { workerId: "w" }).offered(1);
    // What a replica does that has not heard of it yet.
    await replicas.owner.query("update lease set worker_id = 'cron' where job_id = $1", [jobId]);
    const moved = async () => {
      const { rows } = await replicas.owner.query<{ moved: number; moving: boolean }>(
        "select moved, moving from take_out where id = $1",
        [takeOut?.takeOutId],
      );
      return rows[0];
    };
    await expect.poll(moved, SOON).toEqual({ moved: 1, moving: false });
  });
});

it("answers a repeated call alike, and refuses another one under its id", async () => {
  const tenant = replicas.tenant();
  const { fleet } = tenant.on();
  const requestId = randomUUID();
  const request = { requestId, selector: { host: "h-1" }, reason };
  const first = await fleet.takeOut(request);
  const again = await fleet.takeOut({ ...request, requestId: requestId.toUpperCase() });
  expect(again).toEqual({ ...first, alreadyExisted: true });
  expect(await failureOf(fleet.takeOut({ ...request, selector: { host: "h-2" } }))).toMatchObject({
    code: "AlreadyExists",
    reason: "REQUEST_ID_CONFLICT",
  });
  await fleet.takeOut({ selector: { host: "h-2" }, reason });
  const hosts = async (replica: number) =>
    (await tenant.on(replica).fleet.listTakeOuts({})).takeOuts.map((one) => one.selector?.host);
  expect(await hosts(1)).toEqual(["h-2", "h-1"]);
  expect((await replicas.tenant().on().fleet.listTakeOuts({})).takeOuts).toEqual([]);
  const back = { takeOutId: requestId, reason: "repaired", ticket: "OPS-2" };
  await fleet.putBack(back);
  await tenant.on(1).fleet.putBack(back);
  expect(await hosts(0)).toEqual(["h-2"]);
  const { rows } = await replicas.owner.query(
    `select kind, actor, reason, ticket from operator_action
     where tenant = $1 and target_kind = 'take_out' and target_name = $2 order by id`,
    [tenant.name, requestId],
  );
  expect(rows).toEqual([
    { kind: "taken_out", actor: "operator", reason, ticket: "" },
    { kind: "put_back", actor: "operator", reason: "repaired", ticket: "OPS-2" },
  ]);
});

it("refuses what names nobody, nothing, or the wrong page", async () => {
  const { fleet } = replicas.tenant().on();
  const invalid = { code: "InvalidArgument" };
  expect(await failureOf(fleet.takeOut({ selector: {}, reason }))).toMatchObject(invalid);
  expect(await failureOf(fleet.takeOut({ reason }))).toMatchObject(invalid);
  expect(await failureOf(fleet.takeOut({ selector: { host: "h" } }))).toMatchObject(invalid);
  expect(await failureOf(fleet.listTaskRunners({ pageToken: "x" }))).toMatchObject({
    ...invalid,
    reason: "PAGE_TOKEN_INVALID",
  });
  expect(await failureOf(fleet.putBack({ takeOutId: randomUUID() }))).toMatchObject({
    code: "NotFound",
    reason: "TAKE_OUT_NOT_FOUND",
  });
});

it("lists task runners with what they hold, page by page, and those that left", async () => {
  const tenant = replicas.tenant();
  const { fleet } = tenant.on();
  const [one, two] = ["a", "b"].map((workerId, replica) =>
    tenant.worker(1, { workerId, host: `h-${workerId}`, labels: { zone: "z" } }, replica),
  );
  await one?.next("welcome");
  await two?.next("welcome");
  await tenant.enqueue(2);
  await one?.offered(1);
  await two?.offered(1);
  const { takeOut } = await fleet.takeOut({ selector: { host: "h-b" }, reason });
  const first = await fleet.listTaskRunners({ pageSize: 1 });
  const second = await fleet.listTaskRunners({ pageSize: 1, pageToken: first.nextPageToken });
  const runners = [...first.taskRunners, ...second.taskRunners];
  expect(runners).toMatchObject([
    { workerId: "a", host: "h-a", labels: { zone: "z" }, leases: 1, takeOutIds: [] },
    { workerId: "b", host: "h-b", leases: 1, takeOutIds: [takeOut?.takeOutId] },
  ]);
  expect(second.nextPageToken).toBe("");
  expect(new Set(runners.map(({ serverId }) => serverId)).size).toBe(2);
  expect(runners.map(({ closeTime }) => closeTime)).toEqual([undefined, undefined]);
  one?.cut();
  const selector = { workerIds: ["a"], labels: { zone: "z" } };
  const gone = async () => (await fleet.listTaskRunners({ selector })).taskRunners[0]?.serverId;
  await expect.poll(gone, SOON).toBe("");
  expect((await fleet.listTaskRunners({ selector })).taskRunners[0]?.closeTime).toBeDefined();
  expect((await replicas.tenant().on().fleet.listTaskRunners({})).taskRunners).toEqual([]);
});
