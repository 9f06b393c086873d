import { describe, expect, it } from "vitest";
import type { JobState } from "./job-machine.ts";
import { runState } from "./run-view.ts";

const counts = (...entries: [JobState, number][]) => new Map(entries);

describe("runState", () => {
  it.each([
    [counts(["succeeded", 2]), 0, "succeeded"],
    [counts(["succeeded", 2], ["ready", 1]), 0, "active"],
    [counts(["dead", 1], ["blocked", 1]), 0, "active"],
    [counts(["succeeded", 1], ["dead", 1], ["cancelled", 5]), 2, "failed"],
    [counts(["succeeded", 1], ["cancelled", 2]), 1, "cancelled"],
    [counts(["succeeded", 1], ["cancelled", 2]), 2, "succeeded"],
  ] as const)("of %j with %d skipped is %s", (states, skipped, state) => {
    expect(runState(states, skipped, false)).toBe(state);
  });

  it("is active as long as more can come", () => {
    expect(runState(counts(["succeeded", 1]), 0, true)).toBe("active");
  });
});
