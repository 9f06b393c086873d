import { expect, it } from "vitest";
import { jittered, loop } from "./loop.ts";

/** Long enough that a test that waits for it fails. */
const NEVER_MS = 3_600_000;

it("ticks at once when it is woken, and after the rest that a tick asks for", async () => {
  let ticks = 0;
  const enough = Promise.withResolvers<void>();
  const looping = loop({
    name: "test",
    restAfterErrorMs: NEVER_MS,
    onError: () => {},
    tick: async () => {
      ticks += 1;
      if (ticks === 3) enough.resolve();
      return ticks === 1 ? NEVER_MS : 1;
    },
  });
  looping.start();
  looping.start();
  expect(ticks).toBe(1);
  looping.wake();
  await enough.promise;
  await looping.stop();
});

it("goes on after a tick that failed, and says which loop it was", async () => {
  const errors: unknown[] = [];
  const again = Promise.withResolvers<void>();
  const looping = loop({
    name: "test",
    restAfterErrorMs: 1,
    onError: (...error) => errors.push(error),
    tick: async () => {
      if (errors.length === 0) throw new Error("once");
      again.resolve();
      return NEVER_MS;
    },
  });
  looping.start();
  await again.promise;
  await looping.stop();
  expect(errors).toEqual([["test", new Error("once")]]);
});

it("stops after the tick that is under way, however often it is told, and for good", async () => {
  const gate = Promise.withResolvers<void>();
  let ticks = 0;
  const looping = loop({
    name: "test",
    restAfterErrorMs: 0,
    onError: () => {},
    tick: async () => {
      ticks += 1;
      await gate.promise;
      return 0;
    },
  });
  looping.start();
  let isStopped = false;
  const stopped = Promise.all([looping.stop(), looping.stop()]).then(() => {
    isStopped = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(isStopped).toBe(false);
  gate.resolve();
  await stopped;
  looping.start();
  expect(ticks).toBe(1);
});

it("spreads rests evenly over 20 % either way", () => {
  expect([0, 0.5, 1].map((random) => Math.round(jittered(100, random)))).toEqual([80, 100, 120]);
});
