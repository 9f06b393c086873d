import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as pass } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { pauseProcesses } from "../support/pause-processes.ts";
import type { Death } from "./history.ts";
import type { Link } from "./link.ts";
import type { WorkerSettings } from "./worker.ts";

/** How to run a worker program; it gets its settings as JSON in its last argument. */
export interface WorkerProgram {
  readonly language: string;
  readonly command: string;
  readonly args: readonly string[];
}

/** The worker program that is always there. */
export const TYPESCRIPT: WorkerProgram = {
  language: "typescript",
  command: process.execPath,
  args: ["--conditions=source", fileURLToPath(new URL("./worker.ts", import.meta.url))],
};

/** One place for a worker: a process after the other. */
export interface WorkerSlot {
  readonly program: WorkerProgram;
  /** To the servers. */
  readonly link: Link;
  readonly clockOffsetMs: number;
}

/** What workers are started with. */
export interface WorkersOptions {
  readonly folder: string;
  readonly tenants: readonly string[];
  readonly concurrency: number;
  readonly slots: readonly WorkerSlot[];
}

interface Running extends WorkerSlot {
  readonly index: number;
  incarnation: number;
  child: ChildProcess | undefined;
  workerId: string;
}

const START_AGAIN_MS = 300;
const STOP_MS = 20_000;
const REMEMBERED_ERRORS = 2_000;

/** The workers of a run: whoever ends is replaced, under its old id or a new one in turn. */
export class Workers {
  readonly deaths: Death[] = [];
  /** Workers that ended with an error of their own. */
  readonly crashes: string[] = [];
  /**
   * Workers that the server sent away as superseded. Another instance need not be newer for that:
   * a Hello that lay in a stopped replica's socket, of a killed predecessor or of the very same
   * worker, counts as the newest when it is read. The SDK then ends for good, as it says.
   */
  readonly superseded: string[] = [];
  readonly #running: Running[];
  readonly #options: WorkersOptions;
  #isStopping = false;

  constructor(options: WorkersOptions) {
    this.#options = options;
    this.#running = options.slots.map((slot, index) => ({
      ...slot,
      index,
      incarnation: 0,
      child: undefined,
      workerId: "",
    }));
  }

  start(): void {
    for (const running of this.#running) this.#start(running);
  }

  get count(): number {
    return this.#running.length;
  }

  nameOf(target: number): string {
    return this.#at(target).workerId;
  }

  linkOf(target: number): Link {
    return this.#at(target).link;
  }

  /** SIGKILL; a successor comes by itself. */
  kill(target: number): void {
    this.#at(target).child?.kill("SIGKILL");
  }

  /** SIGSTOP for a while. */
  async pause(target: number, ms: number): Promise<void> {
    const pid = this.#at(target).child?.pid;
    if (pid === undefined) return;
    const wake = await pauseProcesses([pid]);
    await pass(ms);
    await wake();
  }

  /** Lets them finish what they hold. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(
      this.#running.map(async ({ child }) => {
        if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
        const exited = once(child, "exit");
        child.stdin?.end();
        const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
        await exited;
        clearTimeout(timer);
      }),
    );
  }

  /** At once, paused or not. */
  kill9(): void {
    this.#isStopping = true;
    for (const { child } of this.#running) child?.kill("SIGKILL");
  }

  #at(target: number): Running {
    const running = this.#running[target % this.#running.length];
    if (running === undefined) throw new RangeError("no workers");
    return running;
  }

  #start(running: Running): void {
    const { index, link, clockOffsetMs, program } = running;
    const incarnation = ++running.incarnation;
    // Two processes in a row share an id: the second says at once that the first's leases are
    // lost. The next has a new one, and the leases of the one before run out.
    running.workerId = `w${index + 1}-${Math.ceil(incarnation / 2)}`;
    const settings: WorkerSettings = {
      url: `http://127.0.0.1:${link.port}`,
      workerId: running.workerId,
      incarnation,
      tenants: this.#options.tenants,
      marks: this.#options.tenants,
      concurrency: this.#options.concurrency,
      clockOffsetMs,
      journal: join(this.#options.folder, `worker-${index + 1}-${incarnation}.jsonl`),
    };
    const child = spawn(program.command, [...program.args, JSON.stringify(settings)], {
      stdio: ["pipe", "ignore", "pipe"],
    });
    running.child = child;
    child.stdin?.on("error", () => {});
    let errors = "";
    child.stderr?.on("data", (chunk) => {
      errors = (errors + chunk).slice(-REMEMBERED_ERRORS);
    });
    child.once("exit", (code, signal) => void this.#onExit(running, code, signal, errors));
  }

  async #onExit(
    running: Running,
    code: number | null,
    signal: string | null,
    errors: string,
  ): Promise<void> {
    const { workerId, program } = running;
    this.deaths.push({ workerId, atMs: Date.now() });
    if (/SESSION_SUPERSEDED|session.superseded|newer instance/i.test(errors)) {
      this.superseded.push(workerId);
    } else if (signal !== "SIGKILL" && code !== 0) {
      const how = signal ?? `code ${code}`;
      this.crashes.push(`${workerId} (${program.language}) ended with ${how}: ${errors}`);
    }
    await pass(START_AGAIN_MS);
    if (!this.#isStopping) this.#start(running);
  }
}
