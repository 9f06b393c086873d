import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import { type FlowServer, startFlowServer } from "../../../test/support/flow-server.ts";
import { FlowScopeKind } from "../gen/stellaops/orchestrator/v1/flow_control_pb.ts";
import { type Clients, clientsOf, failureOf } from "./testing/clients.ts";

let database: TestDatabase;
let server: FlowServer;
let clients: Clients;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startFlowServer(database.pool());
  clients = clientsOf(server.listener.url);
});
afterAll(async () => {
  clients.close();
  await server.stop();
  await database.drop();
});

const as = (tenant: string, actor?: string) => ({
  headers: { "orch-tenant": tenant, ...(actor !== undefined && { "orch-actor": actor }) },
});

const osv = {
  name: "osv",
  type: "osv",
  host: "api.osv.dev",
  labels: { team: "feeds" },
  project: "vuln",
  objectives: { latency: { seconds: 2n, nanos: 500_000_000 }, successRatio: 0.99 },
};

describe("a source", () => {
  it("is registered, found and listed as it was described", async () => {
    const { source } = await clients.sources.createSource({ source: osv }, as("create"));
    expect(source).toMatchObject(osv);
    expect(source?.etag).not.toBe("");
    expect(source?.createTime).toEqual(source?.updateTime);
    const got = await clients.sources.getSource({ name: "osv" }, as("create"));
    expect(got.source).toEqual(source);
    const listed = await clients.sources.listSources({}, as("create"));
    expect(listed.sources).toEqual([source]);
  });

  it("that names no host is its own", async () => {
    const { source } = await clients.sources.createSource({ source: { name: "a/b" } }, as("host"));
    expect(source?.host).toBe("a/b");
    expect(source?.objectives).toBeUndefined();
    const request = { source: { name: "a/b", host: "" }, updateMask: { paths: ["host"] } };
    expect((await clients.sources.updateSource(request, as("host"))).source?.host).toBe("a/b");
  });

  it("is not registered twice, and the second try changes nothing", async () => {
    await clients.sources.createSource({ source: osv }, as("twice"));
    const again = clients.sources.createSource({ source: { name: "osv" } }, as("twice"));
    expect(await failureOf(again)).toMatchObject({
      code: Code[Code.AlreadyExists],
      reason: "SOURCE_EXISTS",
    });
    const { source } = await clients.sources.getSource({ name: "osv" }, as("twice"));
    expect(source).toMatchObject(osv);
    const { changes } = await clients.flow.listFlowChanges({}, as("twice"));
    expect(changes).toHaveLength(1);
  });

  it("that nobody registered is not found", async () => {
    const notFound = { code: Code[Code.NotFound], reason: "SOURCE_NOT_FOUND" };
    const get = clients.sources.getSource({ name: "none" }, as("none"));
    expect(await failureOf(get)).toMatchObject(notFound);
    const update = clients.sources.updateSource({ source: { name: "none" } }, as("none"));
    expect(await failureOf(update)).toMatchObject(notFound);
  });
});

describe("an update", () => {
  it("changes what the mask names and nothing else", async () => {
    const { source: before } = await clients.sources.createSource({ source: osv }, as("mask"));
    const source = { name: "osv", type: "other", project: "other", labels: {} };
    const updateMask = { paths: ["type", "objectives"] };
    const { source: after } = await clients.sources.updateSource(
      { source, updateMask },
      as("mask"),
    );
    const { objectives, ...rest } = osv;
    expect(before?.objectives).toMatchObject(objectives);
    expect(after).toMatchObject({ ...rest, type: "other" });
    expect(after?.objectives).toBeUndefined();
    expect(after?.etag).not.toBe(before?.etag);
    const { sources } = await clients.sources.listSources({ type: "other" }, as("mask"));
    expect(sources).toEqual([after]);
  });

  it("without a mask replaces everything", async () => {
    await clients.sources.createSource({ source: osv }, as("whole"));
    const source = { name: "osv", type: "new" };
    const { source: after } = await clients.sources.updateSource({ source }, as("whole"));
    expect(after).toMatchObject({ type: "new", host: "osv", labels: {}, project: "" });
    expect(after?.objectives).toBeUndefined();
  });

  it("refuses a mask that names something else", async () => {
    await clients.sources.createSource({ source: osv }, as("wrong-mask"));
    for (const path of ["name", "etag", "create_time", "objectives.latency", "*"]) {
      const request = { source: { name: "osv" }, updateMask: { paths: ["type", path] } };
      expect(
        await failureOf(clients.sources.updateSource(request, as("wrong-mask"))),
        path,
      ).toMatchObject({ reason: "REQUEST_INVALID", violations: ["update_mask"] });
    }
  });

  it("with an etag is refused when somebody came first; of two at once one wins", async () => {
    const tenant = as("race");
    const { source } = await clients.sources.createSource({ source: osv }, tenant);
    const etag = source?.etag ?? "";
    const updates = ["one", "two"].map((type) =>
      failureOf(clients.sources.updateSource({ source: { name: "osv", type, etag } }, tenant)),
    );
    const failures = (await Promise.all(updates)).filter((failure) => failure !== undefined);
    expect(failures).toMatchObject([{ code: Code[Code.Aborted], reason: "ETAG_MISMATCH" }]);
    const { changes } = await clients.flow.listFlowChanges({}, tenant);
    expect(changes.map(({ kind }) => kind)).toEqual(["source_updated", "source_created"]);
    const { source: now } = await clients.sources.getSource({ name: "osv" }, tenant);
    const next = { source: { name: "osv", type: "three", etag: now?.etag ?? "" } };
    expect((await clients.sources.updateSource(next, tenant)).source?.type).toBe("three");
  });
});

describe("a list", () => {
  it("goes page by page in the order of names, by type and host", async () => {
    const tenant = as("pages");
    for (const name of ["e", "b", "d", "a", "c"]) {
      const source = { name, type: name < "c" ? "low" : "high", host: "shared" };
      await clients.sources.createSource({ source }, tenant);
    }
    const names: string[] = [];
    let pageToken = "";
    do {
      const page = await clients.sources.listSources({ pageSize: 2, pageToken }, tenant);
      expect(page.sources.length).toBeLessThanOrEqual(2);
      names.push(...page.sources.map(({ name }) => name));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    expect(names).toEqual(["a", "b", "c", "d", "e"]);
    const low = await clients.sources.listSources({ type: "low", host: "shared" }, tenant);
    expect(low.sources.map(({ name }) => name)).toEqual(["a", "b"]);
    expect((await clients.sources.listSources({ host: "other" }, tenant)).sources).toEqual([]);
  });

  it("ends a page early rather than grow beyond what clients read", async () => {
    const tenant = as("large");
    const labels = Object.fromEntries(
      Array.from({ length: 32 }, (_, n) => [`${n}`.padEnd(63, "k"), "\u00e9".repeat(127)]),
    );
    const count = 120;
    for (let n = 0; n < count; n++) {
      await clients.sources.createSource({ source: { name: `s${n}`, labels } }, tenant);
    }
    const first = await clients.sources.listSources({ pageSize: 1_000 }, tenant);
    expect(first.sources.length).toBeGreaterThan(10);
    expect(first.sources.length).toBeLessThan(count);
    const { nextPageToken: pageToken } = first;
    const second = await clients.sources.listSources({ pageSize: 1_000, pageToken }, tenant);
    const names = [...first.sources, ...second.sources].map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  it("takes no token of another list, filter or tenant", async () => {
    for (const name of ["a", "b"]) {
      await clients.sources.createSource({ source: { name } }, as("tokens"));
    }
    const { nextPageToken } = await clients.sources.listSources({ pageSize: 1 }, as("tokens"));
    const invalid = { reason: "PAGE_TOKEN_INVALID", violations: ["page_token"] };
    const pageToken = nextPageToken;
    const others = [
      clients.sources.listSources({ pageToken, type: "x" }, as("tokens")),
      clients.sources.listSources({ pageToken }, as("tokens-2")),
      clients.sources.listSources({ pageToken: "made-up" }, as("tokens")),
      clients.flow.listFlowSettings({ pageToken }, as("tokens")),
      clients.flow.listFlowChanges({ pageToken }, as("tokens")),
      clients.flow.listFlowStates({ pageToken }, as("tokens")),
    ];
    for (const call of others) expect(await failureOf(call)).toMatchObject(invalid);
  });
});

it("keeps what was said before and after in the history, with who and why", async () => {
  const audit = { reason: "moved", ticket: "OPS-7" };
  await clients.sources.createSource({ source: osv, ...audit }, as("history", "ada@example.org"));
  const source = { name: "osv", host: "osv.example" };
  const updateMask = { paths: ["host"] };
  await clients.sources.updateSource({ source, updateMask }, as("history"));
  const scope = { kind: FlowScopeKind.SOURCE, name: "osv" };
  const { changes } = await clients.flow.listFlowChanges({ scope }, as("history"));
  const [updated, created] = changes;
  expect(created).toMatchObject({ kind: "source_created", actor: "ada@example.org", ...audit });
  expect(created?.beforeJson).toBe("");
  expect(JSON.parse(created?.afterJson ?? "")).toEqual({
    ...osv,
    objectives: { latency: "2.500s", successRatio: 0.99 },
  });
  expect(updated).toMatchObject({ kind: "source_updated", actor: "operator", reason: "" });
  expect(updated?.beforeJson).toBe(created?.afterJson);
  expect(JSON.parse(updated?.afterJson ?? "")).toMatchObject({ host: "osv.example", type: "osv" });
});

it("is nobody else's to see or to change", async () => {
  await clients.sources.createSource({ source: osv }, as("mine"));
  const notFound = { reason: "SOURCE_NOT_FOUND" };
  const { name } = osv;
  const foreign = as("yours");
  expect(await failureOf(clients.sources.getSource({ name }, foreign))).toMatchObject(notFound);
  const update = clients.sources.updateSource({ source: { name, type: "x" } }, foreign);
  expect(await failureOf(update)).toMatchObject(notFound);
  expect((await clients.sources.listSources({}, foreign)).sources).toEqual([]);
  await clients.sources.createSource({ source: { name, type: "theirs" } }, foreign);
  expect((await clients.sources.getSource({ name }, as("mine"))).source).toMatchObject(osv);
});

it("refuses an actor that cannot be", async () => {
  for (const actor of ["", "a,b", "x".repeat(129), "caf\u00e9"]) {
    const call = clients.sources.createSource({ source: { name: "x" } }, as("actor", actor));
    expect(await failureOf(call), actor).toMatchObject({
      code: Code[Code.InvalidArgument],
      reason: "ACTOR_INVALID",
      violations: ["orch-actor"],
    });
  }
  expect((await clients.sources.listSources({}, as("actor"))).sources).toEqual([]);
});
