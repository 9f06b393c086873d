import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findGrpcurl } from "../../server/src/rpc/testing/grpcurl.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { type ServerHere, startServerHere } from "../support/server.ts";
import { runSession } from "./session.ts";

const PAGE = new URL("../../docs/runs.md", import.meta.url);
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

describe.skipIf(grpcurl === undefined)("the session of docs/runs.md", () => {
  it("goes from the pipeline to the replay", async () => {
    const said = await runSession(PAGE, server.url, grpcurl ?? "");
    expect(said).toMatch(/"pipeline": "feed",\s*"pipelineVersion": 1/);
    // The graph: the join waits for two parts.
    expect(said).toMatch(/"name": "join"[\s\S]*"dependency": \{[\s\S]*"count": 2/);
    expect(said).toContain('"state": "RUN_STATE_FAILED"');
    expect(said).toMatch(/"name": "join",\s*"jobId": "[^"]+",\s*"cause": "REPLAY_CAUSE_NOT_SUCC/);
    expect(said).toMatch(/"runningCount": 1,\s*"reusedCount": 3/);
    const spans = [...said.matchAll(/"kind": "(SPAN_KIND_[A-Z]+)"/g)].map(([, kind]) => kind);
    expect(spans).toContain("SPAN_KIND_RUNNING");
    const total = said.lastIndexOf('"steps"');
    const path = [...said.slice(total).matchAll(/"name": "([^"]+)"/g)].map(([, name]) => name);
    // What a handler appends has no edge from it.
    expect(path).toEqual([expect.stringMatching(/^part-[12]$/), "join", "tell"]);
  });
});
