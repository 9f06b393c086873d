import { expect, test } from "vitest";
import type { Inventory } from "../component.ts";
import { discover } from "../discovery.ts";
import { merge } from "../handlers/merge.ts";
import { inventoryBytes, scan } from "../handlers/scan.ts";
import { copyOf, scanFixture } from "../testing/fixtures.ts";
import { sbomBytes, sbomDocument } from "./document.ts";
import { licenceChoice } from "./licences.ts";
import { SbomInvalidError, validateSbom } from "./validate.ts";

const GOOD = [
  ...["npm-workspaces", "npm-v1", "npm-v2", "go", "go-old", "go-sum-alone"],
  ...["cargo-v1", "cargo-v3", "cargo-v4", "requirements", "pyproject-pep621"],
  ...["pyproject-poetry", "nuget-lock", "nuget-project", "nuget-central"],
];

const all = async (): Promise<Inventory[]> => (await Promise.all(GOOD.map(scanFixture))).flat();

test.each(GOOD)("%s becomes a valid CycloneDX 1.6 document", async (name) => {
  const { result, bytes } = await merge(await scanFixture(name));
  expect(result.components).toBeGreaterThan(1);
  expect(JSON.parse(Buffer.from(bytes).toString())).toMatchObject({ specVersion: "1.6" });
});

test("all together is valid, each ref once, every edge leads to a component", async () => {
  const document = sbomDocument(await all());
  await validateSbom(sbomBytes(document));
  const refs = document.components.map((component) => component["bom-ref"]);
  expect(new Set(refs).size).toBe(refs.length);
  const known = new Set([...refs, "root"]);
  for (const { ref, dependsOn } of document.dependencies)
    for (const target of [ref, ...(dependsOn ?? [])]) expect(known).toContain(target);
});

test("the order of the scans does not show", async () => {
  const inventories = await all();
  const forward = sbomBytes(sbomDocument(inventories));
  const backward = sbomBytes(sbomDocument(inventories.toReversed()));
  expect(Buffer.compare(forward, backward)).toBe(0);
});

test("two checkouts in different folders make the same bytes", async () => {
  const made = await Promise.all(
    [copyOf("npm-workspaces"), copyOf("npm-workspaces")].map(async (root) => {
      const { manifests } = await discover(root);
      const inventories = await Promise.all(
        manifests.map((m) => scan(root, { kind: m.kind, manifest: m.path, files: m.files })),
      );
      expect(Buffer.from(inventoryBytes(inventories[0] as Inventory)).toString()).not.toContain(
        root,
      );
      return Buffer.from((await merge(inventories)).bytes).toString();
    }),
  );
  expect(made[0]).toBe(made[1]);
  expect(made[0]).not.toMatch(/orch-demo-/);
});

test("another content has another serial number", async () => {
  const npm = sbomDocument(await scanFixture("npm-v2"));
  const cargo = sbomDocument(await scanFixture("cargo-v3"));
  expect(npm.serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5/);
  expect(npm.serialNumber).not.toBe(cargo.serialNumber);
});

test("one package of two manifests is one component, found in both, with the strongest use", () => {
  const component = {
    ref: "pkg:npm/ms@2.1.3",
    purl: "pkg:npm/ms@2.1.3",
    type: "library",
    name: "ms",
    hashes: [],
    properties: [],
  } as const;
  const from = (manifest: string, use: "required" | "development", dependsOn: string[]) => ({
    ecosystem: "npm" as const,
    manifest,
    project: `local:${manifest}`,
    components: [{ ...component, use, dependsOn }],
    warnings: [],
  });
  const { components, dependencies } = sbomDocument([
    from("b/package-lock.json", "development", ["pkg:npm/b@1.0.0"]),
    from("a/package-lock.json", "required", ["pkg:npm/a@1.0.0"]),
  ]);
  expect(components).toHaveLength(1);
  expect(components[0]).toMatchObject({
    scope: "required",
    evidence: {
      occurrences: [{ location: "a/package-lock.json" }, { location: "b/package-lock.json" }],
    },
  });
  expect(dependencies).toContainEqual({
    ref: "pkg:npm/ms@2.1.3",
    dependsOn: ["pkg:npm/a@1.0.0", "pkg:npm/b@1.0.0"],
  });
});

test("licences become SPDX ids, expressions or names", () => {
  expect(licenceChoice("MIT")).toEqual({ license: { id: "MIT" } });
  expect(licenceChoice("mit")).toEqual({ license: { id: "MIT" } });
  expect(licenceChoice("(MIT OR Apache-2.0)")).toEqual({ expression: "(MIT OR Apache-2.0)" });
  expect(licenceChoice("SEE LICENSE IN X")).toEqual({ license: { name: "SEE LICENSE IN X" } });
});

test("a document that does not fit the schema is refused", async () => {
  const wrong = Buffer.from('{"bomFormat":"CycloneDX","specVersion":"1.6","version":"one"}');
  await expect(validateSbom(wrong)).rejects.toBeInstanceOf(SbomInvalidError);
});

test("a fault is found wherever it is, and what is there twice", async () => {
  const component = (n: number) => ({ type: "library", name: `n${n}`, "bom-ref": `ref${n}` });
  const many = Array.from({ length: 1_000 }, (_, n) => component(n));
  const bytes = (components: readonly object[]) =>
    Buffer.from(
      JSON.stringify({ bomFormat: "CycloneDX", specVersion: "1.6", version: 1, components }),
    );
  await validateSbom(bytes(many));
  const wrong = validateSbom(bytes([...many, { ...component(1_000), scope: "sometimes" }]));
  await expect(wrong).rejects.toThrow(SbomInvalidError);
  const twice = validateSbom(bytes([...many, component(3)]));
  await expect(twice).rejects.toThrow("ref3 is there twice");
});
