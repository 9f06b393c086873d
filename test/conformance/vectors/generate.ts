/**
 * Writes artifacts.json: sizes around the contract's chunk, and their digests. Run once; the file
 * is checked in and every SDK must agree with it.
 * `node --conditions=source test/conformance/vectors/generate.ts`
 */
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { digestOf, generatedBytes } from "../runner/values.ts";

const MIB = 2 ** 20;
const sizes = [0, 1, MIB - 1, MIB, MIB + 1, 64 * MIB];

const artifacts = sizes.map((size, index) => {
  const seed = index + 1;
  return { size, seed, digest: digestOf(generatedBytes(size, seed)) };
});
const about =
  "Bytes are the high bytes of x <- 1664525 x + 1013904223 mod 2^32 begun at seed, repeated " +
  "after 65521 bytes; digests are SHA-256.";
const folder = dirname(fileURLToPath(import.meta.url));
const file = join(folder, "artifacts.json");
writeFileSync(file, `${JSON.stringify({ about, artifacts }, undefined, 2)}\n`);
