import { describe, expect, it } from "vitest";
import type { JobState } from "./job-machine.ts";
import { type JobAction, leftAlone, MAX_STEP, paceOf, statesToLookAt } from "./operation.ts";

const ACTIONS = [
  "retry",
  "cancel",
  "discard",
  "reprioritise",
  "move",
  "extend_deadline",
] as const satisfies readonly JobAction["kind"][];

describe("the pace of an operation", () => {
  it("is one large step after the other without a rate", () => {
    const { size, restMs } = paceOf(0);
    expect([size, restMs(size)]).toEqual([MAX_STEP, 0]);
  });

  it.each([0.5, 1, 3, 7, 40, 1_999, 2_000, 100_000])("keeps to %d jobs a second", (rate) => {
    const { size, restMs } = paceOf(rate);
    expect(size).toBeGreaterThanOrEqual(1);
    expect(size).toBeLessThanOrEqual(MAX_STEP);
    expect((size * 1_000) / restMs(size)).toBeCloseTo(rate);
    // Goes evenly: nobody waits a second for the next step unless a single job takes as long.
    expect(restMs(size)).toBeLessThanOrEqual(Math.max(1_000, 1_000 / rate));
  });

  it.each([1e-15, Number.MIN_VALUE])("rests for a time that a clock can show at %d", (rate) => {
    const restMs = paceOf(rate).restMs(1);
    expect(new Date(Date.now() + restMs).getUTCFullYear()).toBeGreaterThan(2_100);
  });
});

describe("where an action looks", () => {
  it("is never among jobs that succeeded or were cancelled", () => {
    for (const action of ACTIONS) {
      expect(statesToLookAt(action, [])).not.toHaveLength(0);
      expect(statesToLookAt(action, ["succeeded", "cancelled"])).toEqual([]);
    }
  });

  it("is narrowed by what was asked for", () => {
    expect(statesToLookAt("retry", ["dead", "ready"])).toEqual(["dead"]);
    expect(statesToLookAt("cancel", ["ready", "dead"])).toEqual(["ready"]);
  });
});

describe("what an action leaves alone", () => {
  const said = (state: JobState, alike = false) =>
    ACTIONS.map((action) => {
      const { outcome, reason } = leftAlone(action, { state, alike });
      return reason || outcome;
    });

  it("has a reason for everything", () => {
    for (const action of ACTIONS) {
      expect(leftAlone(action, undefined)).toEqual({ outcome: "refused", reason: "JOB_NOT_FOUND" });
    }
    const finished = "JOB_FINISHED";
    const busy = "JOB_BEING_WORKED_ON";
    const notDead = "JOB_NOT_DEAD";
    expect(said("succeeded")).toEqual([notDead, finished, notDead, ...Array(3).fill(finished)]);
    expect(said("cancelled")).toEqual([notDead, "unchanged", notDead, ...Array(3).fill(finished)]);
    const discarded = ["DEAD_LETTER_DISCARDED", finished, "unchanged"];
    expect(said("dead")).toEqual([...discarded, ...Array(3).fill(finished)]);
    for (const state of ["offered", "running"] as const) {
      expect(said(state)).toEqual(["unchanged", busy, notDead, ...Array(3).fill(busy)]);
    }
  });

  it("says that what is so already needs no change, unless the job is finished", () => {
    for (const state of ["blocked", "scheduled", "ready", "running"] as const) {
      expect(said(state, true).slice(3)).toEqual(Array(3).fill("unchanged"));
    }
    expect(said("dead", true).slice(3)).toEqual(Array(3).fill("JOB_FINISHED"));
  });
});
