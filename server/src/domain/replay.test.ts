import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JobState } from "./job-machine.ts";
import { planReplay, type ReplayChoice } from "./replay.ts";

const CHOICE: ReplayChoice = { jobNames: [], includeDownstream: false, rerunUpstream: false };

/** a → b → d, a → c → d; jobs as "name:state", a skipped one as "name:skipped". */
function plan(jobs: string[], edges: string[], over: Partial<ReplayChoice> = {}) {
  const list = jobs.map((job) => {
    const [name = "", state = ""] = job.split(":");
    const skipped = state === "skipped";
    return { name, state: (skipped ? "cancelled" : state) as JobState, skipped };
  });
  const index = (name: string | undefined) => list.findIndex((job) => job.name === name);
  const from = edges.map((edge) => index(edge.split(">")[0]));
  const to = edges.map((edge) => index(edge.split(">")[1]));
  const result = planReplay({ jobs: list, from, to }, { ...CHOICE, ...over });
  if (result.kind !== "plan") return result;
  return Object.fromEntries(
    result.causes.flatMap((cause, at) => (cause === undefined ? [] : [[list[at]?.name, cause]])),
  );
}

const DIAMOND = ["a>b", "a>c", "b>d", "c>d", "d>e"];

describe("planReplay", () => {
  it("runs what did not succeed, skipped ones aside, and reuses what is right before it", () => {
    const jobs = ["a:succeeded", "b:succeeded", "c:dead", "d:cancelled", "e:skipped"];
    expect(plan(jobs, DIAMOND)).toEqual({
      a: "reused",
      b: "reused",
      c: "not_succeeded",
      d: "not_succeeded",
    });
  });

  it("runs a job and everything behind it, or before it", () => {
    const jobs = "abcde".split("").map((name) => `${name}:succeeded`);
    const behind = plan(jobs, DIAMOND, { jobNames: ["b"], includeDownstream: true });
    expect(behind).toEqual({
      ...{ a: "reused", b: "selected", c: "reused", d: "downstream", e: "downstream" },
    });
    const before = plan(jobs, DIAMOND, { jobNames: ["d"], rerunUpstream: true });
    expect(before).toEqual({ a: "upstream", b: "upstream", c: "upstream", d: "selected" });
    expect(plan(jobs, DIAMOND, { jobNames: ["e"] })).toEqual({ d: "reused", e: "selected" });
  });

  it("does not reuse what left nothing", () => {
    expect(plan(["a:dead", "b:succeeded"], ["a>b"], { jobNames: ["b"] })).toEqual({
      b: "selected",
    });
  });

  it("names a job that is not there", () => {
    expect(plan(["a:dead"], [], { jobNames: ["a", "x"] })).toEqual({
      kind: "job_not_found",
      name: "x",
    });
  });

  it("agrees with a fixed point over the edges", () => {
    const graph = fc.array(fc.tuple(fc.nat(9), fc.nat(9)), { maxLength: 25 });
    fc.assert(
      fc.property(graph, fc.nat(9), fc.boolean(), (pairs, chosen, upwards) => {
        const jobs = Array.from({ length: 10 }, (_, at) => `${at}:succeeded`);
        const edges = pairs.map(([a, b]) => `${Math.min(a, b)}>${Math.max(a, b) + 1}`);
        jobs.push("10:succeeded");
        const over = upwards ? { rerunUpstream: true } : { includeDownstream: true };
        const running = new Set([`${chosen}`]);
        for (let size = 0; size !== running.size; ) {
          size = running.size;
          for (const edge of edges) {
            const [from = "", to = ""] = edge.split(">");
            if (running.has(upwards ? to : from)) running.add(upwards ? from : to);
          }
        }
        const found = plan(jobs, edges, { jobNames: [`${chosen}`], ...over });
        const runs = Object.entries(found).filter(([, cause]) => cause !== "reused");
        expect(runs.map(([name]) => name).sort()).toEqual([...running].sort());
      }),
    );
  });
});
