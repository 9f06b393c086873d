import { expect, test } from "vitest";
import { at, scanOnly } from "../testing/fixtures.ts";
import { parseGoMod } from "./go-mod.ts";

test("a module has its versions, its h1 and its direct requirements", async () => {
  const inventory = await scanOnly("go");
  expect(inventory.manifest).toBe("go.mod");
  expect(at(inventory, "local:go.mod")).toMatchObject({
    name: "github.com/example/collector",
    dependsOn: [
      "local:go.mod#../shared",
      "pkg:golang/github.com/BurntSushi/toml@v1.4.0",
      "pkg:golang/github.com/docker/docker@v26.1.4+incompatible",
      "pkg:golang/golang.org/x/sync@v0.8.0",
    ],
  });
  expect(at(inventory, "pkg:golang/golang.org/x/sys@v0.21.0").properties).toEqual([
    { name: "stellaops:go:h1", value: "h1:rF+pYz3DAGSQAxAu1CbC7catZg4ebC4UIeIhKxBZvws=" },
  ]);
});

test("a replaced module is the one that is built", async () => {
  const inventory = await scanOnly("go");
  const refs = inventory.components.map((component) => component.ref);
  expect(refs).not.toContain("pkg:golang/golang.org/x/sync@v0.7.0");
  expect(at(inventory, "pkg:golang/golang.org/x/sync@v0.8.0").properties).toContainEqual({
    name: "stellaops:go:replaces",
    value: "golang.org/x/sync@v0.7.0",
  });
});

test("before Go 1.17 go.sum gives the indirect modules, the highest of each", async () => {
  const { components } = await scanOnly("go-old");
  expect(components.map((component) => component.ref)).toEqual([
    "local:go.mod",
    "pkg:golang/github.com/pkg/errors@v0.8.1",
    "pkg:golang/gopkg.in/yaml.v2@v2.10.0",
  ]);
});

test("a go.sum alone has modules whose graph is unknown", async () => {
  const inventory = await scanOnly("go-sum-alone");
  expect(inventory.manifest).toBe("go.sum");
  expect(inventory.components.every((c) => c.dependsOn === undefined)).toBe(true);
});

test("what a go.mod may hold besides requirements is understood", () => {
  const mod = parseGoMod(
    "go.mod",
    [
      'module "example.org/quoted" // with a comment',
      "godebug default=go1.21",
      "tool example.org/tool",
      "ignore ./node_modules",
      "require (",
      "\t`example.org/raw` v1.0.0 // indirect; and more",
      ")",
      "replace example.org/raw => ./raw",
    ].join("\r\n"),
  );
  expect(mod).toEqual({
    module: "example.org/quoted",
    go: undefined,
    requires: [{ path: "example.org/raw", version: "v1.0.0", indirect: true }],
    replaces: [{ from: { path: "example.org/raw" }, to: { path: "./raw" } }],
  });
});

test.each([
  ["go 1.22", "go.mod: no module directive"],
  ["module a\nmodul b", "go.mod:2: unknown directive: modul b"],
  ["module a\nrequire (\n", "go.mod:2: the block of require is never closed"],
  ["module a\nrequire b master", "go.mod:2: master is not a version"],
  ["module a\nreplace b c", "go.mod:2: usage: replace"],
  ['module "a', 'go.mod:1: unexpected "a'],
])("%j is refused", (content, message) => {
  expect(() => parseGoMod("go.mod", content)).toThrow(message);
});
