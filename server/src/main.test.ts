import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { Health, HealthCheckResponse_ServingStatus } from "./gen/grpc/health/v1/health_pb.ts";

const MAIN = new URL("./main.ts", import.meta.url).pathname;
const running = new Set<ChildProcess>();
let dataDir: string;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "orch-main-"));
});

afterEach(async () => {
  for (const child of running) child.kill("SIGKILL");
  running.clear();
});

afterAll(() => rm(dataDir, { recursive: true, force: true, maxRetries: 5 }));

interface Started {
  readonly child: ChildProcess;
  /** Every line of standard output so far. */
  readonly lines: string[];
  /** Standard error so far. */
  readonly errors: () => string;
  readonly ended: Promise<number | null>;
}

function start(args: string[] = [], environment: Record<string, string> = {}): Started {
  const child = spawn(process.execPath, ["--conditions=source", MAIN, ...args], {
    env: {
      PATH: process.env.PATH,
      ORCH_DATA_DIR: dataDir,
      ORCH_PORT: "0",
      ORCH_LOG_FORMAT: "json",
      ...environment,
    },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  running.add(child);
  const lines: string[] = [];
  let errors = "";
  if (child.stdout) createInterface({ input: child.stdout }).on("line", (l) => lines.push(l));
  child.stderr?.on("data", (chunk) => {
    errors += chunk;
  });
  // Not 'close': it never comes once this side has disconnected the channel.
  const ended = once(child, "exit").then(([code]) => {
    running.delete(child);
    return code as number | null;
  });
  return { child, lines, errors: () => errors, ended };
}

/** Waits for the line that programs wait for, and returns the address. */
async function ready({ child, lines, ended, errors }: Started): Promise<string> {
  const early = ended.then((code) => {
    throw new Error(`ended with ${code}: ${errors()} ${lines.join("\n")}`);
  });
  early.catch(() => undefined);
  for (;;) {
    const said = lines.map((line) => JSON.parse(line)).find(({ msg }) => msg === "ready");
    if (said !== undefined) return said.url as string;
    if (child.stdout === null) throw new Error("no output");
    await Promise.race([once(child.stdout, "data"), early]);
    // The line reader gets the same bytes after this listener.
    await new Promise(setImmediate);
  }
}

describe("the server as a process", () => {
  it("says where it is, serves, and ends with 0 when it is told to", async () => {
    const server = start();
    const url = await ready(server);
    const health = createClient(Health, createGrpcTransport({ baseUrl: url }));
    expect((await health.check({})).status).toBe(HealthCheckResponse_ServingStatus.SERVING);
    server.child.kill("SIGTERM");
    expect(await server.ended).toBe(0);
    for (const line of server.lines) expect(() => JSON.parse(line)).not.toThrow();
  });

  it("refuses a data folder that another server has", async () => {
    const first = start();
    await ready(first);
    const second = start();
    expect(await second.ended).toBe(1);
    await vi.waitFor(() =>
      expect(second.lines.join("\n")).toMatch(/in use by another server.*ORCH_DATA_DIR/),
    );
    first.child.kill("SIGTERM");
    expect(await first.ended).toBe(0);
  });

  it("starts again after it was killed", async () => {
    const first = start();
    await ready(first);
    first.child.kill("SIGKILL");
    await first.ended;
    const second = start();
    await ready(second);
    second.child.kill("SIGINT");
    expect(await second.ended).toBe(0);
  });

  it("stops when the program that started it is gone", async () => {
    const server = start();
    await ready(server);
    server.child.disconnect();
    expect(await server.ended).toBe(0);
  });

  it("shows a person the address and three commands", async () => {
    const server = start(["--log-format", "pretty"]);
    if (server.child.stdout === null) throw new Error("no output");
    while (!server.lines.some((line) => line.includes("Ctrl-C"))) {
      await once(server.child.stdout, "data");
      await new Promise(setImmediate);
    }
    const text = server.lines.join("\n");
    expect(text).toMatch(/ready at http:\/\/127\.0\.0\.1:\d+/);
    for (const command of ["grpcurl -plaintext", "curl -s", "new Worker"]) {
      expect(text).toContain(command);
    }
    server.child.kill("SIGTERM");
    expect(await server.ended).toBe(0);
  });

  it("names the setting that cannot be used, and ends with 2", async () => {
    const server = start(["--port", "many"]);
    expect(await server.ended).toBe(2);
    await vi.waitFor(() =>
      expect(server.errors()).toMatch(/--port <number>.*must be a whole number/),
    );
  });
});
