import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AllotLane, type Allotment, allot } from "./allot.ts";

const lane = (priority: number, scopes: string[] = [], wanted?: number): AllotLane => ({
  priority,
  scopes,
  wanted,
});
const room = (scopes: Record<string, number>) => new Map(Object.entries(scopes));
const limits = (given: readonly Allotment[]) => given.map(({ limit }) => limit);
const mosts = (given: readonly Allotment[]) => given.map(({ most }) => most);

/** How much of each scope is used up if every lane takes so many. */
function used(lanes: readonly AllotLane[], taken: readonly number[], key: string): number {
  return lanes.reduce(
    (sum, { scopes }, index) => sum + (scopes.includes(key) ? (taken[index] ?? 0) : 0),
    0,
  );
}

/** Whether lanes could take so many, by the definition. */
function fits(
  lanes: readonly AllotLane[],
  taken: readonly number[],
  slots: number,
  scopes: ReadonlyMap<string, number>,
): boolean {
  const total = taken.reduce((sum, one) => sum + one, 0);
  return (
    total <= slots &&
    taken.every((one, index) => one >= 0 && one <= (lanes[index]?.wanted ?? Infinity)) &&
    [...scopes].every(([key, left]) => used(lanes, taken, key) <= Math.max(0, left))
  );
}

const KEYS = ["a", "b", "c", "d"];
const instance = (most: { lanes: number; slots: number; room: number }) =>
  fc.record({
    lanes: fc
      .array(
        fc.record({
          priority: fc.integer({ min: 0, max: 2 }),
          scopes: fc.subarray(KEYS),
          wanted: fc.option(fc.integer({ min: 0, max: most.slots }), { nil: undefined }),
        }),
        { maxLength: most.lanes },
      )
      .map((lanes) => lanes.sort((a, b) => b.priority - a.priority)),
    slots: fc.integer({ min: 0, max: most.slots }),
    scopes: fc
      .tuple(
        ...KEYS.map(() => fc.oneof(fc.integer({ min: -1, max: most.room }), fc.constant(Infinity))),
      )
      .map((rooms) => new Map(KEYS.map((key, index) => [key, rooms[index] ?? 0]))),
  });

const plus = (taken: readonly number[], index: number, by: number) =>
  taken.map((one, at) => (at === index ? one + by : one));

describe("allot", () => {
  it("shares slots between equals, the odd ones to the first", () => {
    expect(limits(allot([lane(0), lane(0), lane(0)], 8, new Map()))).toEqual([3, 3, 2]);
  });

  it("serves higher priorities first", () => {
    expect(limits(allot([lane(5), lane(0)], 8, new Map()))).toEqual([8, 0]);
    expect(limits(allot([lane(5, [], 3), lane(0)], 8, new Map()))).toEqual([3, 5]);
  });

  it("gives what one cannot take to the others", () => {
    const scopes = room({ host: 1, all: 100 });
    const lanes = [lane(0, ["host", "all"]), lane(0, ["all"]), lane(0, ["all"], 2)];
    expect(limits(allot(lanes, 9, scopes))).toEqual([1, 6, 2]);
  });

  it("divides a scope that several lanes count against", () => {
    const lanes = [lane(0, ["host"]), lane(0, ["host"]), lane(0, ["host"])];
    const given = allot(lanes, 100, room({ host: 7 }));
    expect(limits(given)).toEqual([3, 2, 2]);
    expect(mosts(given)).toEqual([3, 2, 2]);
  });

  it("says how much more a lane may take if others have less", () => {
    const lanes = [lane(1), lane(0, ["host"]), lane(0)];
    const given = allot(lanes, 8, room({ host: 5 }));
    expect(limits(given)).toEqual([8, 0, 0]);
    expect(mosts(given)).toEqual([8, 5, 8]);
  });

  it("names the scope that blocks, the one that was empty before the one that was used up", () => {
    const lanes = [
      lane(0, ["used"]),
      lane(0, ["used", "empty"]),
      lane(0, ["used"]),
      lane(0, ["wide"], 0),
    ];
    const given = allot(lanes, 8, room({ used: 1, empty: 0, wide: 9 }));
    expect(given.map(({ blockedBy }) => blockedBy)).toEqual([
      undefined,
      "empty",
      "used",
      undefined,
    ]);
    expect(allot([lane(0, ["wide"])], 0, room({ wide: 9 }))[0]?.blockedBy).toBeUndefined();
  });

  it("does not round up what is left of a bucket, and takes less than none for none", () => {
    const given = allot([lane(0, ["half"]), lane(0, ["minus"])], 8, room({ half: 0.9, minus: -3 }));
    expect(given).toEqual([
      { limit: 0, most: 0, blockedBy: "half" },
      { limit: 0, most: 0, blockedBy: "minus" },
    ]);
  });

  it("counts a lane once against a scope that it names twice", () => {
    expect(limits(allot([lane(0, ["a", "a"])], 8, room({ a: 5 })))).toEqual([5]);
  });

  it("refuses what is a mistake of its caller", () => {
    expect(() => allot([lane(0), lane(1)], 1, new Map())).toThrow(RangeError);
    expect(() => allot([lane(0, ["unknown"])], 1, new Map())).toThrow(RangeError);
  });

  it("never exceeds a scope, whatever lanes take, nor the slots with their shares", () => {
    fc.assert(
      fc.property(instance({ lanes: 64, slots: 256, room: 300 }), ({ lanes, slots, scopes }) => {
        const given = allot(lanes, slots, scopes);
        expect(fits(lanes, limits(given), slots, scopes)).toBe(true);
        expect(fits(lanes, mosts(given), Infinity, scopes)).toBe(true);
        for (const { limit, most } of given) {
          expect(most).toBeGreaterThanOrEqual(limit);
          expect(most).toBeLessThanOrEqual(slots);
        }
      }),
    );
  });

  it("leaves nothing over that a lane could have", () => {
    fc.assert(
      fc.property(instance({ lanes: 64, slots: 256, room: 300 }), ({ lanes, slots, scopes }) => {
        const given = allot(lanes, slots, scopes);
        lanes.forEach((_, index) => {
          expect(fits(lanes, plus(limits(given), index, 1), slots, scopes)).toBe(false);
          const more = plus(mosts(given), index, 1);
          expect((more[index] ?? 0) <= slots && fits(lanes, more, Infinity, scopes)).toBe(false);
        });
      }),
    );
  });

  it("names a scope exactly where a slot was free and nothing but scopes said no", () => {
    fc.assert(
      fc.property(instance({ lanes: 16, slots: 20, room: 6 }), ({ lanes, slots, scopes }) => {
        const given = allot(lanes, slots, scopes);
        const free = slots - limits(given).reduce((sum, one) => sum + one, 0);
        given.forEach(({ limit, blockedBy }, index) => {
          const { scopes: own = [], wanted = slots } = lanes[index] ?? {};
          if (blockedBy !== undefined) {
            expect(limit).toBe(0);
            expect(own).toContain(blockedBy);
            const left = (scopes.get(blockedBy) ?? 0) - used(lanes, limits(given), blockedBy);
            expect(left).toBeLessThan(1);
          } else if (limit === 0 && wanted > 0) {
            expect(free).toBe(0);
          }
        });
      }),
    );
  });

  it("does not let the shares of higher priorities depend on lower ones", () => {
    fc.assert(
      fc.property(instance({ lanes: 32, slots: 100, room: 60 }), ({ lanes, slots, scopes }) => {
        const all = limits(allot(lanes, slots, scopes));
        for (const from of [1, 2]) {
          const upper = lanes.filter(({ priority }) => priority >= from);
          expect(all.slice(0, upper.length)).toEqual(limits(allot(upper, slots, scopes)));
        }
      }),
    );
  });

  it("is, among equals, what one job at a time in turn comes to", () => {
    fc.assert(
      fc.property(instance({ lanes: 20, slots: 60, room: 30 }), ({ lanes, slots, scopes }) => {
        const equal = lanes.map((one) => ({ ...one, priority: 0 }));
        let taken = equal.map(() => 0);
        for (let moved = true; moved; ) {
          moved = false;
          for (const index of equal.keys()) {
            const more = plus(taken, index, 1);
            if (!fits(equal, more, slots, scopes)) continue;
            taken = more;
            moved = true;
          }
        }
        expect(limits(allot(equal, slots, scopes))).toEqual(taken);
      }),
    );
  });

  it("cannot be made fairer: no lane could have more at the cost of one that has two more", () => {
    fc.assert(
      fc.property(instance({ lanes: 5, slots: 12, room: 8 }), ({ lanes, slots, scopes }) => {
        const equal = lanes.map((one) => ({ ...one, priority: 0 }));
        const taken = limits(allot(equal, slots, scopes));
        for (const [poor, few] of taken.entries()) {
          for (const [rich, many] of taken.entries()) {
            if (many < few + 2) continue;
            const moved = plus(plus(taken, poor, 1), rich, -1);
            expect(fits(equal, moved, slots, scopes)).toBe(false);
          }
        }
      }),
    );
  });

  it("gives the least served of three lanes as much as any division could", () => {
    fc.assert(
      fc.property(instance({ lanes: 3, slots: 6, room: 5 }), ({ lanes, slots, scopes }) => {
        const equal = lanes.map((one) => ({ ...one, priority: 0 }));
        let divisions: number[][] = [[]];
        for (const _ of equal) {
          divisions = divisions.flatMap((head) => [0, 1, 2, 3, 4, 5, 6].map((n) => [...head, n]));
        }
        const least = divisions
          .filter((taken) => fits(equal, taken, slots, scopes))
          .map((taken) => Math.min(...taken));
        const got = Math.min(...limits(allot(equal, slots, scopes)));
        expect(got).toBeGreaterThanOrEqual(Math.max(...least));
      }),
    );
  });
});
