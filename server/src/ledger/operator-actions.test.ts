import { afterAll, beforeAll, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import { ledgerOf, newJob } from "../../../test/support/ledger.ts";
import { cancelJobsIn } from "./operate.ts";
import { listActionsIn } from "./operator-actions.ts";

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const ANY = { kind: undefined, name: undefined };
const NOBODYS = "01890000-0000-7000-8000-000000000000";
const said = { actor: "operator", reason: "test", ticket: "" };

const scene = (tenant: string) => {
  const pool = database.pool();
  const list = listActionsIn(pool);
  return { pool, ...ledgerOf(pool, tenant), notes: () => list(tenant, ANY, undefined, 100) };
};

it("has one action for a call that cancels many jobs, with the first 50 ids", async () => {
  const { store, cancel, claimOne, notes } = scene("many");
  const jobs = Array.from({ length: 60 }, () => newJob("many"));
  await store(jobs);
  const running = await claimOne();
  const ids = jobs.map(({ jobId }) => jobId);
  await cancel([...ids, ids[0] as string, NOBODYS]);
  expect(await notes()).toMatchObject([
    {
      ...{ kind: "jobs_cancelled", targetKind: "job", targetName: "", ...said },
      detail: { counts: { cancelled: 59, requested: 1, not_found: 1 }, jobIds: ids.slice(0, 50) },
    },
  ]);
  expect(ids).toContain(running.jobId);
});

it("names the job that a call retried, and says nothing if none changed", async () => {
  const { enqueue, claimOne, fail, retry, notes } = scene("one");
  const jobId = await enqueue();
  const waiting = await enqueue();
  await fail(await claimOne(), "user", true);
  await retry([jobId, waiting]);
  const noted = await notes();
  expect(noted).toMatchObject([
    {
      ...{ kind: "jobs_retried", targetKind: "job", targetName: jobId, ...said },
      detail: { counts: { ready: 1, already_active: 1 }, jobIds: [jobId] },
    },
  ]);
  await retry([jobId, waiting, NOBODYS]);
  expect(await notes()).toEqual(noted);
});

it("has nothing of what follows from something else, such as the end of a backfill", async () => {
  const { pool, enqueue, notes } = scene("follows");
  const { results } = await cancelJobsIn(pool)("follows", [await enqueue()], "its backfill", 0);
  expect(results).toMatchObject([{ kind: "cancelled" }]);
  expect(await notes()).toEqual([]);
});

it("is written with the change, or neither is", async () => {
  const { enqueue, cancel, retry, claimOne, fail } = scene("both");
  const dead = await enqueue();
  await fail(await claimOne(), "user", true);
  const ready = await enqueue();
  await database.owner().query("revoke insert on operator_action from orch_app");
  await expect(cancel([ready])).rejects.toThrow("operator_action");
  await expect(retry([dead])).rejects.toThrow("operator_action");
  await database.owner().query("grant insert on operator_action to orch_app");
  expect((await cancel([ready])).results).toMatchObject([{ kind: "cancelled" }]);
  expect((await retry([dead])).results).toMatchObject([{ kind: "ready" }]);
});
