import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { ManifestError } from "./manifest-error.ts";
import {
  decodeManifest,
  ManifestChangedError,
  readManifestFile,
  readVerified,
  sha256,
} from "./manifest-files.ts";
import { temporaryFolder } from "./testing/fixtures.ts";

test("what is scanned is what was discovered", async () => {
  const root = temporaryFolder();
  const file = { path: "go.mod", sha256: sha256(Buffer.from("module a")), sizeBytes: 8 };
  writeFileSync(path.join(root, "go.mod"), "module a");
  expect((await readVerified(root, [file])).get("go.mod")).toBe("module a");
  writeFileSync(path.join(root, "go.mod"), "module b");
  await expect(readVerified(root, [file])).rejects.toThrow("changed since it was discovered");
  const gone = readVerified(root, [{ ...file, path: "gone.mod" }]);
  await expect(gone).rejects.toBeInstanceOf(ManifestChangedError);
});

test("a payload cannot name a file outside of the scanned folder", async () => {
  const outer = temporaryFolder();
  const root = path.join(outer, "root");
  mkdirSync(path.join(root, "sub"), { recursive: true });
  writeFileSync(path.join(outer, "secret"), "s");
  symlinkSync(outer, path.join(root, "out"));
  symlinkSync(path.join(outer, "secret"), path.join(root, "link"));
  for (const name of ["../secret", "sub/../../secret", "out/secret"])
    await expect(readManifestFile(root, name)).rejects.toBeInstanceOf(ManifestError);
  await expect(readManifestFile(root, "link")).rejects.toThrow("ELOOP");
});

test.skipIf(process.platform === "win32")("a pipe does not hang the scan", async () => {
  const root = temporaryFolder();
  execFileSync("mkfifo", [path.join(root, "go.mod")]);
  await expect(readManifestFile(root, "go.mod")).rejects.toThrow("is not a plain file");
});

test("UTF-8, with and without a mark, and marked UTF-16 are text; other bytes are refused", () => {
  expect(decodeManifest("a", Buffer.from("\ufeffé"))).toBe("é");
  expect(decodeManifest("a", Buffer.from("\ufeffé", "utf16le"))).toBe("é");
  expect(() => decodeManifest("a", Buffer.from([0xc3, 0x28]))).toThrow("a: is not UTF-8 text");
});
