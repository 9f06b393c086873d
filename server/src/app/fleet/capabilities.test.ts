import { expect, it } from "vitest";
import { Capabilities, type Capability } from "./capabilities.ts";

const pool = (queue: string, ...jobTypes: string[]) => ({
  name: queue,
  queues: new Set([queue]),
  jobTypes: new Set(jobTypes),
  free: () => 0,
});
const worker = (tenant: string, ...pools: ReturnType<typeof pool>[]) => ({ tenant, pools });

const said = (all: readonly Capability[]) =>
  all.map(({ tenant, queue, jobType, workers }) => `${tenant} ${queue} ${jobType} ${workers}`);

/** What a replica told others, with the test's workers and clock. */
function scene() {
  const world = { workers: [] as ReturnType<typeof worker>[], arrivals: 0, nowMs: 0, stale: 0 };
  const written: string[] = [];
  const removed: string[] = [];
  const capabilities = new Capabilities({
    workers: () => [world.workers],
    arrivals: () => world.arrivals,
    write: async (all) => void written.push(...said(all)),
    remove: async (all) => void removed.push(...said(all)),
    removeStale: async () => {
      world.stale += 1;
    },
    onError: (_loop, error) => {
      throw error;
    },
    nowMs: () => world.nowMs,
  });
  const arrive = (one: ReturnType<typeof worker>) => {
    world.workers.push(one);
    world.arrivals += 1;
  };
  return { world, arrive, capabilities, written: () => written.splice(0), removed };
}

it("tells what is more at once, what is less with the next beat, and everything then", async () => {
  const { world, arrive, capabilities, written, removed } = scene();
  arrive(worker("a", pool("q", "t", "u"), pool("q", "t")));
  await capabilities.tick();
  expect(written()).toEqual(["a q t 1", "a q u 1"]);
  world.nowMs = 2_000;
  arrive(worker("a", pool("q", "t")));
  arrive(worker("b", pool("q", "t")));
  await capabilities.tick();
  expect(written()).toEqual(["a q t 2", "b q t 1"]);
  await capabilities.tick();
  expect(written()).toEqual([]);
  world.workers.splice(0, 1);
  arrive(worker("b", pool("r", "t")));
  await capabilities.tick();
  expect([written(), removed]).toEqual([["b r t 1"], []]);
  world.nowMs = 10_000;
  await capabilities.tick();
  expect(written()).toEqual(["a q t 1", "b q t 1", "b r t 1"]);
  expect([removed, world.stale]).toEqual([["a q u 1"], 2]);
  await capabilities.withdraw();
  expect(removed.slice(1)).toEqual(["a q t 1", "b q t 1", "b r t 1"]);
});
