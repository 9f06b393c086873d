import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { ROOT } from "./tidy/source-file.ts";

const run = promisify(execFile);

async function bootstrap(...args: string[]) {
  try {
    const ended = await run(process.execPath, ["scripts/bootstrap.mjs", ...args], { cwd: ROOT });
    return { ...ended, code: 0 };
  } catch (error) {
    return error as { stdout: string; stderr: string; code: number };
  }
}

describe("the bootstrap", () => {
  it("passes arguments and standard output on, and adds nothing to it", async () => {
    const { stdout, code } = await bootstrap("server/src/main.ts", "--help");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Usage: orchestrator-server/);
  });

  it("passes the exit code on", async () => {
    const { stdout, stderr, code } = await bootstrap("server/src/main.ts", "--port", "many");
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("--port");
  });

  it("runs the programs of packages, too", async () => {
    const { stdout } = await bootstrap("tsc", "--version");
    expect(stdout).toMatch(/^Version 7\./);
  });

  it("says how it is used", async () => {
    const { stderr, code } = await bootstrap();
    expect([code, stderr]).toEqual([2, expect.stringContaining("usage:")]);
  });
});
