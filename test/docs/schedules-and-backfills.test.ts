import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findGrpcurl } from "../../server/src/rpc/testing/grpcurl.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { type ServerHere, startServerHere } from "../support/server.ts";
import { runSession } from "./session.ts";

const PAGE = new URL("../../docs/schedules-and-backfills.md", import.meta.url);
const grpcurl = await findGrpcurl();

let database: TestDatabase;
let server: ServerHere;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startServerHere(database.url);
});

afterAll(async () => {
  await server.stop();
  await database.drop();
});

describe.skipIf(grpcurl === undefined)("the session of docs/schedules-and-backfills.md", () => {
  it("goes from the schedule to the replay", async () => {
    const said = await runSession(PAGE, server.url, grpcurl ?? "");
    const watermarks = [...said.matchAll(/"watermarkTime": "([^"]+)"/g)].map(([, time]) => time);
    const start = "2026-01-01T00:00:00Z";
    expect(watermarks).toEqual([start, start, "2026-01-04T00:00:00Z"]);
    // The preview: three windows, three jobs.
    expect(said).toMatch(/"windows": "3",[\s\S]*"jobs": "3"/);
    expect(said).toContain(String.raw`"pattern": "unexpected token at line \u003cn\u003e"`);
    expect(said).toMatch(/"matching": "1"/);
    expect(said).toMatch(/"state": "OPERATION_STATE_DONE"[\s\S]*"applied": "1"/);
    const kinds = [...said.matchAll(/"kind": "([a-z_]+)"/g)].map(([, kind]) => kind);
    expect(kinds).toEqual([
      "schedule_resumed",
      "operation_started",
      "backfill_started",
      "schedule_paused",
      "schedule_triggered",
      "schedule_created",
      "window_series_put",
    ]);
    expect(said).toMatch(/"actor": "ada"[\s\S]*"ticket": "OPS-13"/);
  });
});
