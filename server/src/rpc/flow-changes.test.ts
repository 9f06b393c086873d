import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import { type FlowServer, startFlowServer } from "../../../test/support/flow-server.ts";
import type { FlowStateView } from "../app/flow/list-states.ts";
import {
  BreakerPhase,
  FlowScopeKind,
  type FlowSettingsSchema,
} from "../gen/stellaops/orchestrator/v1/flow_control_pb.ts";
import { type Clients, clientsOf } from "./testing/clients.ts";
import { findGrpcurl, grpcurl } from "./testing/grpcurl.ts";

type Settings = MessageInitShape<typeof FlowSettingsSchema>;

const program = await findGrpcurl();
const PACKAGE = "stellaops.orchestrator.v1";
const states = new Map<string, readonly FlowStateView[]>();

let database: TestDatabase;
let server: FlowServer;
let clients: Clients;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startFlowServer(database.pool(), async (tenant) => states.get(tenant) ?? []);
  clients = clientsOf(server.listener.url);
});
afterAll(async () => {
  clients.close();
  await server.stop();
  await database.drop();
});

const as = (tenant: string, actor = "ada") => ({
  headers: { "orch-tenant": tenant, "orch-actor": actor },
});
const { QUEUE, HOST } = FlowScopeKind;
const scopeOf = (kind: FlowScopeKind, name = "x") => ({ kind, name });

const update = async (tenant: string, settings: Settings) =>
  (await clients.flow.updateFlowSettings({ settings }, as(tenant))).settings;
const get = async (tenant: string, kind: FlowScopeKind, name?: string) =>
  (await clients.flow.getFlowSettings({ scope: scopeOf(kind, name) }, as(tenant))).settings;

describe("the history", () => {
  it("has who, when, why, and how it was before and after, newest first", async () => {
    const scope = scopeOf(QUEUE, "q");
    const audit = { reason: "too many", ticket: "OPS-1" };
    await clients.flow.updateFlowSettings({ settings: { scope, maxDepth: 1n }, ...audit }, as("h"));
    await clients.flow.updateFlowSettings(
      { settings: { scope, maxConcurrency: 4 } },
      as("h", "bob"),
    );
    const { changes } = await clients.flow.listFlowChanges({}, as("h"));
    const [second, first] = changes;
    const json = (settings: object) => ({
      scope: { kind: "FLOW_SCOPE_KIND_QUEUE", name: "q" },
      ...settings,
    });
    expect(first).toMatchObject({ scope, kind: "settings_updated", actor: "ada", ...audit });
    expect(first?.beforeJson).toBe("");
    expect(JSON.parse(first?.afterJson ?? "")).toEqual(json({ maxDepth: "1" }));
    expect(second).toMatchObject({ actor: "bob", reason: "", beforeJson: first?.afterJson });
    expect(JSON.parse(second?.afterJson ?? "")).toEqual(json({ maxConcurrency: 4 }));
    expect(Number(second?.changeId)).toBeGreaterThan(Number(first?.changeId));
    const ageMs = Date.now() - Number(second?.time?.seconds ?? 0n) * 1_000;
    expect(ageMs).toBeLessThan(60_000);
  });

  it("goes page by page, of everything and of one scope", async () => {
    for (const maxDepth of [1n, 2n, 3n]) {
      for (const name of ["a", "b"]) await update("hp", { scope: scopeOf(QUEUE, name), maxDepth });
    }
    const all = async (scope?: { kind: FlowScopeKind; name: string }) => {
      const depths: string[] = [];
      let pageToken = "";
      do {
        const request = { pageSize: 2, pageToken, ...(scope && { scope }) };
        const page = await clients.flow.listFlowChanges(request, as("hp"));
        depths.push(
          ...page.changes.map((c) => `${c.scope?.name}${JSON.parse(c.afterJson).maxDepth}`),
        );
        pageToken = page.nextPageToken;
      } while (pageToken !== "");
      return depths;
    };
    expect(await all()).toEqual(["b3", "a3", "b2", "a2", "b1", "a1"]);
    expect(await all(scopeOf(QUEUE, "a"))).toEqual(["a3", "a2", "a1"]);
  });
});

it("lists states by kind and name, page by page, and of one scope", async () => {
  const moment = new Date("2030-01-01T00:00:00Z");
  const limiter = {
    ratePerSecond: 7,
    ceilingPerSecond: 10,
    lastCutAt: moment,
    cutReason: "http_429",
    blockedUntil: undefined,
  };
  const breaker = {
    phase: "open",
    openUntil: moment,
    timesOpened: 2,
    reason: "5 failures",
  } as const;
  states.set("states", [
    { scope: { kind: "job_type", name: "t" }, dynamicLimit: 0 },
    { scope: { kind: "host", name: "b" }, breaker },
    { scope: { kind: "host", name: "a" }, limiter },
  ]);
  const first = await clients.flow.listFlowStates({ pageSize: 2 }, as("states"));
  const time = timestampFromDate(moment);
  expect(first.states).toMatchObject([
    { scope: scopeOf(HOST, "a"), limiter: { ratePerSecond: 7, lastCutTime: time } },
    { scope: scopeOf(HOST, "b"), breaker: { phase: BreakerPhase.OPEN, openUntil: time } },
  ]);
  const request = { pageSize: 2, pageToken: first.nextPageToken };
  const second = await clients.flow.listFlowStates(request, as("states"));
  expect(second).toMatchObject({ states: [{ dynamicLimit: 0 }], nextPageToken: "" });
  const one = await clients.flow.listFlowStates({ scope: scopeOf(HOST, "b") }, as("states"));
  expect(one.states.map(({ scope }) => scope?.name)).toEqual(["b"]);
  expect((await clients.flow.listFlowStates({}, as("nobody"))).states).toEqual([]);
});

it("shows and changes nothing of another tenant", async () => {
  const scope = scopeOf(QUEUE, "shared");
  const mine = await update("mine", { scope, maxDepth: 1n });
  expect((await get("yours", QUEUE, "shared"))?.etag).toBe("");
  const foreign = as("yours");
  expect((await clients.flow.listFlowSettings({}, foreign)).settings).toEqual([]);
  expect((await clients.flow.listFlowChanges({ scope }, foreign)).changes).toEqual([]);
  await clients.flow.pause({ scope, reason: "theirs" }, foreign);
  await clients.flow.resume({ scope }, foreign);
  await update("yours", { scope, maxDepth: 9n });
  expect(await get("mine", QUEUE, "shared")).toEqual(mine);
  expect((await clients.flow.listFlowChanges({}, as("mine"))).changes).toHaveLength(1);
});

it("tells the parts of this server and other replicas", async () => {
  const before = server.notices.length;
  await update("told", { scope: scopeOf(QUEUE), maxDepth: 1n });
  await clients.sources.createSource({ source: { name: "s" } }, as("told"));
  const notice = { kind: "flow", tenants: ["told"] };
  expect(server.notices.slice(before)).toEqual([notice, notice]);
});

it.skipIf(program === undefined)("serves the real grpcurl", async () => {
  const call = async (method: string, request: object) => {
    const flags = [
      "-H",
      "orch-tenant: curl",
      "-H",
      "orch-actor: curl",
      "-d",
      JSON.stringify(request),
    ];
    const ended = await grpcurl(
      program as string,
      server.listener.url,
      [`${PACKAGE}.${method}`],
      flags,
    );
    expect(ended.stderr).toBe("");
    return JSON.parse(ended.stdout) as Record<string, never>;
  };
  const scope = { kind: "FLOW_SCOPE_KIND_HOST", name: "api.osv.dev" };
  const source = { name: "osv", host: "api.osv.dev" };
  expect(await call("SourceService/CreateSource", { source })).toMatchObject({ source });
  const paused = await call("FlowControlService/Pause", { scope, reason: "down" });
  expect(paused).toMatchObject({ settings: { scope, pause: { reason: "down" } } });
  await call("FlowControlService/Resume", { scope });
  const settings = { scope, rate: { perSecond: 2.5 } };
  await call("FlowControlService/UpdateFlowSettings", { settings, reason: "asked" });
  expect(await call("FlowControlService/GetFlowSettings", { scope })).toMatchObject({ settings });
  expect(await call("SourceService/ListSources", {})).toMatchObject({ sources: [source] });
  const { changes } = await call("FlowControlService/ListFlowChanges", {});
  expect(changes).toMatchObject([
    { kind: "settings_updated", actor: "curl", reason: "asked" },
    { kind: "resumed" },
    { kind: "paused" },
    { kind: "source_created" },
  ]);
});
