import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import { type FlowServer, startFlowServer } from "../../../test/support/flow-server.ts";
import {
  FlowScopeKind,
  type FlowSettingsSchema,
} from "../gen/stellaops/orchestrator/v1/flow_control_pb.ts";
import { type Clients, clientsOf, failureOf } from "./testing/clients.ts";

type Settings = MessageInitShape<typeof FlowSettingsSchema>;

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

const as = (tenant: string, actor = "ada") => ({
  headers: { "orch-tenant": tenant, "orch-actor": actor },
});
const { TENANT, QUEUE, JOB_TYPE, SOURCE, HOST, CONCURRENCY_KEY } = FlowScopeKind;
const scopeOf = (kind: FlowScopeKind, name = kind === TENANT ? "" : "x") => ({ kind, name });
const seconds = (count: bigint) => ({ seconds: count, nanos: 0 });

const update = async (tenant: string, settings: Settings) =>
  (await clients.flow.updateFlowSettings({ settings }, as(tenant))).settings;
const get = async (tenant: string, kind: FlowScopeKind, name?: string) =>
  (await clients.flow.getFlowSettings({ scope: scopeOf(kind, name) }, as(tenant))).settings;

const blackouts: Settings["blackouts"] = [
  {
    name: "sunday",
    stopRunning: true,
    window: {
      case: "recurring",
      value: { cron: "30 2 * * 0", timeZone: "Europe/Berlin", duration: seconds(3_600n) },
    },
  },
  {
    name: "move",
    window: {
      case: "once",
      value: {
        startTime: timestampFromDate(new Date("2030-01-01T00:00:00Z")),
        endTime: timestampFromDate(new Date("2030-01-02T00:00:00Z")),
      },
    },
  },
];

/** Everything that a scope of the kind can have. */
const FULL: readonly Settings[] = [
  {
    scope: scopeOf(TENANT),
    maxConcurrency: 0,
    maxConcurrencyPerKey: 2,
    rate: { perSecond: 12.5, burst: 3 },
    blackouts,
    weight: 2.5,
    quotas: {
      activeJobs: 1,
      jobsPerHour: 0n,
      jobsPerDay: 3n,
      payloadBytesPerDay: 4n,
      artifactBytes: BigInt(Number.MAX_SAFE_INTEGER),
    },
  },
  { scope: scopeOf(QUEUE), maxConcurrency: 5, rate: { perSecond: 1 }, maxDepth: 1_000_000n },
  {
    scope: scopeOf(JOB_TYPE),
    breaker: { disabled: true },
    dynamicConcurrency: { min: 2, max: 64, maxFailureRatio: 0.2, latency: seconds(30n) },
  },
  {
    scope: scopeOf(SOURCE),
    breaker: { consecutiveFailures: 9, minSuccessRatio: 0.5, open: seconds(7n) },
    blackouts,
  },
  { scope: scopeOf(HOST), rate: { perSecond: 0.5 }, pause: { reason: "asked us to" } },
  { scope: scopeOf(CONCURRENCY_KEY), maxConcurrency: 1 },
];

describe("settings", () => {
  it.each(FULL)("of $scope.kind are kept as they were sent", async (settings) => {
    const written = await update("full", settings);
    expect(written).toMatchObject(settings);
    expect(written?.etag).not.toBe("");
    const kind = settings.scope?.kind ?? TENANT;
    expect(await get("full", kind)).toEqual(written);
  });

  it("that are left to defaults and to sources are not filled in", async () => {
    const settings = { scope: scopeOf(JOB_TYPE), dynamicConcurrency: { min: 2, max: 64 } };
    const { dynamicConcurrency } = (await update("unset", settings)) ?? {};
    expect(dynamicConcurrency).toMatchObject({ min: 2, max: 64, maxFailureRatio: 0 });
    expect(dynamicConcurrency?.latency).toBeUndefined();
    expect((await get("unset", JOB_TYPE))?.dynamicConcurrency).toEqual(dynamicConcurrency);
  });

  it("that nobody has set are empty and have an empty etag", async () => {
    const settings = await get("nobody", QUEUE, "none");
    expect(settings).toMatchObject({ scope: scopeOf(QUEUE, "none"), etag: "" });
    expect(settings?.updateTime).toBeUndefined();
    expect((await clients.flow.listFlowSettings({}, as("nobody"))).settings).toEqual([]);
  });

  it("without a value go away, and doing so again leaves no trace", async () => {
    await update("gone", { scope: scopeOf(QUEUE), maxDepth: 5n });
    for (let times = 0; times < 2; times++) {
      const empty = await update("gone", { scope: scopeOf(QUEUE), quotas: {} });
      expect(empty).toMatchObject({ etag: "" });
    }
    expect((await clients.flow.listFlowSettings({}, as("gone"))).settings).toEqual([]);
    expect((await clients.flow.listFlowChanges({}, as("gone"))).changes).toHaveLength(2);
  });

  it("are listed by kind and name, page by page, and by kind alone", async () => {
    const names = ["b", "a", "c"];
    for (const name of names) {
      await update("list", { scope: scopeOf(QUEUE, name), maxDepth: 1n });
      await update("list", { scope: scopeOf(SOURCE, name), maxConcurrency: 1 });
    }
    const seen: string[] = [];
    let pageToken = "";
    do {
      const request = { pageSize: 2, pageToken };
      const page = await clients.flow.listFlowSettings(request, as("list"));
      seen.push(...page.settings.map(({ scope }) => `${scope?.kind}${scope?.name}`));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    expect(seen).toEqual([..."abc"].flatMap((n) => [`${QUEUE}${n}`]).concat("4a", "4b", "4c"));
    const ofSources = await clients.flow.listFlowSettings({ kind: SOURCE }, as("list"));
    expect(ofSources.settings.map(({ scope }) => scope?.name)).toEqual(["a", "b", "c"]);
  });
});

describe("an update", () => {
  it("with an etag is refused when somebody came first; of two at once one wins", async () => {
    const scope = scopeOf(QUEUE);
    const first = await update("race", { scope, maxDepth: 1n });
    const etag = first?.etag ?? "";
    const both = [2n, 3n].map((maxDepth) => failureOf(update("race", { scope, maxDepth, etag })));
    const failures = (await Promise.all(both)).filter((failure) => failure !== undefined);
    expect(failures).toMatchObject([{ code: Code[Code.Aborted], reason: "ETAG_MISMATCH" }]);
    const { changes } = await clients.flow.listFlowChanges({}, as("race"));
    expect(changes).toHaveLength(2);
    const { version } = await server.configs.ensure("race");
    expect(version).toBe(2);
  });

  it("with an etag of settings that went away is refused for ever", async () => {
    const scope = scopeOf(QUEUE);
    const etag = (await update("aba", { scope, maxDepth: 1n }))?.etag ?? "";
    await update("aba", { scope });
    const late = () => failureOf(update("aba", { scope, maxDepth: 2n, etag }));
    expect(await late()).toMatchObject({ reason: "ETAG_MISMATCH" });
    await update("aba", { scope, maxDepth: 1n });
    expect(await late()).toMatchObject({ reason: "ETAG_MISMATCH" });
  });

  it("without an etag overwrites", async () => {
    const scope = scopeOf(QUEUE);
    await update("over", { scope, maxDepth: 1n });
    const after = await update("over", { scope, maxConcurrency: 2 });
    expect(after?.maxDepth).toBeUndefined();
    expect(after?.maxConcurrency).toBe(2);
  });

  it("says all that is wrong with it at once", async () => {
    const once = (startMs: number, endMs: number) => ({
      case: "once" as const,
      value: { startTime: timestampFromMs(startMs), endTime: timestampFromMs(endMs) },
    });
    const recurring = (cron: string, timeZone: string) => ({
      case: "recurring" as const,
      value: { cron, timeZone, duration: seconds(60n) },
    });
    const settings: Settings = {
      scope: scopeOf(SOURCE),
      maxDepth: 1n,
      weight: 2,
      quotas: { jobsPerDay: 2n ** 60n },
      dynamicConcurrency: { min: 3, max: 2 },
      pause: { expireTime: { seconds: 253_402_300_800n, nanos: 0 } },
      blackouts: [
        { name: "a", window: once(2_000, 1_000) },
        { name: "a", window: recurring("61 * * * *", "Europe/Berlin") },
        { name: "b", window: recurring("* * * *", "Mars/Olympus") },
      ],
    };
    expect(await failureOf(update("wrong", settings))).toMatchObject({
      code: Code[Code.InvalidArgument],
      reason: "REQUEST_INVALID",
      violations: [
        "settings.pause.expire_time",
        "settings.blackouts[0].once.end_time",
        "settings.blackouts[1].name",
        "settings.blackouts[1].recurring.cron",
        "settings.blackouts[2].recurring.cron",
        "settings.blackouts[2].recurring.time_zone",
        "settings.quotas.jobs_per_day",
        "settings.dynamic_concurrency.min",
        "settings.weight",
        "settings.max_depth",
        "settings.dynamic_concurrency",
      ],
    });
    expect((await clients.flow.listFlowSettings({}, as("wrong"))).settings).toEqual([]);
  });

  it.each([
    [TENANT, { maxDepth: 1n }, "max_depth"],
    [QUEUE, { weight: 1 }, "weight"],
    [JOB_TYPE, { blackouts }, "blackouts"],
    [SOURCE, { maxConcurrencyPerKey: 1 }, "max_concurrency_per_key"],
    [HOST, { quotas: { jobsPerDay: 1n } }, "quotas"],
    [CONCURRENCY_KEY, { rate: { perSecond: 1 } }, "rate"],
  ] as const)("of a scope of kind %i takes only what it can have", async (kind, over, field) => {
    const failure = await failureOf(update("scope", { scope: scopeOf(kind), ...over }));
    expect(failure?.violations).toEqual([`settings.${field}`]);
  });

  it.each<[Settings, string]>([
    [{ scope: { kind: TENANT, name: "named" } }, "settings.scope"],
    [{ scope: { kind: QUEUE, name: "" } }, "settings.scope"],
    [{}, "settings.scope"],
    [{ scope: scopeOf(TENANT), weight: 0 }, "settings.weight"],
    [{ scope: scopeOf(HOST), rate: { perSecond: 0 } }, "settings.rate.per_second"],
    [{ scope: scopeOf(SOURCE), blackouts: [{ name: "a" }] }, "settings.blackouts[0].window"],
  ])("is held to the contract's rules: %j", async (settings, field) => {
    expect((await failureOf(update("rules", settings)))?.violations).toEqual([field]);
  });
});

describe("a pause", () => {
  const scope = scopeOf(HOST, "api.example");
  const pause = (tenant: string, reason: string, expireTime?: Date) =>
    clients.flow.pause(
      {
        scope,
        reason,
        ticket: "T-1",
        ...(expireTime && { expireTime: timestampFromDate(expireTime) }),
      },
      as(tenant),
    );

  it("stands beside what else is set, and ends", async () => {
    await update("pause", { scope, rate: { perSecond: 2 } });
    const until = new Date("2040-01-01T00:00:00Z");
    const { settings: paused } = await pause("pause", "upstream is down", until);
    expect(paused).toMatchObject({
      rate: { perSecond: 2 },
      pause: { reason: "upstream is down", expireTime: timestampFromDate(until) },
    });
    const { settings: resumed } = await clients.flow.resume({ scope }, as("pause"));
    expect(resumed?.pause).toBeUndefined();
    expect(resumed?.rate?.perSecond).toBe(2);
    const { changes } = await clients.flow.listFlowChanges({ scope }, as("pause"));
    expect(changes.map(({ kind }) => kind)).toEqual(["resumed", "paused", "settings_updated"]);
  });

  it("is safe to repeat; the newer reason and expiry count", async () => {
    const first = await pause("again", "one");
    expect(await pause("again", "one")).toEqual(first);
    const second = await pause("again", "two");
    expect(second.settings?.pause?.reason).toBe("two");
    expect(second.settings?.etag).not.toBe(first.settings?.etag);
    const { changes } = await clients.flow.listFlowChanges({}, as("again"));
    expect(changes).toHaveLength(2);
    await clients.flow.resume({ scope }, as("again"));
    expect((await clients.flow.resume({ scope }, as("again"))).settings?.etag).toBe("");
    expect((await clients.flow.listFlowChanges({}, as("again"))).changes).toHaveLength(3);
  });

  it("needs a reason", async () => {
    expect((await failureOf(pause("reason", "")))?.violations).toEqual(["reason"]);
  });
});
