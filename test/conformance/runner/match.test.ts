import { describe, expect, it } from "vitest";
import { mismatch } from "./match.ts";

const fault = (actual: unknown, wanted: unknown) =>
  mismatch(actual as never, wanted as never, new Map());

describe("what a scenario wants", () => {
  it("matches objects in part and lists as a whole", () => {
    expect(fault({ a: 1, b: 2 }, { a: 1 })).toBeUndefined();
    expect(fault({ a: [1, 2] }, { a: [1] })).toContain("2 items");
    expect(fault({ a: [{ b: 1 }] }, { a: [{ b: 2 }] })).toBe("a [0] b is 1, not 2");
  });

  it("takes what protobuf JSON leaves out for what it means", () => {
    expect(fault({}, { a: 0, b: "", c: false, d: [] })).toBeUndefined();
    expect(fault({}, { a: 1 })).toContain("absent");
    expect(fault({ a: "3" }, { a: 3 })).toBeUndefined();
  });

  it("has operators that must all hold", () => {
    expect(fault("1.500s", { $gte: 1, $lte: 2 })).toBeUndefined();
    expect(fault(3, { $gte: 1, $lte: 2 })).toContain("<=");
    expect(fault([{ a: 1 }, { a: 2 }], { $size: 2, $contains: [{ a: 2 }] })).toBeUndefined();
    expect(fault([{ a: 1 }], { $contains: [{ a: 2 }] })).toContain("has no");
    expect(fault("x", { $absent: true })).toContain("not absent");
    expect(fault(undefined, { $present: true })).toBe("is absent");
    expect(fault("b", { $oneOf: ["a", "b"] })).toBeUndefined();
    expect(fault("a", { $not: "a" })).toBe('is "a"');
    expect(fault("abc", { $regex: "^b" })).toContain("does not match");
    expect(fault('{"b":1,"a":[2]}', { $parsed: { a: [2], b: 1 } })).toBeUndefined();
    expect(fault(btoa('{"a":2}'), { $parsed: { a: 2 } })).toBeUndefined();
    expect(fault(btoa('{"a":2}'), { $parsed: { a: 3 } })).toContain("a is 2, not 3");
    expect(fault("not JSON", { $parsed: { a: 3 } })).toContain("a is absent");
  });

  it("remembers what a scenario names", () => {
    const variables = new Map();
    expect(mismatch({ id: "7" }, { id: { $as: "id" } }, variables)).toBeUndefined();
    expect(variables.get("id")).toBe("7");
  });
});
