import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findGrpcurl } from "../../server/src/rpc/testing/grpcurl.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { type ServerHere, startServerHere } from "../support/server.ts";

const README = new URL("../../README.md", import.meta.url);
const grpcurl = await findGrpcurl();

let database: TestDatabase;
let server: ServerHere;
let folder: string;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startServerHere(database.url);
  folder = await mkdtemp(join(tmpdir(), "orch-readme-"));
});

afterAll(async () => {
  await server.stop();
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

/** Runs all the blocks under <!-- session --> as one script, against this test's server. */
async function runSession(): Promise<string> {
  const text = await readFile(README, "utf8");
  const blocks = [...text.matchAll(/<!-- session -->\n```sh\n(.*?)```/gs)].map(([, sh]) => sh);
  expect(blocks.length).toBeGreaterThanOrEqual(2);
  const script = blocks
    .join("\n")
    .replaceAll("localhost:7400", new URL(server.url).host)
    // Everything twice in a row, because the README says what a repetition answers.
    .replaceAll(/^grpcurl .*(?:EnqueueJobs|ClaimJobs|CompleteAttempts).*$/gm, "$&\n$&");
  const path = [dirname(grpcurl ?? ""), process.env.PATH].join(delimiter);
  const { stdout } = await promisify(execFile)("bash", ["-euc", script], {
    cwd: folder,
    env: { ...process.env, PATH: path },
  });
  return stdout;
}

describe.skipIf(grpcurl === undefined)("the README's session", () => {
  it("does what the README says, also when it is repeated", async () => {
    const said = await runSession();
    for (const word of ["CREATED", "DUPLICATE", "RENEWED", "APPLIED", "ALREADY_APPLIED"]) {
      expect(said).toMatch(new RegExp(`"[A-Z]+_(OUTCOME|VERDICT)_${word}"`));
    }
    const kinds = [...said.matchAll(/"kind": "([a-z_]+)"/g)].map(([, kind]) => kind);
    expect(kinds).toEqual(["enqueued", "started", "succeeded"]);
    expect(said).toContain('"state":"JOB_STATE_SUCCEEDED"');
  });
});
