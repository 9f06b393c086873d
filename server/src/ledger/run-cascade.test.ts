import type pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import { ledgerOf, newJob, type TestLedger } from "../../../test/support/ledger.ts";
import type { NewEdge, NewRun } from "../app/runs/create-run.ts";
import { newId } from "../lib/ids.ts";
import { cascadeIn } from "./cascade.ts";
import { appendJobsIn } from "./run-append.ts";

let database: TestDatabase;
let owner: pg.Pool;
let pool: pg.Pool;
let otherPool: pg.Pool;
let ledger: TestLedger;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = database.owner();
  pool = database.pool();
  otherPool = database.pool();
  ledger = ledgerOf(pool);
});
afterAll(() => database.drop());
beforeEach(() => owner.query("truncate ready, lease, scheduled, cascade"));

type Shape = readonly (readonly [from: number, to: number, over?: Partial<NewEdge>])[];

/** Stores a run of `size` jobs named after their indices; answers their ids. */
async function store(size: number, shape: Shape) {
  const ids = Array.from({ length: size }, () => newId());
  const unmet = new Map<number, number>();
  for (const [, to] of shape) unmet.set(to, (unmet.get(to) ?? 0) + 1);
  const runId = newId();
  const run: NewRun = {
    tenant: ledger.tenant,
    runId,
    displayName: "",
    project: "",
    correlationId: runId,
    contentDigest: Buffer.alloc(32, 1),
    open: true,
    jobs: ids.map((id, at) => ({
      job: newJob(ledger.tenant, {}, id),
      name: `${at}`,
      unmet: unmet.get(at) ?? 0,
    })),
    edges: shape.map(([from, to, over]) => ({
      from: ids[from] ?? "",
      to: ids[to] ?? "",
      condition: "success",
      onFailure: "cancel",
      includeFanOut: false,
      ...over,
    })),
  };
  expect((await ledger.storeRun(run)).stored.kind).toBe("created");
  return { runId, ids };
}

const fanOut = (width: number, over?: Partial<NewEdge>): Shape =>
  Array.from({ length: width }, (_, at) => [0, at + 1, over] as const);

/** How many events of a kind the jobs of a run have. */
async function eventsOf(runId: string, kind: string): Promise<number> {
  const { rows } = await owner.query(
    `select count(*)::int from job_event e join job j on j.id = e.job_id
     where j.run_id = $1 and e.kind = $2`,
    [runId, kind],
  );
  return rows[0].count;
}

const pending = async () => (await owner.query("select told_upto from cascade")).rows;

const tellAll = async (by = pool) => {
  const tell = cascadeIn(by);
  while ((await tell([ledger.tenant])).taken > 0);
};

describe("the end of a job with many dependants", () => {
  it("is told by several loops at once, to each once", async () => {
    const { runId } = await store(2_501, fanOut(2_500));
    await ledger.complete(await ledger.claimOne());
    expect(await eventsOf(runId, "unblocked")).toBe(1_000);
    expect(await pending()).toHaveLength(1);
    await Promise.all([tellAll(), tellAll(otherPool)]);
    await tellAll();
    expect(await eventsOf(runId, "unblocked")).toBe(2_500);
    expect((await owner.query("select from ready")).rowCount).toBe(2_500);
    expect(await pending()).toEqual([]);
  });

  it("goes on where a loop was killed", async () => {
    const { runId, ids } = await store(2_201, fanOut(2_200));
    await ledger.complete(await ledger.claimOne());
    const holder = await owner.connect();
    await holder.query("begin");
    // Some of the second thousand: the step waits for it with its first statements done.
    await holder.query("select from job where id = any ($1) for update", [ids.slice(1_500, 1_501)]);
    const { pid } = (await holder.query("select pg_backend_pid() as pid")).rows[0];
    const step = cascadeIn(otherPool)([ledger.tenant]).catch((error: Error) => error.name);
    const waiting = async () =>
      (
        await owner.query(
          "select pid from pg_stat_activity where $1 = any (pg_blocking_pids(pid))",
          [pid],
        )
      ).rows[0]?.pid;
    const blocked = await expect.poll(waiting).toBeTypeOf("number").then(waiting);
    await owner.query("select pg_terminate_backend($1)", [blocked]);
    expect(await step).toBe("LedgerUnavailable");
    await holder.query("rollback");
    holder.release();
    expect(await eventsOf(runId, "unblocked")).toBe(1_000);
    await tellAll();
    expect(await eventsOf(runId, "unblocked")).toBe(2_200);
  });

  it("is taken back as far as it was told when the job is retried", async () => {
    // Each dependant has a second parent that never ends, so that all stay blocked.
    const width = 1_500;
    const held: Shape = Array.from({ length: width }, (_, at) => [width + 1, at + 1] as const);
    const over = { condition: "completion" } as const;
    const { runId, ids } = await store(width + 2, [...fanOut(width, over), ...held]);
    const leases = (await ledger.claimWith({ limit: 2 })).map((offer) => offer.lease);
    const root = leases.find((lease) => lease.jobId === ids[0]);
    if (root === undefined) throw new Error("the root is not ready");
    await ledger.fail(root, "user", true);
    const unmet = async () => {
      const { rows } = await owner.query(
        `select unmet, count(*)::int from job where run_id = $1 and base_state = 'blocked'
         group by 1`,
        [runId],
      );
      return Object.fromEntries(rows.map((row) => [row.unmet, row.count]));
    };
    expect(await unmet()).toEqual({ 1: 1_000, 2: 500 });
    await ledger.retry([root.jobId]);
    expect(await unmet()).toEqual({ 2: width });
    expect(await pending()).toEqual([]);
  });

  it("follows cancellations to any depth, in steps", async () => {
    const depth = 100;
    const chain: Shape = Array.from({ length: depth }, (_, at) => [at, at + 1] as const);
    const { runId } = await store(depth + 1, chain);
    await ledger.fail(await ledger.claimOne(), "user", true);
    expect(await pending()).toHaveLength(1);
    await tellAll();
    expect(await eventsOf(runId, "cancelled")).toBe(depth);
  });

  it("counts each of many parents that end at once", async () => {
    const width = 200;
    const join: Shape = Array.from({ length: width }, (_, at) => [at, width] as const);
    const { runId } = await store(width + 1, join);
    for (let left = width; left > 0; ) {
      const offers = await ledger.claimWith({ limit: 64 });
      await Promise.all(offers.map((offer) => ledger.complete(offer.lease)));
      left -= offers.length;
    }
    expect(await eventsOf(runId, "unblocked")).toBe(1);
    expect(await ledger.claimWith({ limit: 2 })).toHaveLength(1);
  });
});

describe("a job that is appended while what it depends on ends", () => {
  it.each(["complete", "fail"] as const)("is never forgotten: %s", async (end) => {
    const append = appendJobsIn(otherPool, 60_000);
    const over = { condition: end === "complete" ? "success" : "failure" } as const;
    for (let round = 0; round < 25; round++) {
      const { runId } = await store(1, []);
      const lease = await ledger.claimOne();
      const child = newJob(ledger.tenant);
      const dependsOn = [
        { name: "0", ...over, onFailure: "cancel" as const, includeFanOut: false },
      ];
      const [{ appended }] = await Promise.all([
        append({
          ...{ tenant: ledger.tenant, runId, fanOut: undefined, close: true },
          jobs: [{ job: child, name: "child", dependsOn }],
        }),
        end === "complete" ? ledger.complete(lease) : ledger.fail(lease, "user", true),
      ]);
      expect(appended.kind).toBe("appended");
      expect((await ledger.claimOne()).jobId).toBe(child.jobId);
    }
  });
});
