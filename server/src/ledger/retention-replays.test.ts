import { createHash } from "node:crypto";
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import { insertRows, jobRow, runRow } from "../../../test/support/ledger-rows.ts";
import { newId } from "../lib/ids.ts";
import { markRunIn, pruneRunIn, runsToPruneIn } from "./retention.ts";
import { storeReplayIn } from "./run-replay.ts";
import { ago, idOf, KEPT } from "./testing/retention-scene.ts";

let database: TestDatabase;
let owner: pg.Pool;
let pool: pg.Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = database.owner();
  pool = database.pool();
});
afterAll(() => database.drop());

/** A run that is over its time, of one job that was cancelled. */
async function oldRun(tenant: string): Promise<string> {
  const run = runRow(tenant, { id: idOf(50), created_at: ago(50), job_count: 1 });
  await insertRows(owner, "run", run);
  const ended = { base_state: "cancelled", ended_at: ago(40), end_reason: "test" };
  const place = { run_id: run.id, run_position: 1, name: "only" };
  await insertRows(owner, "job", jobRow(tenant, { id: idOf(50), ...place, ...ended }));
  return run.id;
}

const replayOf = (tenant: string, source: string) =>
  storeReplayIn(pool)({
    ...{ tenant, id: newId(), actor: "ada", reason: "", ticket: "" },
    requestDigest: createHash("sha256").update(source).digest(),
    selection: { source, causes: ".n" },
    mark: "0 ",
  });

const removable = async (tenant: string) =>
  (await runsToPruneIn(pool, KEPT)(tenant, idOf(99), newId())).runIds;

const isRemoving = async (runId: string) =>
  (await owner.query("select removing from run where id = $1", [runId])).rows[0]?.removing;

describe("a run that is over its time", () => {
  it("stays while it is built itself", async () => {
    const runId = await oldRun("built");
    await owner.query("update run set building = true where tenant = 'built'");
    expect(await removable("built")).toEqual([]);
    expect(await markRunIn(pool)("built", runId)).toBe(false);
  });

  it("stays while it is replayed, and goes after that", async () => {
    const tenant = "replayed";
    const runId = await oldRun(tenant);
    expect(await removable(tenant)).toEqual([runId]);
    expect(await replayOf(tenant, runId)).toMatchObject({ kind: "created" });
    expect(await removable(tenant)).toEqual([]);
    // Whoever looked before the replay was there goes no further.
    expect(await markRunIn(pool)(tenant, runId)).toBe(false);
    expect(await isRemoving(runId)).toBe(false);
    await owner.query("update run set building = false where tenant = $1", [tenant]);
    expect(await removable(tenant)).toEqual([runId]);
    expect(await markRunIn(pool)(tenant, runId)).toBe(true);
  });

  it("is given up again if its replay came in between", async () => {
    const tenant = "raced";
    const runId = await oldRun(tenant);
    expect(await replayOf(tenant, runId)).toMatchObject({ kind: "created" });
    // As a removal leaves it whose first statement did not see the replay yet.
    await owner.query("update run set removing = true where id = $1", [runId]);
    expect(await pruneRunIn(pool)(tenant, runId)).toEqual({ kind: "kept", removed: 0 });
    expect(await isRemoving(runId)).toBe(false);
  });

  it("cannot be replayed once its removal has begun", async () => {
    const tenant = "going";
    const runId = await oldRun(tenant);
    expect(await markRunIn(pool)(tenant, runId)).toBe(true);
    expect(await replayOf(tenant, runId)).toEqual({ kind: "run_not_found" });
    const { rows } = await owner.query(
      `select id from operation where tenant = $1
       union all select id from run where replay_of = $2`,
      [tenant, runId],
    );
    expect(rows).toEqual([]);
  });
});
