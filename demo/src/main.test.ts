import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { copyOf, temporaryFolder } from "./testing/fixtures.ts";
import { RunningDemo } from "./testing/run-demo.ts";

const LONG = { timeout: 90_000 };
const digestOf = (file: string) =>
  `sha256:${createHash("sha256").update(readFileSync(file)).digest("hex")}`;

test("nothing to scan is exit code 2, said on stderr and in the JSON line", LONG, async () => {
  const { code, stdout, stderr } = await new RunningDemo(["--json", temporaryFolder()]).ended;
  expect(code).toBe(2);
  expect(stderr).toContain("no dependency manifest found in");
  expect(JSON.parse(stdout)).toMatchObject({ ok: false });
});

test("a folder that does not exist is exit code 2", LONG, async () => {
  const { code, stderr } = await new RunningDemo(["/does/not/exist"]).ended;
  expect(code).toBe(2);
  expect(stderr).toContain("/does/not/exist does not exist");
});

test("more manifests than a demo takes is exit code 2, before anything starts", LONG, async () => {
  const root = temporaryFolder();
  for (let i = 0; i <= 10_000; i++) writeFileSync(path.join(root, `requirements-${i}.txt`), "");
  const { code, stderr } = await new RunningDemo([root]).ended;
  expect(code).toBe(2);
  expect(stderr).toContain("has 10001 manifests, and a demo takes 10000: name a folder in it");
});

test("a server that does not answer is exit code 1, with its address", LONG, async () => {
  const args = [copyOf("cargo-v3"), "--url", "http://127.0.0.1:9"];
  const { code, stderr } = await new RunningDemo(args).ended;
  expect(code).toBe(1);
  expect(stderr).toContain(
    "the server at http://127.0.0.1:9 does not answer: connect ECONNREFUSED",
  );
});

// The processes are found by what /proc tells.
describe.skipIf(process.platform !== "linux")("with a server of its own", () => {
  test("two checkouts make one digest, and no process is left", LONG, async () => {
    const dataDir = temporaryFolder();
    const summaries = [];
    for (const root of [copyOf("npm-workspaces"), copyOf("npm-workspaces")]) {
      const out = path.join(temporaryFolder(), "new folder", "out.json");
      const demo = new RunningDemo(["--json", root, "--out", out], dataDir);
      const { code, stdout, stderr } = await demo.ended;
      expect(code, stderr).toBe(0);
      expect(demo.processes()).toEqual([]);
      expect(stdout.trim().split("\n")).toHaveLength(1);
      const summary = JSON.parse(stdout);
      expect(summary).toMatchObject({ ok: true, path: root, jobs: 3, succeeded: 3, attempts: 3 });
      expect(summary).toMatchObject({
        pipeline: "demo.sbom",
        pipelineVersion: summaries.length + 1,
      });
      expect(summary.artifacts).toMatchObject([{ name: "sbom.cdx.json", path: out }]);
      expect(digestOf(out)).toBe(summary.artifacts[0].digest);
      summaries.push(summary);
    }
    expect(summaries[0].artifacts[0].digest).toBe(summaries[1].artifacts[0].digest);
    expect(summaries[0].runId).not.toBe(summaries[1].runId);
  });

  test("a malformed manifest: exit code 1, and the table says which and why", LONG, async () => {
    const root = copyOf("cargo-v3");
    mkdirSync(path.join(root, "go"));
    writeFileSync(path.join(root, "go/go.mod"), "module a\n\nrequire (\n\tb\n)\n");
    const demo = new RunningDemo([root]);
    const { code, stdout } = await demo.ended;
    expect(code).toBe(1);
    expect(stdout).toMatch(/^discover +succeeded +1/m);
    expect(stdout).toMatch(/^go\/go\.mod +dead +1/m);
    expect(stdout).toMatch(/^merge +cancelled +0/m);
    expect(stdout).toContain(
      "go/go.mod (parse_error)\n  go/go.mod:4: usage: require MODULE VERSION",
    );
    expect(stdout).toContain("No SBOM was written");
    expect(demo.processes()).toEqual([]);
  });

  test("Ctrl-C stops everything in good order", LONG, async () => {
    const demo = new RunningDemo([copyOf("cargo-v4")]);
    await expect.poll(() => demo.written, LONG).toContain("starting the server");
    demo.process.kill("SIGINT");
    const { code, stderr } = await demo.ended;
    expect(stderr).toContain("stopped by SIGINT");
    expect(code).toBe(130);
    // A server that is stopped while it starts leaves Postgres to notice by itself.
    await expect.poll(() => demo.processes(), { timeout: 20_000 }).toEqual([]);
  });

  test("a server that dies ends the demo with the reason", LONG, async () => {
    const demo = new RunningDemo([copyOf("cargo-v4")]);
    await expect.poll(() => demo.written, { ...LONG, interval: 5 }).toContain("server is up");
    const server = demo.processOf("server/src/main.ts");
    if (server === undefined) throw new Error("no server is running");
    process.kill(server, "SIGKILL");
    const { code, stderr } = await demo.ended;
    expect(code).toBe(1);
    expect(stderr).toContain("the server ended (SIGKILL)");
  });

  test("when the demo is killed, its children end by themselves", LONG, async () => {
    const demo = new RunningDemo([copyOf("cargo-v4")]);
    await expect.poll(() => demo.written, { ...LONG, interval: 5 }).toContain("server is up");
    demo.process.kill("SIGKILL");
    await demo.ended;
    await expect.poll(() => demo.processes(), { timeout: 45_000 }).toEqual([]);
  });
});
