import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { newLease, serve, undo } from "./worker-harness.ts";

/** A process of its own, whose handler never ends: signals cannot be tried on the test's own. */
const program = `
  const { Worker, silentLogger } = await import(process.argv[1]);
  const handlers = { "test.job": () => new Promise(() => {}) };
  await new Worker({ url: process.argv[2], handlers, logger: silentLogger }).run();
`;

function spawnWorker(url: string): ChildProcess {
  const sdk = new URL("../src/index.ts", import.meta.url).href;
  const args = ["--input-type=module", "--eval", program, sdk, url];
  const child = spawn(process.execPath, args, { stdio: "inherit" });
  undo.push(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
  });
  return child;
}

test("SIGTERM drains and exits clean, a second signal exits at once", async () => {
  const server = await serve();
  const idle = spawnWorker(server.url);
  const idleExit = once(idle, "exit");
  const idleSession = await server.welcomed();
  // Its pong says that it has seen the Welcome: before that it would just leave.
  idleSession.send({ case: "ping", value: { nonce: 1n } });
  await idleSession.take("pong");
  idle.kill("SIGTERM");
  await idleSession.take("drain");
  idleSession.send({ case: "drainAck", value: {} });
  await idleSession.closed;
  idleSession.end();
  expect(await idleExit).toEqual([0, null]);

  const busy = spawnWorker(server.url);
  const busyExit = once(busy, "exit");
  const busySession = await server.welcomed();
  await busySession.start(newLease());
  busy.kill("SIGTERM");
  expect((await busySession.take("drain")).reason).toBe("SIGTERM");
  busy.kill("SIGINT");
  expect(await busyExit).toEqual([130, null]);
});
