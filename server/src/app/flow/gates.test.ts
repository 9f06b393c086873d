import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../../test/support/database.ts";
import type { Blocked } from "../../domain/flow/blocked.ts";
import type { FlowConfig, FlowSettings } from "../../domain/flow/settings.ts";
import type { BucketState } from "../../domain/flow/token-bucket.ts";
import type { Lane } from "../../domain/offer.ts";
import { postgresFlowStates } from "../../ledger/flow-states.ts";
import type { Usage } from "../bridge/claim.ts";
import { Admissions } from "./admissions.ts";
import { FlowGates } from "./gates.ts";
import { SharedStates } from "./shared-states.ts";
import type { FlowStateStore } from "./state-store.ts";

let database: TestDatabase;
let store: FlowStateStore;

beforeAll(async () => {
  database = await createTestDatabase();
  store = postgresFlowStates(database.pool());
});
afterAll(() => database.drop());

const NOTHING_OUT: Usage = { active: [], handedOut: { jobsPerHour: 0, jobsPerDay: 0 } };

/** Gates of a tenant with these settings, on the clock of the test. */
function gatesOf(tenant: string, settings: Record<string, FlowSettings> = {}) {
  const config: FlowConfig = {
    tenant,
    version: 1,
    settings: new Map(Object.entries(settings)),
    sources: new Map(),
  };
  const world = { nowMs: Date.now(), held: [] as Blocked[], out: NOTHING_OUT };
  const errors: unknown[] = [];
  const onError = (error: unknown) => errors.push(error);
  const states = new SharedStates({ store, tenants: () => [], onChanged: () => {}, onError });
  const gates = new FlowGates({
    configs: { peek: () => config, ensure: async () => config },
    states,
    admissions: new Admissions(),
    usage: async () => world.out,
    onBlocked: (_tenant, by) => world.held.push(by),
    onError,
    now: () => world.nowMs,
  });
  const lane = (over: Partial<Lane> = {}): Lane => ({
    tenant,
    queue: "default",
    jobType: "test.echo",
    priority: 0,
    source: "",
    concurrencyKey: "",
    ...over,
  });
  return { gates, states, lane, world };
}

const out = (concurrencyKeys: readonly string[]): Usage => ({
  ...NOTHING_OUT,
  active: concurrencyKeys.map((concurrencyKey) => ({
    queue: "default",
    jobType: "test.echo",
    source: "",
    concurrencyKey,
    count: 1,
  })),
});

const keys = (count: number) => Array.from({ length: count }, (_, index) => `k${index}`);

describe("a plan", () => {
  it("serves by priority, and among equals who has waited longest", async () => {
    const { gates, lane } = gatesOf("rank");
    const candidates = [
      { lane: lane({ priority: -1 }), waitedMs: 9_000 },
      { lane: lane({ priority: 5, source: "b" }), waitedMs: 1_000 },
      { lane: lane({ priority: 5, source: "a" }), waitedMs: 2_000 },
    ];
    const asks = (await gates.plan("rank", candidates, 8)).allot(undefined);
    expect(asks.map((ask) => [ask.lane.source, ask.rank])).toEqual([
      ["a", 5],
      ["b", 5],
      ["", -1],
    ]);
  });

  it("lets the lowest priority by after a while, whatever comes above it", async () => {
    const { gates, lane } = gatesOf("age");
    const at = async (waitedMs: number) => {
      const candidates = [
        { lane: lane({ priority: 10 }), waitedMs: 0 },
        { lane: lane({ priority: -10 }), waitedMs },
      ];
      const asks = (await gates.plan("age", candidates, 1)).allot(undefined);
      return asks.find(({ share }) => share > 0)?.lane.priority;
    };
    expect(await at(29 * 20_000)).toBe(10);
    expect(await at(21 * 30_000)).toBe(-10);
  });

  it("names the lanes that it had no room for, without limits too", async () => {
    const { gates, lane } = gatesOf("many");
    const candidates = keys(150).map((source) => ({ lane: lane({ source }), waitedMs: 0 }));
    const seen: number[] = [];
    let left: typeof candidates | readonly (typeof candidates)[number][] = candidates;
    while (left.length > 0) {
      const plan = await gates.plan("many", left, 8);
      seen.push(plan.allot(undefined).length);
      left = plan.passedOver();
    }
    expect(seen).toEqual([64, 64, 22]);
  });

  it("prefers lanes that nothing is known to hold back, for as long as that holds", async () => {
    const { gates, lane, world } = gatesOf("full", { "tenant:": { maxConcurrencyPerKey: 1 } });
    const busy = keys(100).map((concurrencyKey, index) => ({
      lane: lane({ concurrencyKey, priority: 5 }),
      waitedMs: 100 - index,
    }));
    const free = { lane: lane({ concurrencyKey: "free" }), waitedMs: 0 };
    const candidates = [...busy, free];
    const first = await gates.plan("full", candidates, 8);
    expect(first.allot(out(keys(100)))).toEqual([]);
    first.settle([]);
    // All that it looked into is full, and by now that is known of the others as well.
    expect(first.passedOver().map((one) => one.lane)).toEqual([free.lane]);
    const second = await gates.plan("full", candidates, 8);
    expect(second.allot(out(keys(100))).map((ask) => ask.lane)).toEqual([free.lane]);
    expect(second.blocked()).toHaveLength(100);
    expect(second.passedOver()).toEqual([]);
    second.settle([free.lane]);
    world.nowMs += 1_001;
    const later = await gates.plan("full", candidates, 8);
    expect(later.allot(out([])).every(({ rank }) => rank === 5)).toBe(true);
  });

  it("names what others were given before a lane, and lets that be asked again", async () => {
    const { gates, lane } = gatesOf("shared", { "queue:default": { maxConcurrency: 2 } });
    const high = { lane: lane({ priority: 9 }), waitedMs: 0 };
    const low = { lane: lane({ priority: 0 }), waitedMs: 0 };
    const plan = await gates.plan("shared", [high, low], 4);
    expect(plan.exact).toEqual({ quotas: [] });
    expect(plan.allot(NOTHING_OUT)).toMatchObject([{ lane: high.lane, limit: 2 }]);
    expect(plan.blocked()).toMatchObject([{ lane: low.lane, by: { kind: "concurrency" } }]);
    expect(plan.passedOver().map((one) => one.lane)).toEqual([low.lane]);
  });

  it("never lets out more than a limit, however a claim goes", async () => {
    const { gates, lane } = gatesOf("sum", {
      "tenant:": { maxConcurrency: 5 },
      "queue:default": { maxConcurrency: 4 },
      "concurrency_key:a": { maxConcurrency: 1 },
    });
    const candidates = ["a", "b", "c", ""].map((concurrencyKey) => ({
      lane: lane({ concurrencyKey }),
      waitedMs: 0,
    }));
    const plan = await gates.plan("sum", candidates, 64);
    const asks = plan.allot(out(["b"]));
    const most = new Map(asks.map((ask) => [ask.lane.concurrencyKey, ask.limit]));
    expect([...most.values()].reduce((sum, limit) => sum + limit, 0)).toBe(3);
    expect(most.get("a") ?? 0).toBeLessThanOrEqual(1);
  });

  it("gives tokens back before the next one takes some", async () => {
    const rate = { perSecond: 0.001, burst: 4 };
    const { gates, lane, states } = gatesOf("tokens", { "host:osv": { rate } });
    const candidates = [{ lane: lane({ source: "osv" }), waitedMs: 0 }];
    for (let round = 0; round < 4; round++) {
      const plan = await gates.plan("tokens", candidates, 8);
      expect(plan.allot(undefined)[0]?.limit).toBe(4 - round);
      plan.settle([candidates[0]?.lane as Lane]);
    }
    const empty = await gates.plan("tokens", candidates, 8);
    expect(empty.allot(undefined)).toEqual([]);
    expect(empty.blocked()).toMatchObject([{ by: { kind: "limiter", scope: { kind: "host" } } }]);
    const bucket = states.peek("tokens").get("bucket:host:osv") as BucketState;
    expect(bucket.tokens).toBeLessThan(0.1);
  });
});

describe("lanes that wait for nothing but slots", () => {
  it("are those that no limit holds back now, by what is out; asking takes nothing", async () => {
    const rate = { perSecond: 0.001, burst: 1 };
    const { gates, lane, states, world } = gatesOf("open", {
      "tenant:": { maxConcurrencyPerKey: 1 },
      "source:paused": { pause: { reason: "r" } },
      "host:slow": { rate },
    });
    const sources = ["", "paused", "slow"].map((source) => lane({ source }));
    const lanes = [...sources, ...["busy", "idle"].map((key) => lane({ concurrencyKey: key }))];
    const [plain, , slow, , idle] = lanes;
    world.out = out(["busy"]);
    for (let round = 0; round < 2; round++) {
      expect(await gates.open("open", lanes)).toEqual([plain, slow, idle]);
    }
    expect(world.held).toEqual([]);
    expect(states.peek("open").size).toBe(0);
    const plan = await gates.plan("open", [{ lane: slow as Lane, waitedMs: 0 }], 8);
    expect(plan.allot(undefined)).toHaveLength(1);
    plan.settle([slow as Lane]);
    await states.settled("open");
    world.out = NOTHING_OUT;
    expect(await gates.open("open", lanes)).toEqual([plain, ...lanes.slice(3)]);
  });
});
