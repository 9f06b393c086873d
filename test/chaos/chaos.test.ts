import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));
/** A busy machine may take much longer for it; what is waited for are events, not this. */
const PATIENCE = { timeout: 240_000 };

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command as a user runs it. */
function chaos(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ["--conditions=source", MAIN, ...args],
      { maxBuffer: 64 * 1024 * 1024 },
      (_error, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}

const SMALL = ["--replicas", "2", "--workers", "2", "--languages", "none"];

describe("npm run chaos", () => {
  it("holds every invariant through a short storm", PATIENCE, async () => {
    const { code, stdout, stderr } = await chaos("--seed", "7", "--minutes", "0.35", ...SMALL);
    expect(code, `${stdout}\n${stderr}`).toBe(0);
    for (const number of ["1", "2", "3", "4", "6", "9", "10", "11", "14", "16"]) {
      expect(stdout).toMatch(new RegExp(`^ *${number} .* held$`, "m"));
    }
    expect(stdout).toMatch(/^ *– +every firing of a schedule happens once .* held$/m);
    expect(stdout).toMatch(/^12 .*not yet: feeds$/m);
    expect(Number(/^faults: (\d+)/m.exec(stdout)?.[1])).toBeGreaterThan(5);
  });

  it("fails when its ledger was spoilt, and shows where", PATIENCE, async () => {
    const args = ["--seed", "7", "--minutes", "0.05", "--faults", "none", "--corrupt", "lose-job"];
    const { code, stdout } = await chaos(...args, ...SMALL);
    expect(stdout).toMatch(/^ 1 .* VIOLATED$/m);
    // What is shown is one job's history, and how to see it again.
    expect(stdout).toContain("the shortest history: ");
    expect(stdout).toMatch(/^seed 7; again: npm run chaos -- --seed 7 --minutes 0.05 /m);
    expect(code).toBe(1);
  });

  it("says how to use it, and what it does not take", async () => {
    expect(await chaos("--help")).toMatchObject({ code: 0 });
    const { code, stderr } = await chaos("--faults", "earthquake");
    expect(code).toBe(2);
    expect(stderr).toContain("--faults must be one of");
  });
});
