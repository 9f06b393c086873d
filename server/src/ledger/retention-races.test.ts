import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TestDatabase } from "../../../test/support/database.ts";
import { type Pruned, prune } from "../app/retention/pruner.ts";
import { actInTransaction } from "./operate-action.ts";
import { listJobViews } from "./read.ts";
import { jobFilter, operatorOf } from "./testing/operator.ts";
import { ago, openRetention, type RetentionScene } from "./testing/retention-scene.ts";

let scene: RetentionScene;
let owner: pg.Pool;
let database: TestDatabase;

beforeAll(async () => {
  scene = await openRetention();
  ({ owner, database } = scene);
});
afterAll(() => scene.close());

/** More than a step locks, and more than a page has. */
const JOBS = 1_100;

/** Fails unless somebody comes to wait for a lock. */
async function untilBlocked(): Promise<void> {
  const waiting = `select from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`;
  const count = async () => (await owner.query(waiting)).rowCount;
  await expect.poll(count, { timeout: 10_000 }).toBeGreaterThan(0);
}

/** Does something in a transaction, and commits it once somebody waits for that. */
async function holding(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<void>) {
  const client = await pool.connect();
  try {
    await client.query("begin");
    await work(client);
    await client.query("commit");
  } finally {
    // Does nothing after the commit; without it locks would keep the others waiting.
    await client.query("rollback");
    client.release();
  }
}

const deadChain = (tenant: string) => scene.chain(tenant, JOBS, "dead");

/** What is left of a tenant. */
async function leftOf(tenant: string) {
  const { rows } = await owner.query(
    `select (select count(*)::int from job where tenant = $1) as jobs,
       (select count(*)::int from edge where tenant = $1) as edges,
       (select count(*)::int from run where tenant = $1 and not removing) as runs`,
    [tenant],
  );
  return rows[0];
}

const WHOLE = { jobs: JOBS, edges: JOBS - 1, runs: 1 };
const NOTHING = { jobs: 0, edges: 0, runs: 0 };

describe("a dead job of a run that is over its time", () => {
  it("is retried in a run that stays whole, or not at all, at whichever step", async () => {
    const kinds: string[] = [];
    const pool = database.pool();
    for (let at = 1; ; at++) {
      const tenant = `retried-${at}`;
      const { jobIds } = await deadChain(tenant);
      const jobId = jobIds.at(-1) as string;
      const pass: AsyncGenerator<Pruned> = prune({ ...scene.ports, tenants: async () => [tenant] });
      for (let step = 0; step < at; step++) await pass.next();
      const { results } = await operatorOf(pool, tenant).act({ kind: "retry" }, [jobId]);
      const said = results[0]?.reason || results[0]?.outcome;
      const done = await leftOf(tenant);
      for await (const _ of pass);
      expect(await leftOf(tenant), `retried after step ${at}`).toEqual(
        said === "applied" ? WHOLE : NOTHING,
      );
      kinds.push(said ?? "");
      if (done.jobs === 0) break;
    }
    expect(new Set(kinds)).toEqual(new Set(["applied", "JOB_NOT_FOUND"]));
    expect(kinds.indexOf("JOB_NOT_FOUND")).toBe(kinds.lastIndexOf("applied") + 1);
  }, 120_000);

  it("keeps its run if its retry came first and was not committed yet", async () => {
    const { jobIds, runId } = await deadChain("retry-first");
    let marking: Promise<boolean> | undefined;
    await holding(database.pool(), async (client) => {
      await client.query("select set_config('orch.tenants', 'retry-first', true)");
      await actInTransaction(
        { run: async (one, ...values) => (await client.query(one.text, [...values])).rows },
        {
          ...{ tenant: "retry-first", jobIds: jobIds.slice(-1), action: { kind: "retry" } },
          ...{ reason: "", drainGraceMs: 0 },
        },
      );
      marking = scene.ports.mark("retry-first", runId);
      await untilBlocked();
    });
    expect(await marking).toBe(true);
    expect(await scene.ports.runOver("retry-first", runId, 1_000)).toMatchObject({ over: false });
    expect(await scene.ports.run("retry-first", runId)).toEqual({ kind: "kept", removed: 0 });
    expect(await leftOf("retry-first")).toEqual(WHOLE);
  });

  it("is not found by a retry that waits for the mark", async () => {
    const { jobIds, runId } = await deadChain("mark-first");
    const operator = operatorOf(database.pool(), "mark-first");
    let retrying: ReturnType<typeof operator.act> | undefined;
    await holding(owner, async (client) => {
      await client.query("select from run where id = $1 for update", [runId]);
      await client.query("update run set removing = true where id = $1", [runId]);
      retrying = operator.act({ kind: "retry" }, jobIds.slice(0, 1));
      await untilBlocked();
    });
    const gone = { outcome: "refused", reason: "JOB_NOT_FOUND" };
    expect((await retrying)?.results).toMatchObject([gone]);
    const { rows } = await owner.query("select from ready where tenant = 'mark-first'");
    expect(rows).toEqual([]);
  });
});

describe("a run that is being removed", () => {
  it("has no jobs in lists of it, and stays hidden if more is kept from now on", async () => {
    const { runId } = await deadChain("hidden");
    const list = async () => {
      const all = listJobViews(database.pool(), () => 0);
      return (await all("hidden", jobFilter({ runId }), undefined, 1_000)).length;
    };
    expect(await list()).toBe(1_000);
    const ports = { ...scene.ports, tenants: async () => ["hidden"] };
    for await (const pruned of prune(ports)) if (pruned.jobs > 0) break;
    expect(await list()).toBe(0);
    // As with a longer retention: what is left is not over its time any more.
    await owner.query("update job set ended_at = now() where tenant = 'hidden'");
    for await (const _ of prune(ports));
    expect(await leftOf("hidden")).toMatchObject({ jobs: 600, runs: 0 });
    expect(await list()).toBe(0);
    await owner.query("update job set ended_at = $1 where tenant = 'hidden'", [ago(40)]);
    for await (const _ of prune(ports));
    expect(await leftOf("hidden")).toEqual(NOTHING);
    expect(await scene.ids("hidden", "run")).toEqual([]);
  });
});
