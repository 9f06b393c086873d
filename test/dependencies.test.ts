import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT } from "./tidy/source-file.ts";

const PACKAGES = [".", "server", "sdk-ts", "demo", "bench"];
const KINDS = ["dependencies", "devDependencies", "optionalDependencies"];

const declared = new Map(
  PACKAGES.flatMap((folder) => {
    const text = readFileSync(join(ROOT, folder, "package.json"), "utf8");
    const parsed = JSON.parse(text) as Record<string, Record<string, string> | undefined>;
    return KINDS.flatMap((kind) => Object.entries(parsed[kind] ?? {}));
  }),
);

describe("dependencies", () => {
  it("are each explained in the ADR, and nothing else is", () => {
    const page = readFileSync(join(ROOT, "docs", "adr", "0013-dependencies.md"), "utf8");
    const explained = [...page.matchAll(/^\| `([^`]+)` \| \S/gm)].map(([, name]) => name);
    expect(explained.sort()).toEqual([...declared.keys()].sort());
  });

  it("are pinned", () => {
    const loose = [...declared].filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version));
    expect(loose).toEqual([]);
  });
});
