import { expect, test } from "vitest";
import { at, scanOnly } from "../testing/fixtures.ts";
import { scanPackageLock } from "./npm.ts";

const LOCK = "local:package-lock.json";
const scanText = (lock: object) =>
  scanPackageLock("package-lock.json", new Map([["package-lock.json", JSON.stringify(lock)]]));

test("workspaces are projects that the root depends on", async () => {
  const inventory = await scanOnly("npm-workspaces");
  expect(at(inventory, LOCK)).toMatchObject({
    type: "application",
    name: "storefront",
    version: "2.1.0",
    dependsOn: [`${LOCK}#packages/api`, `${LOCK}#packages/web`, "pkg:npm/typescript@5.9.3"],
  });
  // A workspace that is asked for through its link is the same component.
  expect(at(inventory, `${LOCK}#packages/web`).dependsOn).toContain(`${LOCK}#packages/api`);
});

test("a dependency is looked up as Node does, the nearest node_modules first", async () => {
  const inventory = await scanOnly("npm-workspaces");
  expect(at(inventory, `${LOCK}#packages/api`).dependsOn).toContain("pkg:npm/react-is@17.0.2");
  expect(at(inventory, `${LOCK}#packages/web`).dependsOn).toContain("pkg:npm/react-is@18.3.1");
});

test("an alias is the package that it stands for", async () => {
  const inventory = await scanOnly("npm-workspaces");
  expect(at(inventory, "pkg:npm/react-is@16.13.1").name).toBe("react-is");
});

test("the integrity becomes a SHA-512 in hexadecimal", async () => {
  const typescript = at(await scanOnly("npm-workspaces"), "pkg:npm/typescript@5.9.3");
  const base64 =
    "jl1vZzPDinLr9eUt3J/t7V6FgNEw9QjvBPdysz9KfQDD41fQrC2Y4vKQdiaUpFT4bXlb1RHhLpp8wtm6M5TgSw==";
  const content = Buffer.from(base64, "base64").toString("hex");
  expect(typescript.hashes).toEqual([{ alg: "SHA-512", content }]);
});

test("use, licence and install scripts are kept", async () => {
  const inventory = await scanOnly("npm-workspaces");
  expect(at(inventory, "pkg:npm/typescript@5.9.3")).toMatchObject({
    use: "development",
    licence: "Apache-2.0",
  });
  expect(at(inventory, "pkg:npm/fsevents@2.3.3")).toMatchObject({
    use: "optional",
    properties: [{ name: "stellaops:npm:installScript", value: "true" }],
  });
});

test("a git dependency keeps where it comes from", async () => {
  const { components } = await scanOnly("npm-workspaces");
  const fork = components.find((component) => component.name === "left-pad-fork");
  expect(fork?.purl).toContain("vcs_url=git%2Bssh%3A%2F%2Fgit%40github.com");
});

test("tokens in URLs do not reach the component list", () => {
  const { components } = scanText({
    lockfileVersion: 3,
    packages: {
      "": { name: "app", dependencies: { a: "1" } },
      "node_modules/a": {
        version: "1.0.0",
        resolved: "https://user:s3cret@example.org/a.tar",
      },
    },
  });
  const text = JSON.stringify(components);
  expect(text).toContain("example.org");
  expect(text).not.toContain("s3cret");
});

test("version 1 is a tree, whose top nobody requires is direct", async () => {
  const inventory = await scanOnly("npm-v1");
  expect(at(inventory, LOCK)).toMatchObject({
    name: "old-app",
    dependsOn: ["pkg:npm/mime-types@2.1.35"],
  });
  const mimeTypes = at(inventory, "pkg:npm/mime-types@2.1.35");
  expect(mimeTypes.dependsOn).toEqual(["pkg:npm/mime-db@1.51.0"]);
  expect(at(inventory, "pkg:npm/mime-db@1.52.0").hashes).toHaveLength(1);
});

test("version 2 is read by its packages, once", async () => {
  const inventory = await scanOnly("npm-v2");
  expect(inventory.components.map((component) => component.ref)).toEqual([
    LOCK,
    "pkg:npm/ms@2.1.3",
  ]);
});

test.each([
  [{}, "lockfileVersion is missing"],
  [{ lockfileVersion: 9 }, "lockfileVersion is 9"],
  [{ lockfileVersion: 3 }, "packages should be an object, not missing"],
  [{ lockfileVersion: 3, packages: [] }, "packages should be an object, not a list"],
  [{ lockfileVersion: 3, packages: { "node_modules/a": 1 } }, "should be an object"],
  [
    { lockfileVersion: 3, packages: { "node_modules/a": { version: 1 } } },
    'packages["node_modules/a"].version should be a text, not a number',
  ],
  [
    { lockfileVersion: 3, packages: { "node_modules/a": { integrity: "sha512-short" } } },
    "is not an integrity: sha512-short",
  ],
])("%j is refused", (lock, message) => {
  expect(() => scanText(lock)).toThrow(message);
});
