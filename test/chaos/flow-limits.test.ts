import { describe, expect, it } from "vitest";
import { limitsIn, SCARCE_KEY, SLOW_SOURCE } from "./flow-limits.ts";
import { limitsHold } from "./invariants/limits.ts";
import { soundHistory } from "./invariants/sound-history.ts";
import { events, job, RED } from "./invariants/sound-rows.ts";

const held = (kind: string, from = "running", to = "ready") =>
  [
    ["offered", "ready", "offered", 1],
    ["started", "offered", "running", 1],
    [kind, from, to, 1],
  ] as const;

describe("what limits let through", () => {
  it("is a lease from its claim to its end, however it ends", () => {
    const jobs = [job("a", { concurrencyKey: SCARCE_KEY }), job("b")];
    const rows = [
      ...events("a", [...held("interrupted"), ...held("succeeded", "running", "succeeded")], 0),
      ...events("b", held("released"), 0),
    ];
    const { concurrent } = limitsIn(jobs, rows, [RED]);
    expect(concurrent[0]?.spans).toMatchObject([
      { jobId: "a", fromMs: 0, toMs: 2_000 },
      { jobId: "a", fromMs: 3_000, toMs: 5_000 },
    ]);
  });

  it("is no end of a lease when a late result comes for a job that is ready again", () => {
    const jobs = [job("a", { concurrencyKey: SCARCE_KEY })];
    const rows = events("a", [...held("interrupted"), ["succeeded", "ready", "succeeded", 1]], 0);
    expect(limitsIn(jobs, rows, [RED]).concurrent[0]?.spans).toHaveLength(1);
  });

  it("counts an offer that went back for nothing, and one that did not for one", () => {
    const jobs = [job("a", { source: SLOW_SOURCE })];
    const back = ["offer_returned", "offered", "ready", 1] as const;
    const offered = ["offered", "ready", "offered", 1] as const;
    const rows = events("a", [offered, back, ...held("failed", "running", "failed")], 0);
    expect(limitsIn(jobs, rows, [RED]).limited[0]?.admittedMs).toEqual([2_000]);
  });

  it("is a violation when three leases of a key that allows two overlap", () => {
    const ids = ["a", "b", "c"];
    const jobs = ids.map((id) => job(id, { concurrencyKey: SCARCE_KEY }));
    const rows = ids.flatMap((id) => events(id, held("succeeded", "running", "succeeded"), 0));
    const limits = limitsIn(jobs, rows, [RED]);
    expect(limitsHold.check({ ...soundHistory(), ...limits }).violations).toHaveLength(1);
    const two = limitsIn(jobs.slice(1), rows, [RED]);
    expect(limitsHold.check({ ...soundHistory(), ...two }).violations).toEqual([]);
  });

  it("is a violation when a slow source's jobs go at once", () => {
    const ids = Array.from({ length: 40 }, (_, index) => `job-${index}`);
    const jobs = ids.map((id) => job(id, { source: SLOW_SOURCE }));
    const rows = ids.flatMap((id) => events(id, held("succeeded", "running", "succeeded"), 0));
    const limits = limitsIn(jobs, rows, [RED]);
    expect(limitsHold.check({ ...soundHistory(), ...limits }).violations).toHaveLength(1);
  });
});
