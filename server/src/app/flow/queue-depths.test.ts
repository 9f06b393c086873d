import { describe, expect, it } from "vitest";
import { QueueDepths } from "./queue-depths.ts";

/** Depths over a queue whose fill, clock and counts are the test's. */
function scene(depth = 0) {
  const world = { depth, nowMs: 0, counts: 0, costMs: 0, fails: false };
  const depths = new QueueDepths({
    count: async (_tenant, _queue, atMost) => {
      world.counts++;
      const seen = world.depth;
      await Promise.resolve();
      world.nowMs += world.costMs;
      if (world.fails) throw new Error("away");
      return Math.min(seen, atMost);
    },
    nowMs: () => world.nowMs,
  });
  const take = (wanted: number, maxDepth = 10) => depths.take("t", "q", maxDepth, wanted);
  return { world, depths, take };
}

describe("places in a queue", () => {
  it("are what its limit leaves", async () => {
    const { take } = scene(7);
    expect((await take(2)).granted).toBe(2);
    expect((await take(5)).granted).toBe(1);
    expect((await take(1)).granted).toBe(0);
  });

  it("are counted once a second, not for every call", async () => {
    const { world, take } = scene();
    await Promise.all([take(1), take(1), take(1)]);
    world.nowMs += 999;
    await take(1);
    expect(world.counts).toBe(1);
    world.nowMs += 1;
    world.depth = 4;
    expect((await take(10)).granted).toBe(2);
    expect(world.counts).toBe(2);
  });

  it("that came to nothing are free again", async () => {
    const { take } = scene(8);
    const places = await take(2);
    expect((await take(1)).granted).toBe(0);
    places.settle(1);
    expect((await take(2)).granted).toBe(1);
  });

  it("that nobody has settled count beside the next count", async () => {
    const { world, take } = scene(0);
    const early = await take(4);
    const written = await take(3);
    written.settle(3);
    world.depth = 3;
    world.nowMs += 1_000;
    // 3 in the queue, 4 on their way.
    expect((await take(10)).granted).toBe(3);
    early.settle(0);
    expect((await take(10)).granted).toBe(4);
  });

  it("of queues that take long to count are counted less often", async () => {
    const { world, take } = scene();
    world.costMs = 200;
    await take(1);
    world.nowMs += 3_999;
    await take(1);
    expect(world.counts).toBe(1);
    world.nowMs += 1;
    await take(1);
    expect(world.counts).toBe(2);
  });

  it("are counted again when the limit is raised, and are none when it is below", async () => {
    const { world, take } = scene(10);
    expect((await take(1, 5)).granted).toBe(0);
    expect((await take(1, 12)).granted).toBe(1);
    expect(world.counts).toBe(2);
    expect((await take(1, 3)).granted).toBe(0);
    expect((await take(1, 0)).granted).toBe(0);
  });

  it("are counted by the next call when a count failed", async () => {
    const { world, take } = scene(9);
    world.fails = true;
    await expect(take(1)).rejects.toThrow("away");
    world.fails = false;
    expect((await take(5)).granted).toBe(1);
  });

  it("of one queue or tenant are not those of another", async () => {
    const { depths, take } = scene(9);
    await take(1);
    expect((await depths.take("t", "other", 10, 5)).granted).toBe(1);
    expect((await depths.take("u", "q", 10, 5)).granted).toBe(1);
  });
});
