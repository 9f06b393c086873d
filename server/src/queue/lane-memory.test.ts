import { beforeEach, describe, expect, it } from "vitest";
import type { LaneFilter } from "../app/bridge/ready-queue.ts";
import type { Lane } from "../domain/offer.ts";
import { LaneMemory } from "./lane-memory.ts";

const lane: Lane = {
  tenant: "t",
  queue: "q",
  jobType: "a",
  priority: 0,
  source: "",
  concurrencyKey: "",
};
const all: LaneFilter = { queues: new Set(["q"]), jobTypes: new Set(["a", "b"]) };
const at = (minSeq: number, over: Partial<Lane> = {}) => [{ ...lane, ...over, minSeq }];
const took = (...seqs: number[]) => seqs.map((seq) => ({ lane, seq }));

let memory: LaneMemory;

beforeEach(() => {
  memory = new LaneMemory();
  memory.attend("t");
});

const lanes = (filter = all, tenant = "t") =>
  memory.candidates(tenant, filter, 0).map((candidate) => candidate.lane);
const search = () => memory.search({ lane, limit: 5 });

/** Where the next search of the lane begins; undefined: it is not worth one. */
function next(): number | undefined {
  if (lanes().length === 0) return undefined;
  const range = search();
  memory.claimed([range], [], false);
  return range.after;
}

describe("LaneMemory", () => {
  it("knows nothing of lanes that nobody told about", () => {
    expect(lanes()).toEqual([]);
  });

  it("remembers nothing of tenants that nobody works for", () => {
    memory.ready(at(1, { tenant: "other" }));
    expect(lanes(all, "other")).toEqual([]);
    memory.ready(at(1));
    memory.forget("t");
    memory.ready(at(1));
    expect(lanes()).toEqual([]);
  });

  it("looks from the lowest number announced, and from the highest taken", () => {
    memory.ready(at(10));
    const range = search();
    expect(range).toEqual({ lane, after: 9, upTo: Number.MAX_SAFE_INTEGER, limit: 5 });
    memory.claimed([range], took(10, 12), false);
    expect(next()).toBe(12);
  });

  it("lets a lane rest when a claim saw its end, and wakes it for what commits late", () => {
    memory.ready(at(10));
    memory.claimed([search()], took(10), true);
    expect(next()).toBeUndefined();
    memory.ready(at(7));
    expect(next()).toBe(6);
  });

  it("does not overlook what became ready while a claim ran", () => {
    memory.ready(at(10));
    const range = search();
    memory.ready(at(5));
    memory.claimed([range], took(10), true);
    expect(next()).toBe(4);
  });

  it("does not overlook what was announced where the claim began, and taken behind it", () => {
    memory.ready(at(10));
    const range = search();
    memory.ready(at(10));
    memory.claimed([range], took(11), true);
    expect(next()).toBe(9);
  });

  it("moves on while jobs become ready at the end of the lane all the time", () => {
    memory.ready(at(10));
    const range = search();
    memory.ready(at(20));
    memory.claimed([range], took(10, 11), true);
    expect(next()).toBe(11);
  });

  it("goes back for a claim that failed while another went on", () => {
    memory.ready(at(10));
    const [failed, fine] = [search(), search()];
    memory.claimed([fine], took(12, 13), false);
    memory.claimed([failed], [], false);
    expect(next()).toBe(9);
  });

  it("keeps tenants, queues and types apart", () => {
    memory.ready(at(1));
    expect(lanes(all, "other")).toEqual([]);
    expect(lanes({ ...all, queues: new Set(["r"]) })).toEqual([]);
    expect(lanes({ ...all, jobTypes: new Set(["b"]) })).toEqual([]);
  });

  it("finds a lane that it never heard of at the first look", () => {
    memory.discovered("t", at(3));
    expect(next()).toBe(2);
  });

  it("goes back for a lost announcement at the second look: the first may be a claim", () => {
    memory.ready(at(10));
    memory.claimed([search()], took(10), true);
    expect(memory.discovered("t", at(4))).toEqual([]);
    expect(next()).toBeUndefined();
    expect(memory.discovered("t", at(4))).toMatchObject([{ minSeq: 4 }]);
    expect(next()).toBe(3);
  });

  it("wakes a resting lane for work behind its watermark", () => {
    memory.ready(at(10));
    memory.claimed([search()], took(10), true);
    memory.discovered("t", at(20));
    expect(next()).toBe(10);
  });

  it("forgets lanes that are empty", () => {
    memory.ready(at(10));
    memory.claimed([search()], took(10), true);
    memory.discovered("t", []);
    memory.discovered("t", at(2));
    expect(next()).toBe(1);
  });

  it("says how long a lane has waited since it was served or woke up", () => {
    const waited = (nowMs: number) => memory.candidates("t", all, nowMs)[0]?.waitedMs;
    memory.ready(at(10));
    expect([waited(1_000), waited(1_400)]).toEqual([0, 400]);
    memory.claimed([search()], took(10), false);
    expect([waited(1_500), waited(1_600)]).toEqual([0, 100]);
    memory.claimed([search()], [], true);
    expect(waited(1_700)).toBeUndefined();
    memory.ready(at(11));
    expect(waited(9_000)).toBe(0);
  });

  it("searches everywhere after what it relied on is gone", () => {
    memory.ready(at(10));
    memory.claimed([search()], took(10), true);
    memory.rewind();
    expect(next()).toBe(0);
  });
});

describe("LaneMemory with room for two lanes", () => {
  const key = (concurrencyKey: string) => ({ concurrencyKey });
  const keys = () => lanes().map(({ concurrencyKey }) => concurrencyKey);

  beforeEach(() => {
    memory = new LaneMemory(2);
    memory.attend("t");
    memory.ready([...at(1, key("a")), ...at(1, key("b"))]);
  });

  it("forgets one that rests before one that has work", () => {
    const range = memory.search({ lane: { ...lane, concurrencyKey: "b" }, limit: 1 });
    memory.claimed([range], [], true);
    memory.ready(at(1, key("c")));
    expect(keys().length).toBe(2);
    expect(keys()).toContain("c");
  });

  it("keeps the one that was served lately, and finds the other again at a look", () => {
    const served = { ...lane, concurrencyKey: "a" };
    const range = memory.search({ lane: served, limit: 1 });
    memory.claimed([range], [{ lane: served, seq: 1 }], false);
    memory.ready(at(1, key("c")));
    expect(keys().toSorted()).toEqual(["a", "c"]);
    memory.discovered("t", at(1, key("b")));
    expect(keys()).toContain("b");
  });
});
