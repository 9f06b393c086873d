import path from "node:path";
import { expect, test } from "vitest";
import { discover } from "../discovery.ts";
import { scan } from "../handlers/scan.ts";
import { ManifestError } from "../manifest-error.ts";
import { FIXTURES } from "../testing/fixtures.ts";

const ROOT = path.join(FIXTURES, "malformed");

test.each([
  ["npm/package-lock.json", 5],
  ["npm-cut/package-lock.json", 3],
  ["go/go.mod", 6],
  ["go-sum/go.sum", 2],
  ["cargo/Cargo.lock", 5],
  ["requirements/requirements.txt", 2],
  ["pyproject/pyproject.toml", 5],
  ["nuget/Broken.csproj", 4],
  ["nuget-lock/packages.lock.json", 3],
])("%s is refused with the line of its fault", async (file, line) => {
  const { manifests } = await discover(ROOT);
  const manifest = manifests.find((found) => found.path === file);
  if (manifest === undefined) throw new Error(`${file} was not discovered`);
  const { kind, files } = manifest;
  const fault = await scan(ROOT, { kind, manifest: file, files }).catch((e: unknown) => e);
  expect(fault).toBeInstanceOf(ManifestError);
  if (!(fault instanceof ManifestError)) return;
  expect(fault.file).toBe(file);
  // V8 blames the empty line after a text that was cut off, or the last one, by version.
  expect(Math.abs((fault.line ?? 0) - line)).toBeLessThanOrEqual(file.includes("cut") ? 1 : 0);
  expect(fault.message).toMatch(new RegExp(`^${file.replaceAll(".", "\\.")}:\\d+: \\S`));
});
