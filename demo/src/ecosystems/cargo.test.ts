import { expect, test } from "vitest";
import { at, scanOnly } from "../testing/fixtures.ts";
import { scanCargoLock } from "./cargo.ts";

const LOCK = "local:Cargo.lock";
const scanText = (lock: string) => scanCargoLock("Cargo.lock", new Map([["Cargo.lock", lock]]));

test("version 4: members, two versions of one crate, and other sources", async () => {
  const inventory = await scanOnly("cargo-v4");
  expect(at(inventory, LOCK).dependsOn).toEqual([
    `${LOCK}#indexer-core@0.4.0`,
    `${LOCK}#indexer@0.4.0`,
  ]);
  const indexer = at(inventory, `${LOCK}#indexer@0.4.0`);
  expect(indexer.dependsOn).toContain("pkg:cargo/rand@0.8.5");
  expect(indexer.dependsOn).toContain("pkg:cargo/rand@0.9.0");
  const purls = inventory.components.map((component) => component.purl ?? "");
  expect(purls.find((purl) => purl.includes("tracing"))).toContain("vcs_url=git%2Bhttps");
  expect(purls.find((purl) => purl.includes("internal"))).toContain("repository_url=https");
});

test("version 3: the checksum is the crate's SHA-256", async () => {
  expect(at(await scanOnly("cargo-v3"), "pkg:cargo/cfg-if@1.0.0").hashes).toEqual([
    {
      alg: "SHA-256",
      content: "baf1de4339761588bc0619e3cbc0120ee582ebb74b53b4efbf79117bd2da40fd",
    },
  ]);
});

test("version 1: checksums come from the metadata, names with their source", async () => {
  const inventory = await scanOnly("cargo-v1");
  expect(at(inventory, "pkg:cargo/libc@0.2.50").hashes).toHaveLength(1);
  expect(at(inventory, `${LOCK}#ancient@0.1.0`).dependsOn).toEqual(["pkg:cargo/libc@0.2.50"]);
});

test.each([
  ["version = 9", "lock version 9 is not known"],
  ["package = 1", "package should be a list"],
  ['[[package]]\nname = "a"', "version of a should be a text, not missing"],
  [
    '[[package]]\nname = "a"\nversion = "1.0.0"\ndependencies = ["b"]',
    "a 1.0.0 depends on b, which is not in the file",
  ],
  [
    '[[package]]\nname = "a"\nversion = "1.0.0"\nsource = "registry+x"\nchecksum = "0"',
    "checksum of a is not a SHA-256",
  ],
])("%j is refused", (lock, message) => {
  expect(() => scanText(lock)).toThrow(message);
});
