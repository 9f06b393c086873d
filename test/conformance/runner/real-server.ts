import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const MAX_LOG_CHARACTERS = 20_000;

/**
 * Short where scenarios wait (backoff, reconnect), long where a slow machine must not make the
 * server lose patience (leases, offers, drains): no scenario of the real server is about those.
 */
const policy = {
  default: {
    offerAcceptDeadline: "5s",
    leaseTtl: "15s",
    renewInterval: "1s",
    expirySweep: "0.5s",
    drainGrace: "15s",
    reconnectMin: "0.050s",
    reconnectMax: "0.400s",
    retry: { maxAttempts: 5, initialBackoff: "0.050s", multiplier: 2, maxBackoff: "1s" },
  },
};

const SHARED_MEMORY = "/dev/shm";
const ROOM_BYTES = 2 * 2 ** 30;

/**
 * In memory where there is room: nothing here has to survive a power cut, and a disk that others
 * keep busy makes a commit wait for seconds.
 */
function dataFolder(): string {
  const hasRoom = () => {
    const { bavail, bsize } = statfsSync(SHARED_MEMORY);
    return bavail * bsize > ROOM_BYTES;
  };
  const parent = existsSync(SHARED_MEMORY) && hasRoom() ? SHARED_MEMORY : tmpdir();
  return mkdtempSync(join(parent, "conformance-server-"));
}

/** The real server in a process of its own, started when it is first needed. */
export class RealServer {
  readonly #root: string;
  #child: ChildProcess | undefined;
  #url: Promise<string> | undefined;
  #log = "";
  readonly #folder = dataFolder();

  constructor(root: string) {
    this.#root = root;
  }

  /** The end of what it wrote: warnings and worse. */
  get log(): string {
    return this.#log;
  }

  /** Its address. */
  url(): Promise<string> {
    this.#url ??= this.#start();
    return this.#url;
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child !== undefined && child.exitCode === null) {
      const closed = new Promise((resolve) => child.once("close", resolve));
      child.kill("SIGTERM");
      await closed;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #start(): Promise<string> {
    const args = ["--conditions=source", "server/src/main.ts", "--log-format", "json"];
    const child = spawn(process.execPath, args, {
      cwd: this.#root,
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      env: {
        ...process.env,
        ORCH_PORT: "0",
        ORCH_DATA_DIR: this.#folder,
        ORCH_LEASE_POLICY: JSON.stringify(policy),
        ORCH_LOG_LEVEL: "warn",
        ORCH_DRAIN_GRACE: "1",
      },
    });
    this.#child = child;
    const keep = (text: string) => {
      this.#log = (this.#log + text).slice(-MAX_LOG_CHARACTERS);
    };
    child.stderr?.on("data", (chunk: Buffer) => keep(chunk.toString()));
    return new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code) => reject(new Error(`the server left with ${code}: ${this.#log}`)));
      const { stdout } = child;
      if (stdout === null) return;
      createInterface({ input: stdout }).on("line", (line) => {
        const { msg, url } = parsed(line);
        if (msg === "ready" && url !== undefined) resolve(url);
        else keep(`${line}\n`);
      });
    });
  }
}

function parsed(line: string): { msg?: string; url?: string } {
  try {
    return JSON.parse(line);
  } catch {
    return {};
  }
}
