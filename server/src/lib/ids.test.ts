import { expect, it } from "vitest";
import { newId, newLeaseTokens } from "./ids.ts";

it("makes ids that are UUIDv7, differ, and are ordered as they were made", () => {
  const before = Date.now();
  const ids = Array.from({ length: 20_000 }, newId);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids).toEqual(ids.toSorted());
  for (const id of [ids[0], ids.at(-1)]) {
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const ms = Number.parseInt((id as string).replace("-", "").slice(0, 12), 16);
    expect(ms).toBeGreaterThanOrEqual(before);
    expect(ms).toBeLessThanOrEqual(Date.now());
  }
});

it("takes an id's randomness once", () => {
  const tails = Array.from({ length: 5_000 }, () => newId().slice(-12));
  expect(new Set(tails).size).toBe(tails.length);
});

it("makes as many tokens as asked for, of 16 characters, all different", () => {
  expect(newLeaseTokens(0)).toEqual([]);
  const tokens = newLeaseTokens(256);
  expect(new Set(tokens).size).toBe(256);
  for (const token of tokens) expect(token).toMatch(/^[A-Za-z0-9_-]{16}$/);
});
