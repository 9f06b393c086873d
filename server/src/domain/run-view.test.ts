import { describe, expect, it } from "vitest";
import type { JobState } from "./job-machine.ts";
import { countStates, type RunState, runState } from "./run-view.ts";

describe("the state of a run", () => {
  it.each([
    [["succeeded", "succeeded"], "succeeded"],
    [["succeeded", "running"], "active"],
    [["dead", "blocked"], "active"],
    [["dead", "cancelled", "succeeded"], "failed"],
    [["cancelled", "succeeded"], "cancelled"],
    [["scheduled"], "active"],
    [["offered", "dead"], "active"],
  ] satisfies [JobState[], RunState][])("of %j is %s", (states, expected) => {
    expect(runState(countStates(states))).toBe(expected);
  });
});
