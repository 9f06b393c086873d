import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FairTurns } from "./fair-turns.ts";

const weighted = (weights: readonly number[]) =>
  new Map(weights.map((weight, index) => [`t${index}`, weight] as const));

/** Serves `turns` turns with claims of the sizes given in turn; what each tenant got. */
function serve(
  turns: FairTurns,
  waiting: ReadonlyMap<string, number>,
  count: number,
  claimOf: (turn: number) => number,
) {
  const got = new Map([...waiting.keys()].map((tenant) => [tenant, 0]));
  const order: string[] = [];
  for (let turn = 0; turn < count; turn++) {
    const tenant = turns.next(waiting);
    if (tenant === undefined) throw new Error("nobody got a turn");
    const jobs = claimOf(turn);
    turns.spent(tenant, jobs, waiting.get(tenant) ?? 1);
    got.set(tenant, (got.get(tenant) ?? 0) + jobs);
    order.push(tenant);
  }
  return { got, order };
}

describe("FairTurns", () => {
  it("takes equal tenants in turn", () => {
    const { order } = serve(new FairTurns(), weighted([1, 1, 1]), 6, () => 10);
    expect(order).toEqual(["t0", "t1", "t2", "t0", "t1", "t2"]);
  });

  it("gives turns in proportion to weights, spread out", () => {
    const { got, order } = serve(new FairTurns(), weighted([1, 2]), 300, () => 1);
    expect([...got.values()]).toEqual([100, 200]);
    expect(order.join("")).not.toContain("t1t1t1");
  });

  it("gives jobs, not turns: small claims get more turns", () => {
    const turns = new FairTurns();
    const waiting = weighted([1, 1]);
    const got = { t0: 0, t1: 0 };
    for (let turn = 0; turn < 1_000; turn++) {
      const tenant = turns.next(waiting) as "t0" | "t1";
      const jobs = tenant === "t0" ? 256 : 3;
      turns.spent(tenant, jobs, 1);
      got[tenant] += jobs;
    }
    expect(Math.abs(got.t0 - got.t1)).toBeLessThanOrEqual(256 + 3);
  });

  it("keeps tenants that always wait within a claim of their share", () => {
    const weights = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 2, maxLength: 8 });
    const sizes = fc.array(fc.integer({ min: 0, max: 256 }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(weights, sizes, fc.integer({ min: 1, max: 400 }), (given, claims, count) => {
        const waiting = weighted(given);
        const claimOf = (turn: number) => claims[turn % claims.length] ?? 0;
        const { got } = serve(new FairTurns(), waiting, count, claimOf);
        const largest = Math.max(...claims);
        for (const [a, weightA] of waiting) {
          for (const [b, weightB] of waiting) {
            const apart = (got.get(a) ?? 0) / weightA - (got.get(b) ?? 0) / weightB;
            expect(Math.abs(apart)).toBeLessThanOrEqual(
              largest / weightA + largest / weightB + 1e-9,
            );
          }
        }
      }),
    );
  });

  it("serves a single job after at most one turn of each other, however busy they were", () => {
    const weights = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 10 });
    const sizes = fc.array(fc.integer({ min: 0, max: 256 }), { minLength: 1, maxLength: 50 });
    const before = fc.integer({ min: 0, max: 200 });
    fc.assert(
      fc.property(weights, sizes, before, (given, claims, count) => {
        const turns = new FairTurns();
        const busy = weighted(given);
        const claimOf = (turn: number) => claims[turn % claims.length] ?? 0;
        serve(turns, busy, count, claimOf);
        const all = new Map([...busy, ["single", 1]]);
        const { order } = serve(turns, all, all.size, claimOf);
        expect(order).toContain("single");
      }),
    );
  });

  it("saves up nothing for who does not wait, and forgets no debt", () => {
    const turns = new FairTurns();
    serve(turns, weighted([1]), 1_000, () => 100);
    const both = serve(turns, weighted([1, 1]), 10, () => 100);
    expect(Math.abs((both.got.get("t0") ?? 0) - (both.got.get("t1") ?? 0))).toBeLessThanOrEqual(
      200,
    );

    const owing = new FairTurns();
    const two = weighted([1, 1]);
    owing.spent(owing.next(two) as string, 1_000, 1);
    serve(owing, new Map([["t1", 1]]), 5, () => 1);
    const { order } = serve(owing, two, 100, () => 1);
    expect(order).not.toContain("t0");
  });

  it("starves nobody whose turns serve nothing, nor anybody behind them", () => {
    const { order } = serve(new FairTurns(), weighted([1, 1, 1]), 9, () => 0);
    expect(order.filter((tenant) => tenant === "t2")).toHaveLength(3);
  });

  it("charges a turn that took long from where it began", () => {
    const turns = new FairTurns();
    const others = new Map([["other", 1]]);
    const all = new Map([...others, ["slow", 1]]);
    turns.spent(turns.next(all) as string, 0, 1);
    expect(turns.next(all)).toBe("slow");
    serve(turns, others, 10, () => 1);
    turns.spent("slow", 5, 1);
    expect(serve(turns, all, 4, () => 1).order).toEqual(["slow", "other", "slow", "other"]);
  });

  it("remembers a debt among many tenants, but not for ever", () => {
    const turns = new FairTurns();
    const owesAfter = (count: number) => {
      turns.spent(turns.next(new Map([["debtor", 1]])) as string, 1_000_000, 1);
      for (let n = 0; n < count; n++) {
        const waiting = new Map([[`t${n}`, 1]]);
        turns.spent(turns.next(waiting) as string, 1, 1);
      }
      const both = new Map([
        ["debtor", 1],
        ["fresh", 1],
      ]);
      return serve(turns, both, 3, () => 10).order.join() === "fresh,fresh,fresh";
    };
    expect(owesAfter(900)).toBe(true);
    expect(owesAfter(5_000)).toBe(false);
  });

  it("does not remember tenants for ever", () => {
    const turns = new FairTurns();
    for (let n = 0; n < 10_000; n++) {
      const waiting = new Map([[`t${n}`, 1]]);
      turns.next(waiting);
      turns.spent(`t${n}`, 1, 1);
    }
    expect(turns.remembered).toBeLessThan(3_500);
  });

  it("has no turn for nobody, and takes no weight of nothing", () => {
    expect(new FairTurns().next(new Map())).toBeUndefined();
    expect(() => new FairTurns().next(weighted([0]))).toThrow(RangeError);
    expect(() => new FairTurns().spent("t0", 1, Number.NaN)).toThrow(RangeError);
  });
});
