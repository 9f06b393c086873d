import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type BackfillStepped, type BackfillWorker, workBackfills } from "./work-backfills.ts";

const nothing: BackfillStepped = {
  ...{ changed: [], lanes: [], scheduled: false },
  ...{ created: 0, again: false, toCancel: [] },
};

let worker: BackfillWorker;
let ticks = 0;
let steps: string[] = [];
const errors: unknown[] = [];
const cancelled: string[] = [];
let step: (id: string) => Promise<BackfillStepped | undefined>;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  ticks = 0;
  steps = [];
  errors.length = 0;
  step = async () => nothing;
  worker = workBackfills({
    tenants: async () => {
      ticks += 1;
      return ["acme"];
    },
    unfinished: async () => ["one", "two"],
    step: (_, id) => {
      steps.push(id);
      return step(id);
    },
    cancel: async (_, ids) => void cancelled.push(...ids),
    stepped: () => {},
    nowMs: () => performance.now(),
    random: () => 0.5,
    onError: (_, error) => errors.push(error),
  });
});
afterEach(async () => {
  const stopped = worker.stop();
  // Lets the tick end that is under way.
  await vi.advanceTimersByTimeAsync(1_000);
  await stopped;
  vi.useRealTimers();
});

/** Starts the worker, and lets its first tick end. */
async function start(): Promise<void> {
  worker.start();
  await vi.advanceTimersByTimeAsync(0);
  expect(ticks).toBe(1);
}

describe("the loop of backfills", () => {
  it("looks again when jobs of its tenants changed, once for all of them", async () => {
    await start();
    for (let n = 0; n < 10; n++) worker.changed(["acme"]);
    worker.changed(["other"]);
    await vi.advanceTimersByTimeAsync(19);
    expect(ticks).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(ticks).toBe(2);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(ticks).toBe(2);
    worker.changed(["other"]);
    await vi.advanceTimersByTimeAsync(500);
    expect(ticks).toBe(2);
    await vi.advanceTimersByTimeAsync(500);
    expect(ticks).toBe(3);
  });

  it("rests three times as long as it worked, and misses nothing meanwhile", async () => {
    step = async () => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      return nothing;
    };
    worker.start();
    await vi.advanceTimersByTimeAsync(60);
    worker.changed(["acme"]);
    await vi.advanceTimersByTimeAsync(40);
    expect(steps).toEqual(["one", "two"]);
    await vi.advanceTimersByTimeAsync(299);
    expect(ticks).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(ticks).toBe(2);
  });

  it("goes on while there is more to do, and lets no error stop others", async () => {
    step = async (id) => {
      if (id === "one") throw new Error("no");
      return { ...nothing, again: true, toCancel: ["job"] };
    };
    await start();
    expect(errors).toHaveLength(1);
    expect(steps.filter((id) => id === "two")).toHaveLength(20);
    expect(cancelled).toHaveLength(20);
    step = async () => undefined;
    await vi.advanceTimersByTimeAsync(20);
    expect(ticks).toBe(2);
  });
});
