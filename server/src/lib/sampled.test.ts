import { describe, expect, it } from "vitest";
import { sampled } from "./sampled.ts";

describe("sampled", () => {
  it("looks once for everybody until the answer is too old", async () => {
    let now = 0;
    let looks = 0;
    const ask = sampled(
      async () => ++looks,
      100,
      () => now,
    );
    expect(await Promise.all([ask(), ask()])).toEqual([1, 1]);
    now = 99;
    expect(await ask()).toBe(1);
    now = 100;
    expect(await ask()).toBe(2);
  });

  it("shares a look that takes longer than its answer is good for", async () => {
    let now = 0;
    let looks = 0;
    const gate = Promise.withResolvers<void>();
    const look = async () => {
      looks++;
      await gate.promise;
      return looks;
    };
    const ask = sampled(look, 100, () => now);
    const first = ask();
    now = 1_000;
    const second = ask();
    gate.resolve();
    expect(await Promise.all([first, second])).toEqual([1, 1]);
    now = 1_050;
    expect(await ask()).toBe(1);
  });

  it("tells of a failure and looks again", async () => {
    let looks = 0;
    const look = async () => {
      if (++looks === 1) throw new Error("away");
      return looks;
    };
    const ask = sampled(look, 100, () => 0);
    await expect(ask()).rejects.toThrow("away");
    expect(await ask()).toBe(2);
  });
});
