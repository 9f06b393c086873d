import { describe, expect, it } from "vitest";
import { EXCEPTIONS } from "./tidy/exceptions.ts";
import { findingsIn, unplaced } from "./tidy/rules.ts";
import { parseSource, readSources } from "./tidy/source-file.ts";

const sources = readSources();
const findings = sources.flatMap(findingsIn);

describe("the house", () => {
  it("keeps its rules", () => {
    const broken = findings.filter(({ id }) => !(id in EXCEPTIONS)).map(({ message }) => message);
    expect(broken.join("\n")).toBe("");
  });

  it("has no exception that nothing needs", () => {
    const found = new Set(findings.map(({ id }) => id));
    expect(Object.keys(EXCEPTIONS).filter((id) => !found.has(id))).toEqual([]);
  });

  it("has a place for every file of the server", () => {
    expect(sources.length).toBeGreaterThan(50);
    expect(unplaced(sources)).toEqual([]);
  });
});

describe("the rules find", () => {
  const ids = (path: string, text: string) => findingsIn(parseSource(path, text)).map((f) => f.id);
  const lines = (count: number) => "\n".repeat(count);

  it("what is too large", () => {
    const path = "server/src/lib/a.ts";
    expect(ids(path, lines(401))).toEqual([`file ${path}`]);
    expect(ids(path, `// ${"x".repeat(98)}`)).toEqual([`line ${path}`]);
    expect(ids(path, `function large() {${lines(70)}}`)).toEqual([`function ${path} large`]);
    expect(ids(path, `const f = () => {${lines(70)}};`)).toEqual([`function ${path} line 1`]);
    const methods = Array.from({ length: 16 }, (_, n) => `m${n}() {}`).join("\n");
    expect(ids(path, `class Wide {\n${methods}\n#hidden() {}\n}`)).toEqual([`class ${path} Wide`]);
  });

  it("imports against the direction", () => {
    const of = (path: string, target: string) => ids(path, `import "${target}";`);
    expect(of("server/src/domain/a.ts", "../app/b.ts")).toHaveLength(1);
    expect(of("server/src/app/a.ts", "../domain/b.ts")).toEqual([]);
    expect(of("server/src/ledger/a.ts", "../queue/b.ts")).toHaveLength(1);
    expect(of("server/src/rpc/a.ts", "./b.ts")).toEqual([]);
    expect(of("server/src/rpc/a.ts", "../wiring.ts")).toHaveLength(1);
    expect(of("server/src/main.ts", "./wiring.ts")).toEqual([]);
    expect(ids("server/src/lib/a.ts", `export { x } from "../domain/b.ts";`)).toHaveLength(1);
  });

  it("packages outside of their place", () => {
    const of = (path: string, target: string) => ids(path, `import "${target}";`);
    expect(of("server/src/app/a.ts", "pg")).toHaveLength(1);
    expect(of("server/src/ledger/a.ts", "pg")).toEqual([]);
    expect(of("server/src/ledger/a.ts", "@connectrpc/connect")).toHaveLength(1);
    expect(of("server/src/ledger/a.ts", "../gen/x_pb.ts")).toHaveLength(1);
    expect(of("server/src/rpc/a.ts", "../gen/x_pb.ts")).toEqual([]);
  });

  it("an impure domain, and readers of the environment", () => {
    const path = "server/src/domain/a.ts";
    expect(ids(path, "const now = Date.now();")).toEqual([`pure ${path} Date.now`]);
    expect(ids(path, "const now = new Date();")).toEqual([`pure ${path} new Date()`]);
    expect(ids(path, "const then = new Date(0);")).toEqual([]);
    expect(ids(path, `import "node:fs/promises";`)).toHaveLength(1);
    expect(ids("server/src/app/a.ts", "process.env.HOME;")).not.toEqual([]);
    expect(ids("server/src/main.ts", "process.env.HOME;")).toEqual([]);
  });

  it("names, leftovers and exports without a docstring", () => {
    expect(ids("server/src/lib/utils.ts", "")).toEqual(["name server/src/lib/utils.ts"]);
    const path = "server/src/lib/a.ts";
    expect(ids(path, `// ${"TO"}${"DO"}: later`)).toEqual([`unfinished ${path}`]);
    expect(ids(path, "export const bare = 1;")).toEqual([`docstring ${path} bare`]);
    expect(ids(path, "/** Said. */\nexport const said = 1;")).toEqual([]);
  });
});
