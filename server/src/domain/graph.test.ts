import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Dependency, edgeEffect, findGraphFaults, type GraphJob } from "./graph.ts";

const on = (name: string, over: Partial<Dependency> = {}): Dependency => ({
  name,
  condition: "success",
  onFailure: "cancel",
  includeFanOut: false,
  ...over,
});

const job = (name: string, ...parents: (string | Dependency)[]): GraphJob => ({
  name,
  dependsOn: parents.map((parent) => (typeof parent === "string" ? on(parent) : parent)),
});

const cycleOf = (jobs: GraphJob[]) =>
  findGraphFaults(jobs).flatMap((fault) => (fault.kind === "cycle" ? [fault.names] : []))[0];

describe("findGraphFaults", () => {
  it("finds nothing in a DAG", () => {
    expect(findGraphFaults([job("a"), job("b", "a"), job("c", "a", "b")])).toEqual([]);
  });

  it("finds everything at once, each with its path", () => {
    const faults = findGraphFaults([
      job("a", "nobody"),
      job("a"),
      job("b", "a", "a"),
      job("c", "c"),
    ]);
    expect(faults).toEqual([
      { kind: "duplicate_name", path: "jobs[1].name", name: "a" },
      { kind: "unknown_job", path: "jobs[0].depends_on[0].name", from: "nobody", to: "a" },
      { kind: "repeated_edge", path: "jobs[2].depends_on[1].name", from: "a", to: "b" },
      { kind: "cycle", path: "jobs[3].depends_on", names: ["c", "c"] },
      { kind: "unreachable", path: "jobs[2].depends_on", name: "b", from: "a" },
    ]);
  });

  it("takes jobs that are there already for known", () => {
    expect(findGraphFaults([job("b", "a")], new Set(["a"]))).toEqual([]);
    expect(findGraphFaults([job("b", "a")], new Set(["c"]))).toMatchObject([
      { kind: "unknown_job", from: "a", to: "b" },
    ]);
  });

  it("names all that can never start behind a cycle or an unknown job, and nothing before", () => {
    const faults = findGraphFaults([
      job("before"),
      job("x", "y", "before"),
      job("y", "x"),
      job("behind", "y", "before"),
      job("bridge", "x"),
      job("p", "bridge", "q"),
      job("q", "p"),
      job("further", on("behind", { condition: "completion" })),
      job("lost", "nobody"),
      job("last", "lost"),
    ]);
    const unreachable = faults.flatMap((fault) =>
      fault.kind === "unreachable" ? [[fault.name, fault.from]] : [],
    );
    // "bridge" leads from one cycle to another: part of the knot, told with it.
    expect(unreachable).toEqual([
      ["behind", "y"],
      ["further", "behind"],
      ["last", "lost"],
    ]);
  });

  it("finds a job that needs another to succeed and to fail, however far away", () => {
    const failed = on("a", { condition: "failure" });
    const split = [job("a"), job("good", "a"), job("bad", failed)];
    expect(findGraphFaults([...split, job("both", "good", "bad")])).toEqual([
      { kind: "contradiction", path: "jobs[3].depends_on", name: "both", of: "a" },
    ]);
    expect(findGraphFaults([...split, job("x", "good"), job("y", "x", "bad")])).toHaveLength(1);
  });

  it("does not call impossible what can still happen", () => {
    const failed = on("a", { condition: "failure" });
    const split = [job("a"), job("good", "a"), job("bad", failed)];
    for (const over of [{ condition: "completion" }, { onFailure: "continue" }] as const) {
      expect(findGraphFaults([...split, job("join", on("good", over), "bad")])).toEqual([]);
    }
    // Held after the failure; after a retry of "a" both can be true.
    const held = [job("a"), job("good", on("a", { onFailure: "hold" })), job("bad", failed)];
    expect(findGraphFaults([...held, job("both", "good", "bad")])).toEqual([]);
  });

  it("names the shortest of several cycles in the order of execution", () => {
    const long = [job("p", "s"), job("q", "p"), job("r", "q"), job("s", "r")];
    expect(cycleOf([...long, job("x", "z"), job("y", "x"), job("z", "y")])).toEqual([
      "x",
      "y",
      "z",
      "x",
    ]);
  });

  it("agrees with a model: a cycle is named exactly when no order exists", () => {
    const edges = fc.array(fc.tuple(fc.nat(7), fc.nat(7)), { maxLength: 16 });
    fc.assert(
      fc.property(edges, (pairs) => {
        const unique = [...new Set(pairs.map(([from, to]) => `${from}>${to}`))];
        const jobs = Array.from({ length: 8 }, (_, n) =>
          job(
            `${n}`,
            ...unique.filter((e) => e.endsWith(`>${n}`)).map((e) => e.split(">")[0] ?? ""),
          ),
        );
        const cycle = cycleOf(jobs);
        const reach = transitiveClosure(unique.map((e) => e.split(">").map(Number)));
        const cyclic = reach.some((row, n) => row[n]);
        expect(cycle !== undefined).toBe(cyclic);
        for (let i = 1; i < (cycle?.length ?? 0); i++) {
          expect(unique).toContain(`${cycle?.[i - 1]}>${cycle?.[i]}`);
        }
      }),
    );
  });

  it("answers a dense graph of the largest request quickly enough to finish", () => {
    const names = Array.from({ length: 1000 }, (_, n) => `job-${n}`);
    const jobs = names.map((name, n) => job(name, ...names.slice(0, n)));
    expect(findGraphFaults([...jobs, job("x", "y"), job("y", "x")])).toHaveLength(1);
  });
});

/** Floyd and Warshall's. */
function transitiveClosure(edges: readonly (readonly number[])[]): boolean[][] {
  const reach = Array.from({ length: 8 }, (_, from) =>
    Array.from({ length: 8 }, (_, to) => edges.some(([f, t]) => f === from && t === to)),
  );
  for (let k = 0; k < 8; k++)
    for (let i = 0; i < 8; i++)
      for (let j = 0; j < 8; j++) {
        const row = reach[i] as boolean[];
        row[j] ||= (row[k] && reach[k]?.[j]) ?? false;
      }
  return reach;
}

describe("edgeEffect", () => {
  it.each([
    ["success", "cancel", ["met", "cancel", "skip"]],
    ["success", "hold", ["met", "none", "skip"]],
    ["success", "continue", ["met", "met", "met"]],
    ["completion", "cancel", ["met", "met", "met"]],
    ["failure", "cancel", ["skip", "met", "skip"]],
  ] as const)("along %s/%s: %j for success, failure and skip", (condition, onFailure, effects) => {
    const ends = ["succeeded", "failed", "skipped"] as const;
    expect(ends.map((end) => edgeEffect({ condition, onFailure }, end))).toEqual(effects);
  });
});
