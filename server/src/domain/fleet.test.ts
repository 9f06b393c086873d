import { expect, it } from "vitest";
import { type RunnerSelector, selects } from "./fleet.ts";

const runner = { workerId: "w-1", host: "h-1", labels: { pool: "blue", zone: "a" } };
const selector = (over: Partial<RunnerSelector>): RunnerSelector => ({
  workerIds: [],
  host: "",
  labels: {},
  ...over,
});

it.each([
  [{}, true],
  [{ workerIds: ["w-2", "w-1"] }, true],
  [{ workerIds: ["w-2"] }, false],
  [{ host: "h-1" }, true],
  [{ host: "h-2" }, false],
  [{ labels: { pool: "blue" } }, true],
  [{ labels: { pool: "blue", zone: "b" } }, false],
  [{ labels: { rack: "" } }, false],
  [{ workerIds: ["w-1"], host: "h-1", labels: { zone: "a" } }, true],
  [{ workerIds: ["w-1"], host: "h-2" }, false],
] as const)("%j names the runner: %s", (over, named) => {
  expect(selects(selector(over), runner)).toBe(named);
});
