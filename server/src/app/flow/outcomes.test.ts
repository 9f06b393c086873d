import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../../test/support/database.ts";
import { type BreakerState, tryProbe } from "../../domain/flow/breaker.ts";
import { type ConcurrencyState, newConcurrency } from "../../domain/flow/concurrency.ts";
import type { FlowConfig, FlowSettings } from "../../domain/flow/settings.ts";
import type { FailureClass } from "../../domain/lease.ts";
import { postgresFlowStates } from "../../ledger/flow-states.ts";
import { Admissions } from "./admissions.ts";
import { type Outcome, Outcomes } from "./outcomes.ts";
import { PROBE_TTL_MS } from "./reservations.ts";
import { SharedStates } from "./shared-states.ts";
import type { FlowStateStore } from "./state-store.ts";

const KEY = "breaker:host:osv";

let database: TestDatabase;
let store: FlowStateStore;

beforeAll(async () => {
  database = await createTestDatabase();
  store = postgresFlowStates(database.pool());
});
afterEach(() => vi.useRealTimers());
afterAll(() => database.drop());

/** A replica that tells the shared states how attempts of a tenant ended. */
function replicaOf(
  tenant: string,
  settings: Record<string, FlowSettings> = {},
  sources: FlowConfig["sources"] = new Map(),
) {
  const config: FlowConfig = {
    tenant,
    version: 1,
    settings: new Map(Object.entries(settings)),
    sources,
  };
  const errors: unknown[] = [];
  const states = new SharedStates({
    store,
    tenants: () => [tenant],
    onChanged: () => {},
    onError: (error) => errors.push(error),
  });
  const outcomes = new Outcomes({
    configs: { peek: () => config, ensure: async () => config },
    states,
    admissions: new Admissions(),
    random: () => 0,
    onError: (error) => errors.push(error),
  });
  const note = (count: number, failureClass?: FailureClass, over: Partial<Outcome> = {}) =>
    outcomes.note(
      Array.from({ length: count }, () => ({
        tenant,
        queue: "default",
        jobType: "test.echo",
        source: "osv",
        failureClass,
        elapsedMs: 0,
        ...over,
      })),
    );
  return { outcomes, states, note, errors };
}

const stateOf = async (tenant: string, key = KEY) =>
  (await store.read([tenant])).get(tenant)?.get(key) as BreakerState | undefined;

/** An open breaker of which a probe went out `agoMs` ago, after it was open for 5 s. */
async function probing(tenant: string, agoMs = 0): Promise<void> {
  const { note, outcomes } = replicaOf(tenant);
  note(5, "network");
  await outcomes.flush();
  const backMs = 5_000 + agoMs;
  await store.update(
    tenant,
    new Map([
      [
        KEY,
        (state, nowMs) => {
          const open = state as BreakerState;
          const past = {
            ...open,
            changedAtMs: open.changedAtMs - backMs,
            openUntilMs: (open.openUntilMs ?? 0) - backMs,
          };
          return { state: tryProbe(past, nowMs - agoMs, PROBE_TTL_MS).state, answer: undefined };
        },
      ],
    ]),
  );
}

describe("outcomes", () => {
  it("of several replicas add up to a breaker that opens", async () => {
    const replicas = [replicaOf("sum"), replicaOf("sum")] as const;
    replicas[0].note(3, "http_5xx");
    await replicas[0].outcomes.flush();
    expect(await stateOf("sum")).toMatchObject({ open: false, consecutiveFailures: 3 });
    replicas[1].note(2, "timeout");
    await replicas[1].outcomes.flush();
    expect(await stateOf("sum")).toMatchObject({ open: true, openings: 1 });
    expect(replicas[1].states.peek("sum").get(KEY)).toMatchObject({ open: true });
  });

  it("that are well leave nothing behind, and no write", async () => {
    const { note, outcomes } = replicaOf("well");
    note(50);
    note(10, "user");
    await outcomes.flush();
    expect(await stateOf("well")).toBeUndefined();
  });

  it("say nothing of a host that has no source, and of one whose breaker is off", async () => {
    const { note, outcomes } = replicaOf("off", { "host:osv": { breaker: { disabled: true } } });
    note(9, "http_5xx");
    note(9, "http_5xx", { source: "" });
    await outcomes.flush();
    expect((await store.read(["off"])).get("off")?.size ?? 0).toBe(0);
  });

  it("of attempts from before it opened do not settle a probe", async () => {
    await probing("old");
    const { note, outcomes, states } = replicaOf("old");
    await states.ensure("old");
    note(200, undefined, { elapsedMs: 60_000 });
    await outcomes.flush();
    expect(await stateOf("old")).toMatchObject({ open: true, openings: 1 });
  });

  it("of a probe are heard in a crowd of attempts from before", async () => {
    await probing("crowd");
    const { note, outcomes, states } = replicaOf("crowd");
    await states.ensure("crowd");
    note(200, "http_5xx", { elapsedMs: 60_000 });
    note(1);
    note(200, "http_5xx", { elapsedMs: 60_000 });
    await outcomes.flush();
    expect(await stateOf("crowd")).toMatchObject({ open: false, reason: "the probe succeeded" });
  });

  it("of a probe count though it took longer than it was waited for", async () => {
    await probing("long", 100_000);
    const { note, outcomes, states } = replicaOf("long");
    await states.ensure("long");
    note(1, undefined, { elapsedMs: 99_000 });
    await outcomes.flush();
    expect(await stateOf("long")).toMatchObject({ open: false });
  });

  it.each([-3_600_000, 3_600_000])("of a probe count on a replica %d ms off", async (offMs) => {
    const tenant = `clock${offMs}`;
    await probing(tenant, 1_000);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + offMs });
    const { note, outcomes, states } = replicaOf(tenant);
    await states.ensure(tenant);
    note(1, "network", { elapsedMs: 60_000 });
    await outcomes.flush();
    expect(await stateOf(tenant)).toMatchObject({ open: true, openings: 1 });
    note(1, undefined, { elapsedMs: 500 });
    await outcomes.flush();
    expect(await stateOf(tenant)).toMatchObject({ open: false });
  });

  it("move a dynamic limit by the strictest objectives of the sources they are of", async () => {
    const dynamicConcurrency = { min: 1, max: 50 };
    const sources = new Map([
      ["easy", { host: "easy", objectives: { successRatio: 0.1, latencyMs: 9_000 } }],
      ["hard", { host: "hard", objectives: { successRatio: 0.9 } }],
    ]);
    const key = "dynamic:job_type:test.echo";
    const reasonOf = async (tenant: string, seen: readonly string[]) => {
      // Counting since a second ago, so that the first flush decides.
      const since = (_: unknown, nowMs: number) => ({
        state: newConcurrency(dynamicConcurrency, nowMs - 1_000),
        answer: undefined,
      });
      await store.update(tenant, new Map([[key, since]]));
      const replica = replicaOf(tenant, { "job_type:test.echo": { dynamicConcurrency } }, sources);
      for (const source of seen) {
        replica.note(8, undefined, { source });
        replica.note(2, "http_429", { source });
      }
      await replica.outcomes.flush();
      const states = (await store.read([tenant])).get(tenant);
      return (states?.get(key) as ConcurrencyState | undefined)?.reason;
    };
    expect(await reasonOf("easy", ["easy"])).toBeNull();
    expect(await reasonOf("unknown", ["unknown"])).toBe("2 of 10 attempts failed");
    expect(await reasonOf("both", ["easy", "hard"])).toBe("4 of 20 attempts failed");
  });

  it("are told once more when the replica stops", async () => {
    const { note, outcomes } = replicaOf("stop");
    outcomes.start();
    note(5, "http_5xx");
    await outcomes.stop();
    expect(await stateOf("stop")).toMatchObject({ open: true });
  });
});
