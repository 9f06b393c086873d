import { expect, it } from "vitest";
import { type SchedulerPorts, scheduler } from "./scheduler.ts";

const idle: SchedulerPorts = {
  tenantsDue: async () => [],
  due: async () => [],
  fire: async () => false,
  putOff: async () => {},
  tenantsWaiting: async () => [],
  wakeWaiting: async () => 0,
  nextDueMs: async () => undefined,
  onError: () => {},
};

it("puts off a schedule that it cannot work on, and goes on with the others", async () => {
  const due = ["broken", "sound"].map((name) => ({ tenant: "a", name }));
  const left = new Set(due);
  const fired: string[] = [];
  const errors: unknown[] = [];
  const done = Promise.withResolvers<void>();
  const loop = scheduler({
    ...idle,
    tenantsDue: async () => (left.size > 0 ? ["a"] : []),
    due: async () => [...left],
    fire: async (schedule) => {
      if (schedule.name === "broken") throw new Error("no");
      fired.push(schedule.name);
      left.delete(schedule);
      return true;
    },
    putOff: async (schedule, delayMs) => {
      expect(delayMs).toBeGreaterThan(0);
      left.delete(schedule);
    },
    nextDueMs: async () => {
      done.resolve();
      return undefined;
    },
    onError: (_, error) => errors.push(error),
  });
  loop.start();
  await done.promise;
  await loop.stop();
  expect(fired).toEqual(["sound"]);
  expect(errors).toHaveLength(1);
});

it("looks whose turn it is when jobs of a tenant change that has firings which wait", async () => {
  const looks: (readonly string[])[] = [];
  const waits = Promise.withResolvers<void>();
  const looked = Promise.withResolvers<void>();
  let ticks = 0;
  const loop = scheduler({
    ...idle,
    tenantsWaiting: async () => ["a"],
    wakeWaiting: async (tenants) => {
      looks.push(tenants);
      if (looks.length === 2) looked.resolve();
      return 0;
    },
    nextDueMs: async () => {
      if (++ticks === 1) waits.resolve();
      return undefined;
    },
  });
  loop.start();
  await waits.promise;
  loop.changed(["b"]);
  loop.changed(["a", "b"]);
  await looked.promise;
  await loop.stop();
  // Once when it learnt that somebody waits, and once for the change.
  expect(looks).toEqual([["a"], ["a"]]);
});
