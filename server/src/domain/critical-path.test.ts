import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CriticalPath, type PathJob } from "./critical-path.ts";

type Edge = readonly [from: number, to: number];

const job = (startedMs?: number, endedMs?: number, blocked = false): PathJob => ({
  startedMs,
  endedMs,
  blocked,
});

function stepsOf(jobs: readonly PathJob[], edges: readonly Edge[]): number[] {
  const path = new CriticalPath();
  for (const one of jobs) path.addJob(one);
  for (const [from, to] of edges) path.addEdge(from, to);
  return path.steps();
}

/** Every chain that runs backwards along edges by the rule, tried one after the other. */
function byBruteForce(jobs: readonly PathJob[], edges: readonly Edge[]): number[] {
  const end = (index: number) => jobs[index]?.endedMs ?? Number.POSITIVE_INFINITY;
  const chainTo = (index: number): number[] => {
    const [before] = edges
      .filter(([from, to]) => to === index && Number.isFinite(end(from)) && end(from) <= end(to))
      .map(([from]) => from)
      .sort((a, b) => end(b) - end(a) || a - b);
    return before === undefined ? [index] : [...chainTo(before), index];
  };
  const chains = [...jobs.keys()].filter((index) => !jobs[index]?.blocked).map(chainTo);
  const last = (chain: readonly number[]) => chain.at(-1) as number;
  const unfinished = chains.filter((chain) => end(last(chain)) === Number.POSITIVE_INFINITY);
  const since = (chain: readonly number[]) => {
    const before = chain.at(-2);
    return before === undefined ? Number.NEGATIVE_INFINITY : end(before);
  };
  const idle = (chain: readonly number[]) => (jobs[last(chain)]?.startedMs === undefined ? 1 : 0);
  const less = (a: number, b: number) => (a === b ? 0 : a < b ? -1 : 1);
  const ranked =
    unfinished.length > 0
      ? unfinished.sort((a, b) => b.length - a.length || less(since(a), since(b)))
      : chains.sort((a, b) => end(last(b)) - end(last(a)) || idle(a) - idle(b));
  return ranked[0] ?? [];
}

describe("CriticalPath", () => {
  it("goes back along the parent that ended last", () => {
    const jobs = [job(0, 10), job(0, 30), job(10, 12), job(30, 35)];
    const edges: Edge[] = [
      [0, 2],
      [0, 3],
      [1, 3],
      [2, 3],
    ];
    expect(stepsOf(jobs, edges)).toEqual([1, 3]);
    expect(stepsOf([], [])).toEqual([]);
    expect(stepsOf([job(0, 5)], [])).toEqual([0]);
  });

  it("ends with what is under way, where the way is longest", () => {
    const jobs = [job(0, 10), job(5), job(12), job(undefined, undefined, true)];
    const edges: Edge[] = [
      [0, 2],
      [2, 3],
      [1, 3],
    ];
    expect(stepsOf(jobs, edges)).toEqual([0, 2]);
  });

  it("ends with what failed, not with what was cancelled for it", () => {
    expect(stepsOf([job(undefined, 9), job(0, 9)], [[1, 0]])).toEqual([1]);
  });

  it("does not go by a parent that ran again after the job had ended", () => {
    const jobs = [job(1, 9), job(20, 30), job(10, 12)];
    const edges: Edge[] = [
      [0, 2],
      [1, 2],
    ];
    expect(stepsOf(jobs, edges)).toEqual([1]);
    expect(stepsOf([job(1, 9), job(20, 30), job(31, 40)], edges)).toEqual([1, 2]);
  });

  it("takes a chain of any length", () => {
    const jobs = Array.from({ length: 5_000 }, (_, index) => job(index, index + 1));
    const edges = jobs.slice(1).map((_, index): Edge => [index, index + 1]);
    expect(stepsOf(jobs, edges)).toEqual([...jobs.keys()]);
  });

  it("finds what trying everything finds", () => {
    const moment = fc.option(fc.nat(12), { nil: undefined });
    const graph = fc.integer({ min: 1, max: 9 }).chain((size) =>
      fc.record({
        jobs: fc.array(fc.record({ startedMs: moment, endedMs: moment, blocked: fc.boolean() }), {
          minLength: size,
          maxLength: size,
        }),
        pairs: fc.uniqueArray(fc.tuple(fc.nat(size - 1), fc.nat(size - 1)), {
          minLength: Math.min(size, 5),
          maxLength: 25,
          selector: ([a, b]) => `${a}-${b}`,
        }),
        order: fc.shuffledSubarray([...Array(size).keys()], { minLength: size }),
      }),
    );
    let long = 0;
    fc.assert(
      fc.property(graph, ({ jobs, pairs, order }) => {
        // Edges go forwards in an order that is not that of the positions.
        const edges = pairs
          .filter(([a, b]) => a < b)
          .map(([a, b]): Edge => [order[a] as number, order[b] as number]);
        // Who comes later mostly ends later, or there would be no long ways.
        const sound = jobs.map(({ startedMs, endedMs, blocked }, index) => ({
          startedMs,
          endedMs: endedMs === undefined ? undefined : endedMs + 4 * order.indexOf(index),
          blocked: blocked && endedMs === undefined,
        }));
        const steps = stepsOf(sound, edges);
        if (steps.length > 2) long++;
        expect(steps).toEqual(byBruteForce(sound, edges));
      }),
      { numRuns: 2_000 },
    );
    expect(long).toBeGreaterThan(100);
  });
});
