import { expect, test } from "vitest";
import { planPools } from "./pools.ts";

const jobTypes = ["a.one", "a.two"];

test("one pool takes everything unless pools are named", () => {
  expect(planPools({ concurrency: 4, jobTypes, queues: ["fast", "fast"] })).toEqual([
    { name: "main", jobTypes, queues: ["fast"], slots: 4 },
  ]);
  const pools = {
    heavy: { concurrency: 1, jobTypes: ["a.one"] },
    light: { concurrency: 9, jobTypes: ["a.two"] },
  };
  expect(planPools({ concurrency: 4, jobTypes, pools }).map(({ slots }) => slots)).toEqual([1, 9]);
});

test("what the server could only refuse is refused here, by name", () => {
  expect(() => planPools({ concurrency: 0, jobTypes })).toThrow(RangeError);
  expect(() => planPools({ concurrency: 1.5, jobTypes })).toThrow(/positive integer/);
  expect(() => planPools({ concurrency: 10_001, jobTypes })).toThrow(/at most/);
  expect(() => planPools({ concurrency: 1, jobTypes: [] })).toThrow(/no job types/);
  const pools = { main: { concurrency: 1, jobTypes: ["a.three"] } };
  expect(() => planPools({ concurrency: 1, jobTypes, pools })).toThrow(/no handler for "a.three"/);
  const many = Array.from({ length: 257 }, (_, index) => `a.job${index}`);
  expect(() => planPools({ concurrency: 1, jobTypes: many })).toThrow(/more than 256/);
});
