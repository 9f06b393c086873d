import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import type { ServiceProcess } from "../../../test/support/service-process.ts";
import { startValkey } from "../../../test/support/valkey-process.ts";
import type { FlowStateStore, StateStep } from "../app/flow/state-store.ts";
import { postgresFlowStates } from "../ledger/flow-states.ts";
import { missingService } from "./testing/queue-kinds.ts";
import { ValkeyFlowStates } from "./valkey-states.ts";

const missing = await missingService("valkey");

let database: TestDatabase;
let valkey: ServiceProcess | undefined;
const opened: ValkeyFlowStates[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  if (missing === undefined) valkey = await startValkey();
});

afterAll(async () => {
  for (const one of opened) one.stop();
  await valkey?.stop();
  await database.drop();
});

/** A step that adds one, and answers what was there. */
const add: StateStep = (state) => {
  const count = (state as { count: number } | undefined)?.count ?? 0;
  return { state: { count: count + 1 }, answer: count };
};

const forget: StateStep = () => ({ state: undefined, answer: undefined });

const steps = (step: StateStep, ...keys: string[]) => new Map(keys.map((key) => [key, step]));

async function onValkey(): Promise<ValkeyFlowStates> {
  const store = new ValkeyFlowStates({
    url: valkey?.url ?? "",
    otherwise: postgresFlowStates(database.pool()),
    onError: () => {},
  });
  opened.push(store);
  await store.start();
  return store;
}

const never: FlowStateStore = {
  update: () => Promise.reject(new Error("the other store was asked")),
  read: () => Promise.reject(new Error("the other store was asked")),
};

const stores: [string, () => Promise<FlowStateStore>, boolean][] = [
  ["postgres", async () => postgresFlowStates(database.pool()), false],
  [
    "valkey",
    async () => {
      const url = valkey?.url ?? "";
      const store = new ValkeyFlowStates({ url, otherwise: never, onError: () => {} });
      opened.push(store);
      await store.start();
      return store;
    },
    missing !== undefined,
  ],
];

for (const [name, open, isMissing] of stores) {
  describe.skipIf(isMissing)(`states in ${name}`, () => {
    it("loses no step of two replicas at once", async () => {
      const replicas = await Promise.all([open(), open()]);
      const tenant = `race-${name}`;
      const answers = await Promise.all(
        Array.from({ length: 60 }, (_, index) =>
          (replicas[index % 2] as FlowStateStore).update(tenant, steps(add, "a", "b")),
        ),
      );
      const seen = answers.map((answer) => answer.get("a")?.answer as number);
      expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, i) => i));
      const states = await (replicas[0] as FlowStateStore).read([tenant, "nobody"]);
      expect([...(states.get(tenant) ?? [])].sort()).toEqual([
        ["a", { count: 60 }],
        ["b", { count: 60 }],
      ]);
      expect(states.has("nobody")).toBe(false);
    });

    it("keeps tenants apart, and forgets what is nothing any more", async () => {
      const store = await open();
      await store.update(`one-${name}`, steps(add, "a"));
      await store.update(`two-${name}`, steps(add, "a"));
      await store.update(`one-${name}`, steps(forget, "a", "never"));
      const states = await store.read([`one-${name}`, `two-${name}`]);
      expect(states.get(`one-${name}`)).toBeUndefined();
      expect(states.get(`two-${name}`)?.get("a")).toEqual({ count: 1 });
      expect((await store.update(`one-${name}`, steps(add, "a"))).get("a")?.answer).toBe(0);
    });

    it("has a clock that all replicas share, and that runs", async () => {
      const [one, other] = await Promise.all([open(), open()]);
      const clock: StateStep = (_, nowMs) => ({ state: undefined, answer: nowMs });
      const read = async (store: FlowStateStore) =>
        (await store.update(`clock-${name}`, steps(clock, "c"))).get("c")?.answer as number;
      const moments = [await read(one), await read(other), await read(one)];
      expect(moments).toEqual(moments.toSorted((a, b) => a - b));
      expect(Math.abs((moments[0] as number) - Date.now())).toBeLessThan(60_000);
    });
  });
}

describe.skipIf(missing !== undefined)("states while Valkey is away", () => {
  it("are the ledger's, and Valkey's again when it is back", async () => {
    const store = await onValkey();
    const tenant = "away";
    await store.update(tenant, steps(add, "a"));
    await valkey?.kill();
    expect((await store.update(tenant, steps(add, "a"))).get("a")?.answer).toBe(0);
    expect((await store.read([tenant])).get(tenant)?.get("a")).toEqual({ count: 1 });
    await valkey?.restart({ empty: false });
    await expect
      .poll(
        async () =>
          (
            await store.update(
              tenant,
              steps((state) => ({ state, answer: state }), "a"),
            )
          ).get("a")?.answer,
        { timeout: 15_000 },
      )
      .toEqual({ count: 1 });
  });
});
