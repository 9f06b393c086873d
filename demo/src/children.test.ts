import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Child, typescript } from "./children.ts";
import { readyUrl } from "./demo.ts";
import { temporaryFolder } from "./testing/fixtures.ts";

const SCRIPT = path.resolve(import.meta.dirname, "testing/child-script.ts");
const PARENT = path.resolve(import.meta.dirname, "testing/parent-script.ts");

function start(mode: string, stopGraceMs = 20_000): Child {
  const logDir = temporaryFolder();
  const spec = { name: "probe", ...typescript(SCRIPT, [mode]), env: process.env };
  const child = new Child({ ...spec, logDir, stopGraceMs });
  onTestFinished(() => child.kill());
  return child;
}

const ready = (child: Child, signal = new AbortController().signal) =>
  child.logged(readyUrl, { timeoutMs: 20_000, signal });

test("the child's address is read from its log, and it stops in good order", async () => {
  const child = start("obedient");
  expect(await ready(child)).toMatch(/^http:\/\/127\.0\.0\.1:1\//);
  await child.stop();
  await child.stop();
  expect(await child.ended).toBe("exit code 0");
  expect(readFileSync(child.logFile, "utf8")).toContain("stopped in good order");
});

test("a child that does not stop is made to after its grace", async () => {
  const child = start("deaf", 50);
  await ready(child);
  await child.stop();
  expect(await child.ended).toBe("SIGKILL");
});

test("a child that breaks fails whoever waits, with the end of its log", async () => {
  const child = start("fail");
  await expect(
    child.logged(() => undefined, {
      timeoutMs: 20_000,
      signal: new AbortController().signal,
    }),
  ).rejects.toThrow(/the probe ended \(exit code 1\).*broken on purpose.*probe\.log/s);
});

test("waiting for a child can be given up", async () => {
  const child = start("obedient");
  const stop = new AbortController();
  const waiting = child.logged(() => undefined, { timeoutMs: 20_000, signal: stop.signal });
  stop.abort(new Error("enough"));
  await expect(waiting).rejects.toThrow("enough");
});

test("a child ends when its parent is killed", async () => {
  const args = ["--conditions=source", PARENT, SCRIPT, temporaryFolder()];
  const parent = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(parent.stdout, "data");
  const pid = Number(String(line).trim().split("/").at(-1));
  const isRunning = () => {
    try {
      process.kill(pid, 0);
      return true;
    } catch {
      return false;
    }
  };
  expect(isRunning()).toBe(true);
  parent.kill("SIGKILL");
  await once(parent, "exit");
  await expect.poll(isRunning, { timeout: 10_000 }).toBe(false);
});
