import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../../test/support/database.ts";
import { newBreaker, record } from "../../domain/flow/breaker.ts";
import type { FlowConfig } from "../../domain/flow/settings.ts";
import { type BucketState, newBucket, throttled } from "../../domain/flow/token-bucket.ts";
import { postgresFlowStates } from "../../ledger/flow-states.ts";
import { Admissions } from "./admissions.ts";
import { SharedStates } from "./shared-states.ts";
import type { FlowStateStore, StateStep } from "./state-store.ts";
import { reportThrottle } from "./throttles.ts";

let database: TestDatabase;
let store: FlowStateStore;

beforeAll(async () => {
  database = await createTestDatabase();
  store = postgresFlowStates(database.pool());
});
afterAll(() => database.drop());

const put =
  (state: unknown): StateStep =>
  () => ({ state, answer: undefined });

const ONE_FAILURE = { successes: 0, failures: 1, trailingFailures: 1 };

/** A replica's view of one tenant's states; `store` is the shared one with what is put over it. */
function view(tenant: string, over: Partial<FlowStateStore> = {}) {
  const errors: unknown[] = [];
  const changed = { count: 0 };
  let onChange = () => {};
  const states = new SharedStates({
    store: { ...store, ...over },
    tenants: () => [tenant],
    onChanged: () => {
      changed.count += 1;
      onChange();
    },
    onError: (error) => errors.push(error),
  });
  const next = () =>
    new Promise<void>((resolve) => {
      onChange = resolve;
    });
  return { states, errors, changed, next };
}

describe("a replica's view of states", () => {
  it("is complete before the first claim for a tenant, by one read", async () => {
    await store.update("new", new Map([["a", put(1)]]));
    let reads = 0;
    const { states } = view("new", {
      read: (tenants) => {
        reads += 1;
        return store.read(tenants);
      },
    });
    expect(states.peek("new").size).toBe(0);
    await Promise.all([states.ensure("new"), states.ensure("new")]);
    expect(states.peek("new")).toEqual(new Map([["a", 1]]));
    await states.ensure("new");
    expect(reads).toBe(1);
  });

  it("goes on without what cannot be read, and tries again", async () => {
    await store.update("away", new Map([["a", put(1)]]));
    let isAway = true;
    const { states, errors } = view("away", {
      read: async (tenants) => {
        if (isAway) throw new Error("away");
        return store.read(tenants);
      },
    });
    await states.ensure("away");
    expect(errors).toHaveLength(1);
    expect(states.peek("away").size).toBe(0);
    isAway = false;
    await states.ensure("away");
    expect(states.peek("away").size).toBe(1);
  });

  it("does not go back to what a read saw before a step of its own", async () => {
    await store.update(
      "race",
      new Map([
        ["a", put("old")],
        ["b", put("old")],
        ["c", put("old")],
      ]),
    );
    const { states } = view("race", {
      read: async (tenants) => {
        const read = await store.read(tenants);
        // It has been read, and is on its way.
        await states.update(
          "race",
          new Map([
            ["a", put("new")],
            ["b", put(undefined)],
          ]),
        );
        return read;
      },
    });
    await states.ensure("race");
    expect(states.peek("race")).toEqual(
      new Map([
        ["a", "new"],
        ["c", "old"],
      ]),
    );
  });

  it("forgets what says nothing any more, when there is much of it", async () => {
    const longAgo = Date.now() - 3_600_000;
    const quiet = newBucket({ fixedRate: null }, longAgo);
    const working = throttled(quiet, { reason: "throttle" }, Date.now());
    const failed = record(newBreaker(longAgo), ONE_FAILURE, longAgo, 0);
    const failing = record(newBreaker(longAgo), ONE_FAILURE, Date.now(), 0);
    const many = Array.from({ length: 300 }, (_, index) => [`bucket:host:h${index}`, put(quiet)]);
    await store.update("many", new Map(many as [string, StateStep][]));
    const kept = new Map<string, unknown>([
      ["bucket:host:busy", working],
      ["breaker:host:failing", failing],
    ]);
    await store.update("many", new Map([["breaker:host:failed", put(failed)]]));
    await store.update("many", new Map(Array.from(kept, ([key, state]) => [key, put(state)])));
    const { states, errors } = view("many");
    states.start();
    await expect.poll(() => states.peek("many").size, { timeout: 10_000 }).toBeLessThanOrEqual(256);
    await states.stop();
    await states.settled("many");
    const left = (await store.read(["many"])).get("many");
    expect(left?.size).toBe(303 - 64);
    for (const [key, state] of kept) expect(left?.get(key)).toEqual(state);
    expect(errors).toEqual([]);
  });

  it("learns what others did, and tells", async () => {
    const { states, next } = view("others");
    states.start();
    const told = next();
    await store.update("others", new Map([["a", put(7)]]));
    await told;
    expect(states.peek("others").get("a")).toBe(7);
    const gone = next();
    await store.update("others", new Map([["a", put(undefined)]]));
    await gone;
    await expect.poll(() => states.peek("others").size, { timeout: 5_000 }).toBe(0);
    await states.stop();
  });
});

describe("throttles that many workers report at once", () => {
  it("are told in a few steps, and the longest wait counts", async () => {
    const tenant = "herd";
    let updates = 0;
    const { states } = view(tenant, {
      update: (...args) => {
        updates += 1;
        return store.update(...args);
      },
    });
    const config: FlowConfig = {
      tenant,
      version: 0,
      settings: new Map(),
      sources: new Map([["osv", { host: "osv.dev", objectives: {} }]]),
    };
    const report = reportThrottle({
      configs: { ensure: async () => config },
      states,
      admissions: new Admissions(),
      now: Date.now,
    });
    const nowMs = Date.now();
    const one = {
      tenant,
      retryAfterMs: undefined,
      remaining: undefined,
      reason: "throttle",
    } as const;
    await Promise.all([
      ...Array.from({ length: 300 }, () => report({ ...one, resource: "osv.dev" })),
      report({ ...one, resource: "osv", retryAfterMs: 60_000 }),
      // A warning takes nothing back.
      report({ ...one, resource: "osv", remaining: 5 }),
      report({ ...one, resource: "ghsa" }),
    ]);
    expect(updates).toBeLessThanOrEqual(4);
    const own = (await store.read([tenant])).get(tenant);
    expect([...(own ?? new Map()).keys()].sort()).toEqual([
      "bucket:host:ghsa",
      "bucket:host:osv.dev",
    ]);
    const bucket = own?.get("bucket:host:osv.dev") as BucketState;
    expect(bucket.blockedUntilMs).toBeGreaterThan(nowMs + 50_000);
    expect(bucket.rate).toBeCloseTo(0.7);
  });
});
