import { expect, test } from "vitest";
import { ArtifactRef, decodeJson, encodePayload, encodeResult } from "./payload.ts";

test("bytes stay, artifacts are named, the rest is JSON", () => {
  const bytes = new Uint8Array([0, 255]);
  expect(encodePayload(bytes)).toMatchObject({
    payload: bytes,
    payloadMediaType: "application/octet-stream",
  });
  const digest = `sha256:${"0".repeat(64)}`;
  expect(encodePayload(new ArtifactRef(digest))).toMatchObject({ payloadArtifact: digest });
  // Only an ArtifactRef names an artifact: an object with a digest is data.
  const encoded = encodePayload({ digest });
  expect(encoded).toMatchObject({ payloadMediaType: "application/json", payloadArtifact: "" });
  expect(decodeJson(encoded.payload)).toEqual({ digest });
  expect(encodePayload(undefined).payload).toHaveLength(0);
  expect(decodeJson(encodePayload(null).payload)).toBeNull();
});

test("what JSON cannot carry is refused, not guessed", () => {
  expect(() => encodePayload({ count: 1n })).toThrow(TypeError);
  expect(() => encodeResult(() => {})).toThrow(TypeError);
  expect(encodeResult(undefined)).toHaveLength(0);
});
