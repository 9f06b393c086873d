import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findGrpcurl } from "../../server/src/rpc/testing/grpcurl.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { type ServerHere, startServerHere } from "../support/server.ts";
import { runSession } from "./session.ts";

const PAGE = new URL("../../docs/flow-control.md", import.meta.url);
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

describe.skipIf(grpcurl === undefined)("the session of docs/flow-control.md", () => {
  it("does what the page says", async () => {
    const stdout = await runSession(PAGE, server.url, grpcurl ?? "");
    expect(stdout).toMatch(/"blockedBy": \{\s*"pause": \{/);
    expect(stdout).toContain('"reason": "bad data since noon"');
    const kinds = [...stdout.matchAll(/"kind": "([a-z_]+)"/g)].map(([, kind]) => kind);
    expect(kinds).toEqual(["resumed", "paused", "settings_updated", "source_created"]);
    expect(stdout).toMatch(/"actor": "ada"[\s\S]*"ticket": "OPS-8"/);
  });
});
