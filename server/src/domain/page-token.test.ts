import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type PageScope, readPageToken, writePageToken } from "./page-token.ts";

const scope: PageScope = { tenant: "a", list: "jobs", query: { states: ["ready"], queue: "q" } };

describe("a page token", () => {
  it("gives back its position within its scope, however the query is written", () => {
    const token = writePageToken(scope, "position");
    expect(readPageToken(scope, token)).toBe("position");
    const same = { ...scope, query: { queue: "q", states: ["ready"] } };
    expect(readPageToken(same, token)).toBe("position");
  });

  it.each([
    { ...scope, tenant: "b" },
    { ...scope, list: "events" },
    { ...scope, query: { states: ["dead"], queue: "q" } },
    { ...scope, query: {} },
  ])("is nothing in another scope: %o", (other) => {
    expect(readPageToken(other, writePageToken(scope, "position"))).toBeUndefined();
  });

  it("is nothing when a character of it was changed, dropped or added", () => {
    const token = writePageToken(scope, "0198c0de-0000-7000-8000-000000000000");
    for (let index = 0; index < token.length; index++) {
      const other = token[index] === "A" ? "B" : "A";
      const changed = token.slice(0, index) + other + token.slice(index + 1);
      expect(readPageToken(scope, changed)).toBeUndefined();
      const dropped = token.slice(0, index) + token.slice(index + 1);
      expect(readPageToken(scope, dropped)).toBeUndefined();
    }
    expect(readPageToken(scope, `${token}A`)).toBeUndefined();
  });

  it("is empty for the first page and after the last", () => {
    expect(readPageToken(scope, "")).toBe("");
    expect(writePageToken(scope, undefined)).toBe("");
  });

  it("is nothing when it is rubbish", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 100 }), (rubbish) => {
        expect(readPageToken(scope, rubbish)).toBeUndefined();
      }),
    );
  });
});
