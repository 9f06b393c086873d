import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { contentHash } from "./digest.ts";

it("hashes canonical JSON: keys in order, moments as texts, nothing for what is undefined", () => {
  const said = { z: [1, { b: null, a: "ü" }], at: new Date(0), none: undefined };
  const canonical = '{"at":"1970-01-01T00:00:00.000Z","z":[1,{"a":"ü","b":null}]}';
  expect(contentHash(said)).toEqual(createHash("sha256").update(canonical).digest());
});
