import { describe, expect, it } from "vitest";
import { ClaimTurns } from "./claim-turns.ts";

/** Lets what is ready to go on do so. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

/** A tenant that always wants the next turn; notes its name for each that it gets. */
function greedy(turns: ClaimTurns, tenant: string, weight: number, jobs: number) {
  return {
    async run(log: string[], until: number): Promise<void> {
      while (log.length < until) {
        const leave = await turns.enter(tenant, weight);
        log.push(tenant);
        await settle();
        leave(jobs);
      }
    },
  };
}

describe("turns to claim", () => {
  it("are as many at once as was said, and no more", async () => {
    const turns = new ClaimTurns(2);
    const leaves: ((jobs: number) => void)[] = [];
    for (const tenant of ["a", "b", "c", "d"]) {
      void turns.enter(tenant, 1).then((leave) => leaves.push(leave));
    }
    await settle();
    expect(leaves).toHaveLength(2);
    leaves[0]?.(1);
    await settle();
    expect(leaves).toHaveLength(3);
    leaves[1]?.(0);
    leaves[2]?.(5);
    await settle();
    expect(leaves).toHaveLength(4);
  });

  it("go by weight while everybody waits", async () => {
    const turns = new ClaimTurns(1);
    const log: string[] = [];
    await Promise.all([
      greedy(turns, "light", 1, 64).run(log, 400),
      greedy(turns, "heavy", 3, 64).run(log, 400),
    ]);
    const heavy = log.slice(0, 400).filter((tenant) => tenant === "heavy").length;
    expect(heavy).toBeGreaterThanOrEqual(295);
    expect(heavy).toBeLessThanOrEqual(305);
  });

  it("count jobs, not claims", async () => {
    const turns = new ClaimTurns(1);
    const log: string[] = [];
    await Promise.all([
      greedy(turns, "large", 1, 200).run(log, 330),
      greedy(turns, "small", 1, 20).run(log, 330),
    ]);
    const large = log.slice(0, 330).filter((tenant) => tenant === "large").length;
    expect(large).toBeGreaterThanOrEqual(28);
    expect(large).toBeLessThanOrEqual(32);
  });

  it("are not kept for who does not come back", async () => {
    const turns = new ClaimTurns(1);
    const first = await turns.enter("heavy", 100);
    const enter = turns.enter("light", 1);
    first(1);
    // The heavy one is furthest behind and expected, but rests.
    turns.rests("heavy");
    (await enter)(200);
    const again = await turns.enter("heavy", 100);
    const late = turns.enter("light", 1);
    again(1);
    // It neither comes nor rests: the turn is kept for a moment only.
    (await late)(1);
  });

  it("come to a tenant that is new after one of each other at most", async () => {
    const turns = new ClaimTurns(1);
    const log: string[] = [];
    const others = ["a", "b", "c"];
    const busy = others.map((tenant) => greedy(turns, tenant, 100, 256).run(log, 600));
    while (log.length < 300) await settle();
    const before = log.length;
    const leave = await turns.enter("new", 0.01);
    expect(log.length - before).toBeLessThanOrEqual(others.length + 1);
    leave(1);
    await Promise.all(busy);
    expect(log.length).toBeGreaterThanOrEqual(600);
  });
});
