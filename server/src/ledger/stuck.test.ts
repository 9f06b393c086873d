import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import { ledgerOf } from "../../../test/support/ledger.ts";
import { insertRows, jobRow, runRow } from "../../../test/support/ledger-rows.ts";
import type { JobWait } from "../app/jobs/explain-job.ts";
import type { FlowSettings } from "../domain/flow/settings.ts";
import { readFlowConfig } from "./flow-settings.ts";
import { announceHeldIn, countStuckIn, forgetHeldIn, lookAtLanesIn, readStuckIn } from "./stuck.ts";

const AFTER_MS = 60_000;
const FIRST = "00000000-0000-0000-0000-000000000000";

let database: TestDatabase;
let owner: pg.Pool;
let pool: pg.Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = database.owner();
  pool = database.pool();
});
afterAll(() => database.drop());

/** Time goes by for the notes of a tenant. */
const wait = (tenant: string) =>
  owner.query("update stuck set since = since - interval '61 s' where tenant = $1", [tenant]);

const stuckEvents = async (tenant: string): Promise<string[]> => {
  const { rows } = await owner.query<{ job_id: string }>(
    "select job_id from job_event where tenant = $1 and kind = 'stuck' order by id",
    [tenant],
  );
  return rows.map((row) => row.job_id);
};

const look = (tenant: string) => lookAtLanesIn(pool, readFlowConfig(pool), AFTER_MS)(tenant);

const capable = (tenant: string, over: object = {}) =>
  insertRows(owner, "capability", {
    ...{ tenant, server_id: "s-2", queue: "default", job_type: "test.echo", workers: 1 },
    ...over,
  });

const settle = (tenant: string, kind: string, name: string, settings: FlowSettings) =>
  insertRows(owner, "flow_settings", { tenant, kind, name, settings, version: 1 });

describe("a lane that nobody serves", () => {
  it("is announced once it was so for long enough, and once a time", async () => {
    const tenant = "nobody";
    const ledger = ledgerOf(pool, tenant);
    const oldest = await ledger.enqueue();
    await ledger.enqueue();
    await ledger.enqueue({ priority: 1 });
    expect(await look(tenant)).toEqual([]);
    expect(await look(tenant)).toEqual([]);
    expect(await stuckEvents(tenant)).toEqual([]);
    await wait(tenant);
    const announced = await look(tenant);
    expect(announced).toHaveLength(2);
    expect(announced[0]).toMatchObject({ queue: "default", cause: "no_worker" });
    expect(await stuckEvents(tenant)).toHaveLength(2);
    expect(await stuckEvents(tenant)).toContain(oldest);
    expect(await countStuckIn(pool)(tenant)).toEqual([{ cause: "no_worker", count: 2 }]);
    await wait(tenant);
    expect(await look(tenant)).toEqual([]);
    await capable(tenant);
    await look(tenant);
    expect(await countStuckIn(pool)(tenant)).toEqual([]);
    await owner.query("delete from capability where tenant = $1", [tenant]);
    await look(tenant);
    await wait(tenant);
    expect(await look(tenant)).toHaveLength(2);
    expect(await stuckEvents(tenant)).toHaveLength(4);
  });

  it("is not one while a worker of any replica that is alive takes its jobs", async () => {
    const tenant = "served";
    await ledgerOf(pool, tenant).enqueue();
    await capable(tenant);
    await capable(tenant, { server_id: "s-3", queue: "other" });
    await look(tenant);
    await wait(tenant);
    expect(await look(tenant)).toEqual([]);
    await owner.query("update capability set seen_at = now() - interval '61 s'");
    await look(tenant);
    await wait(tenant);
    expect(await look(tenant)).toHaveLength(1);
  });

  it("is looked at by one replica at a time", async () => {
    const tenant = "turns";
    await ledgerOf(pool, tenant).enqueue();
    await look(tenant);
    await wait(tenant);
    const both = await Promise.all([look(tenant), look(tenant), look(tenant)]);
    expect(both.flat()).toHaveLength(1);
    expect(await stuckEvents(tenant)).toHaveLength(1);
  });

  it("waits with its event for a job that is just being taken", async () => {
    const tenant = "taken";
    await ledgerOf(pool, tenant).enqueue();
    await look(tenant);
    await wait(tenant);
    const client = await owner.connect();
    await client.query("begin");
    await client.query("select from ready where tenant = $1 for update", [tenant]);
    expect(await stuckAfterLook(tenant)).toEqual([]);
    await client.query("rollback");
    client.release();
    expect(await stuckAfterLook(tenant)).toHaveLength(1);
  });

  const stuckAfterLook = async (tenant: string) => {
    await look(tenant);
    return stuckEvents(tenant);
  };
});

describe("a lane that a limit shuts for good", () => {
  it("is announced with what to do, before it is said to miss workers", async () => {
    const tenant = "shut";
    const ledger = ledgerOf(pool, tenant);
    await ledger.enqueue();
    await look(tenant);
    await wait(tenant);
    await look(tenant);
    await settle(tenant, "queue", "default", { maxConcurrency: 0 });
    // Another cause, so its time begins again.
    expect(await look(tenant)).toEqual([]);
    expect(await countStuckIn(pool)(tenant)).toEqual([]);
    await wait(tenant);
    const advice = "the max_concurrency of queue default is 0: raise it";
    expect(await look(tenant)).toMatchObject([{ cause: "limit", advice }]);
  });
});

describe("a blocked job", () => {
  /** A run of a dead parent and a child that it blocks; answers their ids. */
  async function chain(tenant: string, edge: object, parentState: object = {}) {
    const run = runRow(tenant);
    const inRun = (place: number) => ({ run_id: run.id, run_position: place, name: `n${place}` });
    const ended = { base_state: "dead", ended_at: new Date(), ...parentState };
    const parent = jobRow(tenant, { ...inRun(0), ...ended });
    const child = jobRow(tenant, { ...inRun(1), base_state: "blocked", unmet: 1 });
    await insertRows(owner, "run", run);
    await insertRows(owner, "job", parent, child);
    const ends = { from_job: parent.id, to_job: child.id };
    await insertRows(owner, "edge", { tenant, run_id: run.id, ...ends, ...edge });
    return { parent: parent.id, child: child.id };
  }

  const announce = (tenant: string) => announceHeldIn(pool)(tenant, FIRST);

  it("is announced when what holds it ended, once, and let go when that is retried", async () => {
    const tenant = "held";
    const { parent, child } = await chain(tenant, { on_failure: "hold" });
    expect(await announce(tenant)).toEqual({ announced: [child], next: undefined });
    expect(await announce(tenant)).toEqual({ announced: [], next: undefined });
    expect(await stuckEvents(tenant)).toEqual([child]);
    await forgetHeldIn(pool)(tenant, "");
    expect(await countStuckIn(pool)(tenant)).toEqual([{ cause: "dependency", count: 1 }]);
    const wait = { state: "blocked", lane: { tenant } } as unknown as JobWait;
    expect(await readStuckIn(pool)(child, wait)).toMatchObject({ cause: "dependency" });
    const again = "update job set base_state = 'ready', ended_at = null where id = $1";
    await owner.query(again, [parent]);
    await forgetHeldIn(pool)(tenant, "");
    expect(await countStuckIn(pool)(tenant)).toEqual([]);
  });

  it.each([
    ["of which the edge says cancel", { on_failure: "cancel" }, {}],
    ["which was not needed", { on_failure: "hold" }, { base_state: "cancelled", skipped: true }],
    ["that is unfinished", { on_failure: "hold" }, { base_state: "scheduled", ended_at: null }],
    ["that only has to end", { on_failure: "hold", condition: "completion" }, {}],
  ])("is not announced because of a job %s", async (_name, edge, parentState) => {
    const tenant = "not-held";
    await chain(tenant, edge, parentState);
    expect(await announce(tenant)).toEqual({ announced: [], next: undefined });
  });

  it("is announced once when several replicas look", async () => {
    const tenant = "many";
    for (let count = 0; count < 5; count++) await chain(tenant, { on_failure: "hold" });
    await Promise.all([announce(tenant), announce(tenant), announce(tenant)]);
    expect(new Set(await stuckEvents(tenant)).size).toBe(5);
    expect(await stuckEvents(tenant)).toHaveLength(5);
  });
});
