import { setTimeout as sleepUntil } from "node:timers/promises";
import type pg from "pg";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../../test/support/database.ts";
import type { FlowConfig, FlowSettings } from "../../domain/flow/settings.ts";
import {
  changeFlowSettings,
  readFlowConfig,
  readFlowVersions,
} from "../../ledger/flow-settings.ts";
import { createSourceIn } from "../../ledger/sources.ts";
import { Emitter } from "../../lib/emitter.ts";
import type { Notice } from "../notices.ts";
import { FlowConfigs } from "./config-cache.ts";
import { createSource } from "./sources.ts";

/** What the issue promises for every replica. */
const APPLIES_WITHIN_MS = 2_000;

let database: TestDatabase;
let pool: pg.Pool;
let emitter: Emitter<Notice>;
let reads: string[];
let looks: (readonly string[])[];

beforeAll(async () => {
  database = await createTestDatabase();
  pool = database.pool();
});
afterAll(() => database.drop());
beforeEach(() => {
  emitter = new Emitter();
  reads = [];
  looks = [];
});

/** A replica's cache, over the real ledger. */
const cache = (maxTenants?: number, board: Pick<Emitter<Notice>, "subscribe"> = emitter) =>
  new FlowConfigs(
    {
      read: (tenant) => {
        reads.push(tenant);
        return readFlowConfig(pool)(tenant);
      },
      versions: (tenants) => {
        looks.push(tenants);
        return readFlowVersions(pool)(tenants);
      },
      board: { subscribe: (listener) => board.subscribe(listener) },
      onError: (error) => {
        throw error;
      },
    },
    maxTenants,
  );

const audit = { actor: "a", reason: "", ticket: "" };
const set = (tenant: string, settings: FlowSettings) => {
  const scope = { kind: "tenant", name: "" } as const;
  const target = { tenant, scope, kind: "settings_updated", ...audit } as const;
  return changeFlowSettings(pool)(target, () => ({ kind: "write", settings }));
};
const weightIn = (config: FlowConfig | undefined) => config?.settings.get("tenant:")?.weight;

/** The next configuration that a cache reads anew; fails if it takes longer than is promised. */
async function next(configs: FlowConfigs): Promise<FlowConfig> {
  const late = new AbortController();
  const read = new Promise<FlowConfig>((resolve) => {
    const end = configs.subscribe((config) => {
      end();
      resolve(config);
    });
  });
  const tooLate = sleepUntil(APPLIES_WITHIN_MS, undefined, { signal: late.signal }).then(() => {
    throw new Error(`nothing was read within ${APPLIES_WITHIN_MS} ms`);
  });
  tooLate.catch(() => {});
  return Promise.race([read, tooLate]).finally(() => late.abort());
}

it("knows nothing before it was asked, and then without asking the ledger", async () => {
  const configs = cache();
  expect(configs.peek("peek")).toBeUndefined();
  const [first, second] = await Promise.all([configs.ensure("peek"), configs.ensure("peek")]);
  expect(first).toEqual({ tenant: "peek", version: 0, settings: new Map(), sources: new Map() });
  expect(second).toBe(first);
  expect(await configs.ensure("peek")).toBe(first);
  expect(configs.peek("peek")).toBe(first);
  expect(reads).toEqual(["peek"]);
});

it("has the settings of every scope and the host and objectives of every source", async () => {
  await set("whole", { weight: 2, maxConcurrency: 7 });
  const create = createSource({ create: createSourceIn(pool), announce: () => {} });
  const plain = { type: "", host: "", labels: {}, project: "" };
  await create("whole", "own", plain, audit);
  const objectives = { latencyMs: 5, successRatio: 0.5 };
  await create("whole", "osv", { ...plain, host: "api.osv.dev", objectives }, audit);
  expect(await cache().ensure("whole")).toEqual({
    tenant: "whole",
    version: 3,
    settings: new Map([["tenant:", { weight: 2, maxConcurrency: 7 }]]),
    sources: new Map([
      ["own", { host: "own", objectives: {} }],
      ["osv", { host: "api.osv.dev", objectives }],
    ]),
  });
});

it("reads a tenant anew at a notice, at once and only that one", async () => {
  const configs = cache();
  configs.start();
  for (const tenant of ["noticed", "other"]) await configs.ensure(tenant);
  await set("noticed", { weight: 3 });
  const changed = next(configs);
  emitter.emit({ kind: "flow", tenants: ["noticed", "unknown"] });
  expect(weightIn(await changed)).toBe(3);
  expect(weightIn(configs.peek("noticed"))).toBe(3);
  expect(reads).toEqual(["noticed", "other", "noticed"]);
  await configs.stop();
});

it("reads again when a notice comes while it reads", async () => {
  let release = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  let count = 0;
  const configs = new FlowConfigs({
    read: async (tenant) => {
      const config = await readFlowConfig(pool)(tenant);
      if (++count === 1) await gate;
      return config;
    },
    versions: readFlowVersions(pool),
    board: emitter,
    onError: () => {},
  });
  configs.start();
  const asked = configs.ensure("during");
  await set("during", { weight: 4 });
  emitter.emit({ kind: "flow", tenants: ["during"] });
  release();
  expect(weightIn(await asked)).toBe(4);
  await configs.stop();
});

it("finds out without a notice in the time that is promised", async () => {
  const configs = cache(undefined, new Emitter<Notice>());
  configs.start();
  await configs.ensure("polled");
  await configs.ensure("still");
  const changed = next(configs);
  await set("polled", { weight: 5 });
  expect(weightIn(await changed)).toBe(5);
  expect(reads).toEqual(["polled", "still", "polled"]);
  await configs.stop();
  await configs.stop();
});

it("keeps the tenants that were asked for last", async () => {
  const configs = cache(2);
  for (const tenant of ["lru-a", "lru-b"]) await configs.ensure(tenant);
  configs.peek("lru-a");
  await configs.ensure("lru-c");
  expect(configs.peek("lru-b")).toBeUndefined();
  expect(configs.peek("lru-a")).toBeDefined();
  await configs.refresh();
  expect(looks.flat().sort()).toEqual(["lru-a", "lru-c"]);
});

it("goes on with what it has while the ledger is away", async () => {
  let away = false;
  const gone = () => Promise.reject(new Error("away"));
  const errors: unknown[] = [];
  const configs = new FlowConfigs({
    read: (tenant) => (away ? gone() : readFlowConfig(pool)(tenant)),
    versions: (tenants) => (away ? gone() : readFlowVersions(pool)(tenants)),
    board: emitter,
    onError: (error) => errors.push(error),
  });
  await set("away", { weight: 6 });
  await configs.ensure("away");
  away = true;
  await expect(configs.refresh()).rejects.toThrow("away");
  expect(weightIn(await configs.ensure("away"))).toBe(6);
  await expect(configs.ensure("new")).rejects.toThrow("away");
  away = false;
  await set("away", { weight: 7 });
  await configs.refresh();
  expect(weightIn(configs.peek("away"))).toBe(7);
  expect(weightIn(await configs.ensure("new"))).toBeUndefined();
});

it("compares the versions of many tenants in parts", async () => {
  const tenants = Array.from({ length: 1_201 }, (_, n) => `many-${n}`);
  await set("many-1200", { weight: 1 });
  await set("many-0", { weight: 1 });
  const versions = await readFlowVersions(pool)(tenants);
  expect(versions).toEqual(
    new Map([
      ["many-0", 1],
      ["many-1200", 1],
    ]),
  );
});
