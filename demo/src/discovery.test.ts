import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { discover } from "./discovery.ts";
import { sha256 } from "./manifest-files.ts";
import { FIXTURES, temporaryFolder } from "./testing/fixtures.ts";

function tree(files: Record<string, string>): string {
  const root = temporaryFolder();
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    writeFileSync(path.join(root, name), content);
  }
  return root;
}

const pathsOf = async (root: string) =>
  (await discover(root)).manifests.map((manifest) => manifest.files.map((file) => file.path));

test("every kind is found in the order of the paths, what belongs together once", async () => {
  const root = tree({
    "b/go.sum": "",
    "b/go.mod": "module b",
    "a/package-lock.json": "{}",
    "Cargo.lock": "",
    "py/pyproject.toml": "",
    "py/requirements-dev.txt": "-r base.txt",
    "py/base.txt": "",
    "net/A.csproj": "<Project/>",
    "net/B.csproj": "<Project/>",
    "locked/C.csproj": "<Project/>",
    "locked/packages.lock.json": "{}",
    "package.json": "{}",
    "my-requirements.txt": "",
  });
  expect(await pathsOf(root)).toEqual([
    ["Cargo.lock"],
    ["a/package-lock.json"],
    ["b/go.mod", "b/go.sum"],
    ["locked/C.csproj", "locked/packages.lock.json"],
    ["net/A.csproj"],
    ["net/B.csproj"],
    ["py/pyproject.toml"],
    ["py/requirements-dev.txt", "py/base.txt"],
  ]);
});

test("folders of other people's code are left out and counted", async () => {
  const root = tree({
    "node_modules/a/package-lock.json": "{}",
    "x/node_modules/a/package-lock.json": "{}",
    ".git/Cargo.lock": "",
    "go/vendor/v/go.mod": "",
    "Cargo.lock": "",
  });
  const { manifests, skipped } = await discover(root);
  expect(manifests.map((manifest) => manifest.path)).toEqual(["Cargo.lock"]);
  expect([...skipped]).toEqual([
    [".git", 1],
    ["node_modules", 2],
    ["vendor", 1],
  ]);
});

test("symlinks to files and folders are not followed", async () => {
  const root = tree({ "real/Cargo.lock": "" });
  symlinkSync(path.join(root, "real"), path.join(root, "linked"));
  symlinkSync(path.join(root, "real/Cargo.lock"), path.join(root, "Cargo.lock"));
  symlinkSync(root, path.join(root, "real/loop"));
  expect(await pathsOf(root)).toEqual([["real/Cargo.lock"]]);
});

test("a folder whose name is a manifest's is no manifest", async () => {
  expect(await pathsOf(tree({ "go.mod/requirements.txt": "" }))).toEqual([
    ["go.mod/requirements.txt"],
  ]);
});

test("files carry digest and size", async () => {
  const [manifest] = (await discover(tree({ "go.mod": "module a\n" }))).manifests;
  const bytes = Buffer.from("module a\n");
  expect(manifest?.files).toEqual([
    { path: "go.mod", sha256: sha256(bytes), sizeBytes: bytes.length },
  ]);
});

test("the order in which folders are listed does not show", async () => {
  const shuffled = await discover(FIXTURES, async (folder) => {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.reverse();
  });
  expect(shuffled).toEqual(await discover(FIXTURES));
});

test("a folder that cannot be read is an error, not a hole", async () => {
  await expect(
    discover(tree({ "a/go.mod": "" }), async (folder) => {
      if (folder.endsWith("a")) throw new Error("EACCES: permission denied");
      return readdir(folder, { withFileTypes: true });
    }),
  ).rejects.toThrow("EACCES");
});
