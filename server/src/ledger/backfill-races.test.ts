import type pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import { jobSpec } from "../../../test/support/ledger.ts";
import type { NewBackfill } from "../app/backfills/create-backfill.ts";
import { newId } from "../lib/ids.ts";
import { insertBackfill } from "./backfill.sql.ts";
import { createBackfillIn } from "./backfills.ts";
import { putSeriesIn } from "./watermarks.ts";

const HOUR_MS = 3_600_000;
const audit = { actor: "ada", reason: "test", ticket: "" };

let database: TestDatabase;
let owner: pg.Pool;
let pool: pg.Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = database.owner();
  pool = database.pool();
});
afterAll(() => database.drop());

it("a backfill is made where one of its id vanished while it looked", async () => {
  const tenant = "acme";
  const start = new Date("2026-01-01T00:00:00Z");
  const end = new Date("2026-01-01T01:00:00Z");
  const series = { source: "osv", scope: "npm", widthMs: HOUR_MS, latenessMs: 0, origin: start };
  await putSeriesIn(pool)(tenant, series, audit);
  const backfill: NewBackfill = {
    tenant,
    id: newId(),
    spec: {
      ...{ source: "osv", scope: "npm", start, end, maxParallel: 1, repeatCovered: false },
      job: jobSpec({ source: "osv" }),
    },
    requestDigest: Buffer.alloc(32),
    audit,
    fit: () => ({ kind: "fits", start, end, windows: 1 }),
  };
  let tries = 0;
  // Another one takes the id before the insert, and retention takes that before it is read.
  const connect = async () => {
    const client = await pool.connect();
    const query = async (asked: pg.QueryConfig) => {
      if (asked.name !== insertBackfill.name || tries++ > 0) return client.query(asked);
      await createBackfillIn(pool)(backfill);
      const answer = await client.query(asked);
      await owner.query("delete from backfill where tenant = $1", [tenant]);
      return answer;
    };
    return Object.create(client, { query: { value: query } });
  };
  const racing = Object.create(pool, { connect: { value: connect } });
  expect(await createBackfillIn(racing)(backfill)).toEqual({ kind: "created" });
  expect(tries).toBe(2);
});
