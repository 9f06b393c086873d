import { describe, expect, it } from "vitest";
import type { LaneFilter } from "../app/bridge/ready-queue.ts";
import { PostgresReadyQueue } from "./postgres.ts";

const lane = { tenant: "t", queue: "q", jobType: "a", priority: 0 };
const all: LaneFilter = { queues: new Set(["q"]), jobTypes: new Set(["a", "b"]) };
const at = (minSeq: number) => [{ ...lane, minSeq }];
const took = (...seqs: number[]) => seqs.map((seq) => ({ lane, seq }));

describe("PostgresReadyQueue", () => {
  it("knows nothing of lanes that nobody told about", () => {
    expect(new PostgresReadyQueue().candidates("t", all)).toEqual([]);
  });

  it("looks from the lowest number announced, and from the highest taken", () => {
    const queue = new PostgresReadyQueue();
    queue.ready(at(10));
    const candidates = queue.candidates("t", all);
    expect(candidates).toMatchObject([{ lane, watermark: 9 }]);
    queue.claimed(candidates, took(10, 12), false);
    expect(queue.candidates("t", all)).toMatchObject([{ watermark: 12 }]);
  });

  it("goes to sleep when a claim saw the end, and wakes for what commits late", () => {
    const queue = new PostgresReadyQueue();
    queue.ready(at(10));
    const candidates = queue.candidates("t", all);
    queue.claimed(candidates, took(10), true);
    expect(queue.candidates("t", all)).toEqual([]);
    queue.ready(at(7));
    expect(queue.candidates("t", all)).toMatchObject([{ watermark: 6 }]);
  });

  it("does not overlook what became ready while a claim ran", () => {
    const queue = new PostgresReadyQueue();
    queue.ready(at(10));
    const candidates = queue.candidates("t", all);
    queue.ready(at(5));
    queue.claimed(candidates, took(10), true);
    expect(queue.candidates("t", all)).toMatchObject([{ watermark: 4 }]);
  });

  it("moves on while jobs become ready at the end of the lane all the time", () => {
    const queue = new PostgresReadyQueue();
    queue.ready(at(10));
    const candidates = queue.candidates("t", all);
    queue.ready(at(20));
    queue.claimed(candidates, took(10, 11), true);
    expect(queue.candidates("t", all)).toMatchObject([{ watermark: 11 }]);
  });

  it("forgets a tenant that nobody works for", () => {
    const queue = new PostgresReadyQueue();
    queue.ready(at(10));
    queue.forget("t");
    expect(queue.candidates("t", all)).toEqual([]);
  });

  it("keeps tenants, queues and types apart", () => {
    const queue = new PostgresReadyQueue();
    queue.ready(at(1));
    expect(queue.candidates("other", all)).toEqual([]);
    expect(queue.candidates("t", { ...all, queues: new Set(["r"]) })).toEqual([]);
    expect(queue.candidates("t", { ...all, jobTypes: new Set(["b"]) })).toEqual([]);
  });

  it("finds a lane that it never heard of at the first look", () => {
    const queue = new PostgresReadyQueue();
    queue.discovered("t", at(3));
    expect(queue.candidates("t", all)).toMatchObject([{ watermark: 2 }]);
  });

  it("goes back for a lost announcement at the second look: the first may be a claim", () => {
    const queue = new PostgresReadyQueue();
    queue.ready(at(10));
    queue.claimed(queue.candidates("t", all), took(10), true);
    queue.discovered("t", at(4));
    expect(queue.candidates("t", all)).toEqual([]);
    queue.discovered("t", at(4));
    expect(queue.candidates("t", all)).toMatchObject([{ watermark: 3 }]);
  });

  it("wakes a sleeping lane for work behind its watermark", () => {
    const queue = new PostgresReadyQueue();
    queue.ready(at(10));
    queue.claimed(queue.candidates("t", all), took(10), true);
    queue.discovered("t", at(20));
    expect(queue.candidates("t", all)).toMatchObject([{ watermark: 10 }]);
  });

  it("forgets lanes that are empty", () => {
    const queue = new PostgresReadyQueue();
    queue.ready(at(10));
    queue.claimed(queue.candidates("t", all), took(10), true);
    queue.discovered("t", []);
    queue.discovered("t", at(2));
    expect(queue.candidates("t", all)).toMatchObject([{ watermark: 1 }]);
  });
});
