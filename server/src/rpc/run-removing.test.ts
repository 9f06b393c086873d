import { Code } from "@connectrpc/connect";
import type pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import { ledgerHash } from "../../../test/support/ledger-hash.ts";
import { type ServerHere, startServerHere } from "../../../test/support/server.ts";
import { newId } from "../lib/ids.ts";
import { as, type Clients, clientsOf, failureOf } from "./testing/clients.ts";

// Retention removes a run in steps. Its edges go first, so what is left is not the run any more.

const TENANT = "removing";

let database: TestDatabase;
let owner: pg.Pool;
let server: ServerHere;
let clients: Clients;
let runId: string;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = database.owner();
  server = await startServerHere(database.url);
  clients = clientsOf(server.url);
  runId = newId();
  const { jobIds } = await clients.runs.createRun({ ...request, runId }, as(TENANT));
  await clients.jobs.cancelJobs({ jobIds }, as(TENANT));
});
afterAll(async () => {
  clients.close();
  await server.stop();
  await database.drop();
});

const jobs = [{ name: "only", spec: { jobType: "test.echo" } }];
const request = { project: "feeds", jobs };

/** Ends when the stream does. */
async function watch(): Promise<void> {
  const target = { case: "runId" as const, value: runId };
  for await (const _ of clients.jobs.watchJobs({ target }, as(TENANT)));
}

/** Everything that names a run. */
const CALLS: Readonly<Record<string, () => Promise<unknown>>> = {
  GetRun: () => clients.runs.getRun({ runId }, as(TENANT)),
  GetRunGraph: () => clients.runs.getRunGraph({ runId }, as(TENANT)),
  GetRunTimeline: () => clients.runs.getRunTimeline({ runId }, as(TENANT)),
  GetCriticalPath: () => clients.runs.getCriticalPath({ runId }, as(TENANT)),
  WatchJobs: watch,
  CloseRun: () => clients.runs.closeRun({ runId }, as(TENANT)),
  AppendJobs: () => clients.runs.appendJobs({ runId, jobs }, as(TENANT)),
  CancelRun: () => clients.runs.cancelRun({ runId }, as(TENANT)),
  ReplayRun: () => clients.runs.replayRun({ runId }, as(TENANT)),
  StartOperation: () => {
    const target = { case: "matching" as const, value: { runId } };
    const action = { case: "cancel" as const, value: {} };
    return clients.operations.startOperation({ target, action }, as(TENANT));
  },
};

const listed = async () => (await clients.runs.listRuns({}, as(TENANT))).runs.map((r) => r.runId);

it("is there before", async () => {
  expect(await failureOf(CALLS.GetRun?.() ?? Promise.reject())).toBeUndefined();
  expect(await failureOf(watch())).toBeUndefined();
  expect(await listed()).toEqual([runId]);
  await owner.query("update run set removing = true where id = $1", [runId]);
});

it.each(Object.keys(CALLS))("is unknown to %s", async (name) => {
  const hash = await ledgerHash(owner, TENANT);
  const failure = await failureOf(CALLS[name]?.() ?? Promise.resolve());
  expect(failure).toMatchObject({ code: "NotFound", reason: "RUN_NOT_FOUND" });
  expect(await ledgerHash(owner, TENANT)).toEqual(hash);
});

it.each([
  ["all runs", {}],
  ["those of its project", { project: "feeds" }],
])("is not in the list of %s", async (_, filter) => {
  expect((await clients.runs.listRuns(filter, as(TENANT))).runs).toEqual([]);
});

it("still has its id: a repetition is to come again, and makes nothing", async () => {
  const hash = await ledgerHash(owner, TENANT);
  const again = clients.runs.createRun({ ...request, runId }, as(TENANT));
  await expect(again).rejects.toMatchObject({
    code: Code.Unavailable,
    rawMessage: "a run of this id is being removed; try again",
  });
  const other = { ...request, runId, project: "other" };
  const conflict = { code: "AlreadyExists", reason: "RUN_ID_CONFLICT" };
  expect(await failureOf(clients.runs.createRun(other, as(TENANT)))).toMatchObject(conflict);
  expect(await ledgerHash(owner, TENANT)).toEqual(hash);
});

it("is there again once its removal is given up", async () => {
  await owner.query("update run set removing = false where id = $1", [runId]);
  expect(await listed()).toEqual([runId]);
  const again = await clients.runs.createRun({ ...request, runId }, as(TENANT));
  expect(again.alreadyExisted).toBe(true);
});
