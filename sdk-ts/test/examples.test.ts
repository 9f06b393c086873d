import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

// The examples of the README as a user runs them: programs of their own, on a real server with a
// real Postgres, one after the other against one worker.

const root = fileURLToPath(new URL("../..", import.meta.url));
const undo: (() => Promise<void>)[] = [];
let url = "";
let folder = "";

function run(script: string, args: string[], env: Record<string, string>): ChildProcess {
  const argv = ["--conditions=source", join(root, script), ...args];
  return spawn(process.execPath, argv, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Sends SIGTERM and waits for the end; the exit code. */
async function stop(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null) return child.exitCode;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  const [code] = await exited;
  return code;
}

async function example(name: string, ...args: string[]): Promise<string> {
  const child = run(`sdk-ts/examples/${name}.ts`, args, { ORCH_URL: url });
  if (child.stdout === null || child.stderr === null) throw new Error("no pipes");
  const said = Promise.all([text(child.stdout), text(child.stderr)]);
  const [[output, errors], [code]] = await Promise.all([said, once(child, "exit")]);
  expect(code, errors).toBe(0);
  return output;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "orch-examples-"));
  undo.push(() => rm(folder, { recursive: true, force: true }));
  const server = run("server/src/main.ts", [], {
    ORCH_PORT: "0",
    ORCH_DATA_DIR: folder,
    ORCH_LOG_FORMAT: "json",
    ORCH_LOG_LEVEL: "error",
  });
  undo.push(async () => {
    await stop(server);
  });
  server.stderr?.resume();
  if (server.stdout === null) throw new Error("no stdout");
  for await (const line of createInterface({ input: server.stdout })) {
    const entry = JSON.parse(line) as { msg?: string; url?: string };
    if (entry.msg === "ready" && entry.url) {
      url = entry.url;
      break;
    }
  }
  server.stdout.resume();
  expect(url).toMatch(/^http:/);
  const worker = run("sdk-ts/examples/worker.ts", [], { ORCH_URL: url });
  worker.stdout?.resume();
  worker.stderr?.resume();
  undo.push(async () => expect(await stop(worker)).toBe(0));
});

afterAll(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

test("enqueue: a job runs, and the same key enqueues it once", { timeout: 60_000 }, async () => {
  expect(await example("enqueue", "Ada")).toMatch(/^created [0-9a-f-]{36}\nHello, Ada!\n$/);
  expect(await example("enqueue", "Ada")).toMatch(/Hello, Ada!\n$/);
});

test("batch: a bad job does not stop its neighbours", { timeout: 60_000 }, async () => {
  const output = await example("batch", "50");
  expect(output).toContain("created 50 of 51");
  expect(output).toContain("rejected: invalid_argument jobs[0].job_type");
});

test("cancel: a running job stops when it is told to", { timeout: 60_000 }, async () => {
  const output = await example("cancel");
  expect(output).toContain("cancel: requested");
  expect(output).toMatch(/^cancelled /m);
  expect(output).toContain("cancelled by worker seen enough");
});

test("artifact: a file goes in, what the job made comes out", { timeout: 60_000 }, async () => {
  const path = join(folder, "input.bin");
  await writeFile(path, Buffer.alloc(3 * 2 ** 20, "orchestrator"));
  const output = await example("artifact", path);
  expect(output).toContain("3145728 bytes, sha256:");
  expect(output).toMatch(/^succeeded/m);
  expect(output).toMatch(/^sha512.txt sha256:[0-9a-f]{64}\n[0-9a-f]{128}$/m);
});

test("graceful-shutdown: what runs finishes, the rest goes back", { timeout: 60_000 }, async () => {
  const output = await example("graceful-shutdown");
  const states = [...output.matchAll(/^[0-9a-f-]{36} (\w+), (\d) interruptions$/gm)];
  expect(states.map(([, state]) => state).sort()).toEqual([
    "ready",
    "ready",
    "succeeded",
    "succeeded",
  ]);
  expect(states.every(([, , interruptions]) => interruptions === "0")).toBe(true);
});

test("fan-out: the join comes after what the split made", { timeout: 60_000 }, async () => {
  const output = await example("fan-out", "x", "y", "z");
  expect(output).toContain("pipeline example.shout, version 1\n");
  expect(output).toContain("split into part-1, part-2, part-3\n");
  expect(output).toContain('5 jobs, succeeded: {"joined":"XYZ"}');
});
