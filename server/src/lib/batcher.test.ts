import { describe, expect, it, vi } from "vitest";
import { Batcher, BatcherFullError, type BatcherOptions } from "./batcher.ts";

class Outage extends Error {}

/** A batcher whose flushes the test lets go one by one. */
function controlled(over: Partial<BatcherOptions<number, string>> = {}) {
  const batches: number[][] = [];
  const gates: ((error?: Error) => void)[] = [];
  const batcher = new Batcher<number, string>({
    maxWeight: 3,
    maxQueuedWeight: 100,
    isOutage: (error) => error instanceof Outage,
    flush: async (items) => {
      batches.push([...items]);
      await new Promise<void>((resolve, reject) => {
        gates.push((error) => (error === undefined ? resolve() : reject(error)));
      });
      return items.map((item) => `answer ${item}`);
    },
    ...over,
  });
  const letGo = async (error?: Error) => {
    gates.shift()?.(error);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { batcher, batches, letGo };
}

describe("Batcher", () => {
  it("keeps batches apart where it is told to, but for the first after a quiet time", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    try {
      const began: (readonly number[])[] = [];
      const batcher = new Batcher<number, number>({
        maxWeight: 100,
        maxQueuedWeight: 100,
        spacingMs: 40,
        isOutage: () => false,
        flush: async (items) => {
          began.push(items);
          return items;
        },
      });
      // It does not wait for a spacing that nothing has begun.
      expect(await batcher.add(1)).toBe(1);
      const answers = Promise.all([2, 3, 4].map((item) => batcher.add(item)));
      await vi.advanceTimersByTimeAsync(38);
      expect(began).toEqual([[1]]);
      await vi.advanceTimersByTimeAsync(2);
      expect(await answers).toEqual([2, 3, 4]);
      const last = batcher.add(5);
      await vi.advanceTimersByTimeAsync(38);
      expect(began).toEqual([[1], [2, 3, 4]]);
      await vi.advanceTimersByTimeAsync(2);
      expect(await last).toBe(5);
    } finally {
      vi.useRealTimers();
    }
  });

  it("flushes at once when idle and gathers while busy, within the weight", async () => {
    const { batcher, batches, letGo } = controlled();
    const answers = Promise.all([1].map((item) => batcher.add(item)));
    await Promise.resolve();
    await Promise.resolve();
    const later = Promise.all([2, 3, 4, 5].map((item) => batcher.add(item)));
    await letGo();
    await letGo();
    await letGo();
    expect(batches).toEqual([[1], [2, 3, 4], [5]]);
    expect(await answers).toEqual(["answer 1"]);
    expect(await later).toEqual(["answer 2", "answer 3", "answer 4", "answer 5"]);
  });

  it("lets an item that is heavier than a batch go alone", async () => {
    const { batcher, batches, letGo } = controlled({ weigh: (item) => item });
    const answers = Promise.all([1, 50, 2].map((item) => batcher.add(item)));
    for (let round = 0; round < 3; round++) {
      await new Promise((resolve) => setImmediate(resolve));
      await letGo();
    }
    await answers;
    expect(batches).toEqual([[1], [50], [2]]);
  });

  it("fails a poison item alone", async () => {
    const seen: number[][] = [];
    const batcher = new Batcher<number, number>({
      maxWeight: 10,
      maxQueuedWeight: 100,
      isOutage: () => false,
      flush: async (items) => {
        seen.push([...items]);
        if (items.includes(2)) throw new Error("poison");
        return items.map((item) => item * 10);
      },
    });
    const settled = await Promise.allSettled([1, 2, 3].map((item) => batcher.add(item)));
    expect(settled.map((one) => one.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(seen).toEqual([[1, 2, 3], [1], [2], [3]]);
  });

  it("does not try items one by one when the world is to blame", async () => {
    const { batcher, batches, letGo } = controlled();
    const settled = Promise.allSettled([1, 2].map((item) => batcher.add(item)));
    await new Promise((resolve) => setImmediate(resolve));
    await letGo(new Outage());
    expect((await settled).map((one) => one.status)).toEqual(["rejected", "rejected"]);
    expect(batches).toEqual([[1, 2]]);
  });

  it("refuses more than may wait", async () => {
    const { batcher, letGo } = controlled({ maxQueuedWeight: 2 });
    const first = [1, 2].map((item) => batcher.add(item));
    await expect(batcher.add(3)).rejects.toBeInstanceOf(BatcherFullError);
    await new Promise((resolve) => setImmediate(resolve));
    await letGo();
    await Promise.all(first);
  });

  it("keeps so many batches in flight and says when none is left", async () => {
    const { batcher, batches, letGo } = controlled({ concurrency: 2, maxWeight: 1 });
    const answers = Promise.all([1, 2, 3].map((item) => batcher.add(item)));
    await new Promise((resolve) => setImmediate(resolve));
    expect(batches).toEqual([[1], [2]]);
    let idle = false;
    const waiting = batcher.idle().then(() => {
      idle = true;
    });
    await letGo();
    expect(idle).toBe(false);
    await letGo();
    await letGo();
    await answers;
    await waiting;
    expect(idle).toBe(true);
  });
});
