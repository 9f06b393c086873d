import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FlowStateStore, StateStep } from "../state-store.ts";

/** Stores of two replicas that share their states. */
export interface StateStoreScene {
  readonly replicas: readonly [FlowStateStore, FlowStateStore];
  readonly close: () => Promise<void>;
}

/** Steps a number up; the answer is what it was. */
const count: StateStep = (state, _nowMs) => {
  const before = (state as { count: number } | undefined)?.count ?? 0;
  return { state: { count: before + 1 }, answer: before };
};

const steps = (step: StateStep, ...keys: readonly string[]) =>
  new Map(keys.map((key) => [key, step]));

/** What every {@link FlowStateStore} does, whatever it is on. */
export function stateStoreSuite(name: string, open: () => Promise<StateStoreScene>): void {
  describe(`flow states on ${name}`, () => {
    let scene: StateStoreScene;
    let here: FlowStateStore;
    let there: FlowStateStore;

    beforeAll(async () => {
      scene = await open();
      [here, there] = scene.replicas;
    });
    afterAll(() => scene.close());

    const newTenant = () => `t-${randomUUID().slice(0, 8)}`;
    const readOne = async (store: FlowStateStore, tenant: string, key: string) =>
      (await store.read([tenant])).get(tenant)?.get(key);

    it("shows one replica what another stored, as it was", async () => {
      const tenant = newTenant();
      const state = { text: 'a "ü" \n', none: null, deep: { list: [0.1, 1e15, -1] }, yes: true };
      const stored = await here.update(
        tenant,
        steps((before) => ({ state, answer: before }), "k:a:b:c"),
      );
      expect(stored.get("k:a:b:c")).toEqual({ state, answer: undefined });
      expect(await readOne(there, tenant, "k:a:b:c")).toEqual(state);
      const seen = await there.update(
        tenant,
        steps((before) => ({ state: before, answer: before }), "k:a:b:c"),
      );
      expect(seen.get("k:a:b:c")).toEqual({ state, answer: state });
    });

    it("steps each state atomically, also several at once in any order", async () => {
      const tenant = newTenant();
      const keys = ["a", "b", "c", "d"];
      const updates = Array.from({ length: 80 }, (_, index) => {
        const mine = keys.filter((_, position) => (index + position) % 3 !== 0);
        if (index % 2 === 1) mine.reverse();
        return {
          mine,
          done: (index % 2 === 0 ? here : there).update(tenant, steps(count, ...mine)),
        };
      });
      const seen = new Map(keys.map((key) => [key, [] as number[]]));
      for (const { mine, done } of updates) {
        const answers = await done;
        expect([...answers.keys()].sort()).toEqual([...mine].sort());
        for (const [key, { answer }] of answers) seen.get(key)?.push(answer as number);
      }
      for (const key of keys) {
        const befores = (seen.get(key) ?? []).sort((a, b) => a - b);
        // Each step saw what exactly one other left.
        expect(befores).toEqual(befores.map((_, index) => index));
        expect(await readOne(here, tenant, key)).toEqual({ count: befores.length });
      }
    });

    it("answers every key, also while others take the same state away", async () => {
      const tenant = newTenant();
      const drop: StateStep = () => ({ state: undefined, answer: "gone" });
      const updates = Array.from({ length: 120 }, (_, index) =>
        (index % 2 === 0 ? here : there).update(
          tenant,
          steps(index % 3 === 0 ? drop : count, "x", "y"),
        ),
      );
      for (const answers of await Promise.all(updates)) {
        expect([...answers.keys()].sort()).toEqual(["x", "y"]);
      }
      await here.update(tenant, steps(drop, "x", "y"));
      expect((await there.read([tenant])).get(tenant)?.size ?? 0).toBe(0);
    });

    it("keeps nothing of an update of which one step fails", async () => {
      const tenant = newTenant();
      await here.update(tenant, steps(count, "a"));
      const failing: StateStep = () => {
        throw new Error("second thoughts");
      };
      const both = new Map([
        ["a", count],
        ["b", failing],
      ]);
      await expect(here.update(tenant, both)).rejects.toThrow("second thoughts");
      expect(await readOne(there, tenant, "a")).toEqual({ count: 1 });
      expect(await readOne(there, tenant, "b")).toBeUndefined();
      // Nothing is held either.
      await there.update(tenant, steps(count, "a", "b"));
      expect(await readOne(here, tenant, "a")).toEqual({ count: 2 });
    });

    it("goes by one clock, which does not go back", async () => {
      const tenant = newTenant();
      const clock: StateStep = (_state, nowMs) => ({ state: undefined, answer: nowMs });
      let last = 0;
      for (let round = 0; round < 10; round++) {
        const store = round % 2 === 0 ? here : there;
        const nowMs = (await store.update(tenant, steps(clock, "t"))).get("t")?.answer as number;
        expect(nowMs).toBeGreaterThanOrEqual(last);
        last = nowMs;
      }
      expect(Math.abs(last - Date.now())).toBeLessThan(60_000);
    });

    it("keeps tenants apart, and reads several at once", async () => {
      const [one, two, none] = [newTenant(), newTenant(), newTenant()];
      await here.update(one, steps(count, "k"));
      await here.update(two, steps(count, "k", "l"));
      await there.update(two, steps(count, "k"));
      const read = await there.read([one, two, none]);
      expect(read.get(one)).toEqual(new Map([["k", { count: 1 }]]));
      expect(read.get(two)).toEqual(
        new Map([
          ["k", { count: 2 }],
          ["l", { count: 1 }],
        ]),
      );
      expect(read.get(none)?.size ?? 0).toBe(0);
      expect((await here.read([])).size).toBe(0);
    });
  });
}
