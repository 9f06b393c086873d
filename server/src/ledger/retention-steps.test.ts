import type pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { digestOf, insertRows, runRow } from "../../../test/support/ledger-rows.ts";
import { prune } from "../app/retention/pruner.ts";
import { newId } from "../lib/ids.ts";
import { ago, idOf, openRetention, type RetentionScene } from "./testing/retention-scene.ts";

let scene: RetentionScene;
let owner: pg.Pool;

beforeAll(async () => {
  scene = await openRetention();
  ({ owner } = scene);
});
afterAll(() => scene.close());

it("goes on with a large run that it was stopped in, step by small step", async () => {
  const tenant = "large";
  await scene.chain(tenant, 2_600, "cancelled");
  const leftOf = async () => {
    const { rows } = await owner.query<{ jobs: number; edges: number }>(
      `select (select count(*)::integer from job where tenant = $1) as jobs,
         (select count(*)::integer from edge where tenant = $1) as edges`,
      [tenant],
    );
    return rows[0] ?? { jobs: 0, edges: 0 };
  };
  let steps = 0;
  for (let left = await leftOf(); left.jobs > 0; steps++) {
    const before = left;
    // Dies after each step that removes something.
    for await (const _ of prune(scene.ports)) {
      left = await leftOf();
      if (left.jobs < before.jobs || left.edges < before.edges) break;
    }
    expect(before.jobs - left.jobs).toBeLessThanOrEqual(500);
    expect(before.edges - left.edges).toBeLessThanOrEqual(2_000);
    if (steps > 40) throw new Error("it does not come to an end");
  }
  await scene.pruneAll();
  expect(await scene.ids(tenant, "run")).toEqual([]);
  expect(await scene.ids(tenant, "edge", "run_id")).toEqual([]);
  expect(steps).toBeGreaterThan(5);
});

it("leaves a run alone in which a job came to be needed again", async () => {
  const tenant = "needed";
  const { runId } = await scene.chain(tenant, 3, "cancelled");
  expect(await scene.ports.mark(tenant, runId)).toBe(true);
  const [first] = await scene.ids(tenant);
  await insertRows(owner, "run", runRow(tenant, { id: newId() }));
  const [, other] = (await scene.ids(tenant, "run")).sort();
  await insertRows(owner, "reused_job", { tenant, run_id: other, job_id: first });
  expect(await scene.ports.runOver(tenant, runId, -1)).toMatchObject({ over: false });
  expect(await scene.ports.run(tenant, runId)).toEqual({ kind: "kept", removed: 0 });
  const { rows } = await owner.query("select removing from run where tenant = $1 and id = $2", [
    tenant,
    runId,
  ]);
  expect(rows).toEqual([{ removing: false }]);
  expect(await scene.ids(tenant)).toHaveLength(3);
});

it("passes over a job that somebody holds, and waits for nobody", async () => {
  const tenant = "held";
  const held = await scene.job(tenant, "dead", 40);
  await scene.job(tenant, "dead", 40);
  const client = await owner.connect();
  await client.query("begin");
  await client.query("select from job where id = $1 for update", [held.id]);
  await scene.pruneAll();
  expect(await scene.ids(tenant)).toEqual([held.id]);
  await client.query("commit");
  client.release();
  await scene.pruneAll();
  expect(await scene.ids(tenant)).toEqual([]);
});

it("removes each job once when two replicas prune at a time", async () => {
  const tenant = "two";
  await Promise.all(Array.from({ length: 60 }, () => scene.job(tenant, "discarded", 12)));
  const pass = async () => {
    let jobs = 0;
    for await (const pruned of prune({ ...scene.ports, mine: async () => true })) {
      jobs = pruned.jobs;
    }
    return jobs;
  };
  const [one = 0, other = 0] = await Promise.all([pass(), pass()]);
  expect(one + other + (await pass())).toBe(60);
  expect(await scene.ids(tenant)).toEqual([]);
});

it("is the work of the first replica that is alive", async () => {
  expect(await scene.ports.mine()).toBe(true);
  await owner.query("insert into replica values ('a-first', now() + interval '1 day')");
  expect(await scene.ports.mine()).toBe(false);
  await scene.job("first", "dead", 40);
  expect((await scene.pruneAll()).jobs).toBe(0);
  await owner.query(
    "update replica set last_seen = now() - interval '1 minute' where server_id = 'a-first'",
  );
  expect((await scene.pruneAll()).jobs).toBe(1);
});

const audit = { actor: "operator", reason: "", ticket: "", request_digest: digestOf("r") };

it("removes what operators did long ago, and keeps the history of it", async () => {
  const tenant = "done";
  const times = { old: ago(21), young: ago(19) };
  for (const [name, at] of Object.entries(times)) {
    const id = idOf(30);
    const done = { created_at: ago(22), finished_at: at, state: "done" };
    await insertRows(owner, "operation", {
      ...{ tenant, id, kind: "retry", request: {}, ...audit, ...done },
    });
    const result = { outcome: "applied", reason: "", state: "ready" };
    await insertRows(owner, "operation_result", {
      ...{ tenant, operation_id: id, job_id: newId(), ...result },
    });
    await insertRows(owner, "firing", {
      ...{ tenant, schedule: name, nominal_at: at, fired_at: at, outcome: "created" },
    });
    await insertRows(owner, "firing", {
      ...{ tenant, schedule: `${name}-queued`, nominal_at: at, fired_at: at, outcome: "queued" },
    });
    const span = { start_at: new Date(0), end_at: new Date(9), decided_upto: new Date(0) };
    const asked = { source: name, scope: "", spec: {}, max_parallel: 1, repeat_covered: false };
    const ended = { state: "succeeded", windows: 1, finished_at: at };
    await insertRows(owner, "backfill", { tenant, id, ...audit, ...span, ...asked, ...ended });
    const span1 = { window_start: new Date(0), window_end: new Date(9), state: "covered" };
    await insertRows(owner, "backfill_window", { tenant, backfill_id: id, ...span1 });
    await insertRows(owner, "take_out", {
      ...{ tenant, id, selector: {}, move_leases: false, ...audit, reason: name, ended_at: at },
    });
  }
  await insertRows(owner, "operation", {
    ...{ tenant, id: idOf(90), kind: "retry", request: {}, ...audit, created_at: ago(90) },
    state: "running",
  });
  const action = { kind: "k", target_kind: "t", target_name: "n", at: ago(90) };
  const { request_digest: _, ...said } = audit;
  await insertRows(owner, "operator_action", { tenant, ...said, ...action });

  await scene.pruneAll();
  const count = async (table: string) =>
    (await owner.query(`select from ${table} where tenant = $1`, [tenant])).rowCount;
  expect(await count("operation")).toBe(2);
  expect(await count("operation_result")).toBe(1);
  expect(await scene.ids(tenant, "firing", "schedule")).toEqual([
    "old-queued",
    "young",
    "young-queued",
  ]);
  expect(await scene.ids(tenant, "backfill", "source")).toEqual(["young"]);
  expect(await count("backfill_window")).toBe(1);
  expect(await scene.ids(tenant, "take_out", "reason")).toEqual(["young"]);
  expect(await count("operator_action")).toBe(1);
});

it("closes sessions whose replica is gone, and forgets those that ended a day ago", async () => {
  const tenant = "sessions";
  const session = (worker_id: string, server_id: string, over: object = {}) =>
    insertRows(owner, "session", {
      ...{ tenant, worker_id, server_id, sdk: "", session_id: newId(), instance_id: newId() },
      ...over,
    });
  await session("here", "here");
  await session("lost", "gone-for-an-hour", { connected_at: ago(2) });
  await session("lost-long-ago", "gone-for-days", { connected_at: ago(50) });
  await session("left", "here", { closed_at: ago(23) });
  await session("left-long-ago", "here", { closed_at: ago(25) });
  await owner.query("update control_plane set available_since = now()");
  await scene.pruneAll();
  const open = async () => {
    const { rows } = await owner.query<{ worker_id: string }>(
      "select worker_id from session where tenant = $1 and closed_at is null order by 1",
      [tenant],
    );
    return rows.map((row) => row.worker_id);
  };
  // Right after an outage nobody knows which replicas are alive.
  expect(await open()).toEqual(["here", "lost", "lost-long-ago"]);
  await owner.query("update control_plane set available_since = now() - interval '1 hour'");
  await scene.pruneAll();
  await scene.pruneAll();
  expect(await open()).toEqual(["here"]);
  expect(await scene.ids(tenant, "session", "worker_id")).toEqual(["here", "left", "lost"]);
});
