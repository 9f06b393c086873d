import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findService } from "../../scripts/services.mjs";

/** A Valkey or nats-server of a test's own, on the loopback, as a process of its own. */
export interface ServiceProcess {
  readonly url: string;
  readonly port: number;
  /** Another one after a restart; undefined while it is down. */
  readonly pid: number | undefined;
  /** SIGKILL, and waits for the end. What it stored stays. */
  kill(): Promise<void>;
  /** SIGSTOP: it is there and does not answer. Answers what wakes it again. */
  pause(): () => void;
  /** Kills it if it runs, and starts it on the same port; `empty`: without what it stored. */
  restart(how?: { readonly empty?: boolean }): Promise<void>;
  /** Kills it and removes what it stored. */
  stop(): Promise<void>;
}

/** How a service is started and what it says when it is ready. */
export interface ServiceRecipe {
  readonly name: "valkey" | "nats";
  /** Of the port and of a folder of its own. */
  readonly args: (port: number, folder: string) => readonly string[];
  readonly ready: RegExp;
  readonly url: (port: number) => string;
}

// Linux ends it with the thread that started it, whatever befell that.
const LEASH = ["/usr/bin/setpriv", "--pdeathsig", "KILL", "--"];

const running = new Set<ChildProcess>();

process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Starts a service; throws with the reason if this machine has none and cannot fetch it. */
export async function startService(recipe: ServiceRecipe, port = 0): Promise<ServiceProcess> {
  const service = await findService(recipe.name);
  if (service.kind === "missing") throw new Error(service.why);
  const { command } = service;
  const folder = await mkdtemp(join(tmpdir(), `orch-${recipe.name}-`));
  const store = join(folder, "store");
  let chosen = port;
  let child: ChildProcess | undefined;

  const begin = async () => {
    await mkdir(store, { recursive: true });
    chosen = chosen === 0 ? await freePort() : chosen;
    child = await spawnUntilReady([...command, ...recipe.args(chosen, store)], recipe.ready);
  };
  const kill = async () => {
    const dying = child;
    child = undefined;
    if (dying === undefined || dying.exitCode !== null || dying.signalCode !== null) return;
    const gone = once(dying, "exit");
    dying.kill("SIGKILL");
    await gone;
  };
  try {
    await begin();
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  return {
    url: recipe.url(chosen),
    port: chosen,
    get pid() {
      return child?.pid;
    },
    kill,
    pause() {
      const paused = child;
      paused?.kill("SIGSTOP");
      return () => void paused?.kill("SIGCONT");
    },
    async restart({ empty = false } = {}) {
      await kill();
      if (empty) await rm(store, { recursive: true, force: true });
      await begin();
    },
    async stop() {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function spawnUntilReady(command: readonly string[], ready: RegExp): Promise<ChildProcess> {
  const [program, ...args] = [...(existsSync(LEASH[0] ?? "") ? LEASH : []), ...command];
  const child = spawn(program ?? "", args, { stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  child.once("exit", () => running.delete(child));
  let output = "";
  await new Promise<void>((resolve, reject) => {
    const look = (chunk: Buffer) => {
      output = `${output}${chunk}`.slice(-10_000);
      if (ready.test(output)) resolve();
    };
    child.stdout.on("data", look);
    child.stderr.on("data", look);
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      reject(new Error(`${program} ended with ${signal ?? code}: ${output}`));
    });
  });
  return child;
}

/** A port that nobody listens on, now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
