import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readSync, statSync, truncateSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const MAX_LOG_BYTES = 4 * 1024 * 1024;
const LOG_TAIL_BYTES = 64 * 1024;
const LOG_TAIL_LINES = 12;
const LOG_LINE_CHARS = 300;
const POLL_MS = 25;

/** A process that the demo needs ended, or never came up. */
export class ChildFailedError extends Error {
  override readonly name = "ChildFailedError";
}

/** What a child runs. */
export interface Command {
  /** The executable. */
  readonly command: string;
  /** Its arguments. */
  readonly args: readonly string[];
  /**
   * How it learns that the demo is gone: an IPC channel that disconnects, or a standard input
   * that ends. With "none" it does not.
   */
  readonly channel: "ipc" | "stdin" | "none";
}

/** The command that runs a TypeScript file. */
export function typescript(script: string, args: readonly string[]): Command {
  return {
    command: process.execPath,
    args: ["--conditions=source", script, ...args],
    channel: "ipc",
  };
}

/** How to start a child. */
export interface ChildSpec extends Command {
  /** For messages, and the name of its log: `NAME.log`. */
  readonly name: string;
  /** The folder that it works in; the demo's unless told. */
  readonly cwd?: string;
  /** Its whole environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder of its log. */
  readonly logDir: string;
  /** How long it may take to stop before it is made to, in milliseconds. */
  readonly stopGraceMs: number;
}

/**
 * A child process in a process group of its own: Ctrl-C in the terminal reaches the demo alone,
 * which stops its children in order. Its output goes to a file, not a pipe, so that it can still
 * log while it stops should the demo be gone.
 */
export class Child {
  /** Where its output goes. */
  readonly logFile: string;
  /** Settles when the process has ended, with how it ended. */
  readonly ended: Promise<string>;
  readonly #name: string;
  readonly #stopGraceMs: number;
  readonly #process: ChildProcess;
  readonly #logStart: number;
  #isRunning = true;

  constructor(spec: ChildSpec) {
    mkdirSync(spec.logDir, { recursive: true });
    this.#name = spec.name;
    this.#stopGraceMs = spec.stopGraceMs;
    this.logFile = path.join(spec.logDir, `${spec.name}.log`);
    const log = openSync(this.logFile, "a");
    if (statSync(this.logFile).size > MAX_LOG_BYTES) truncateSync(this.logFile);
    this.#logStart = statSync(this.logFile).size;
    const input = spec.channel === "stdin" ? "pipe" : "ignore";
    this.#process = spawn(spec.command, spec.args, {
      cwd: spec.cwd,
      env: spec.env,
      stdio: [input, log, log, ...(spec.channel === "ipc" ? (["ipc"] as const) : [])],
      detached: true,
      windowsHide: true,
    });
    closeSync(log);
    const child = this.#process;
    // Nothing is ever written to it, and its end is no news.
    child.stdin?.on("error", () => {});
    this.ended = new Promise((resolve) => {
      child.once("error", (error) => resolve(`could not start: ${error.message}`));
      child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    this.ended.then(() => {
      this.#isRunning = false;
    });
  }

  /** Rejects with ChildFailedError when the process ends; for Promise.race with the work. */
  async failure(): Promise<never> {
    const how = await this.ended;
    throw new ChildFailedError(`the ${this.#name} ended (${how})\n${this.logTail()}`);
  }

  /** What it logged since this start, the newest LOG_TAIL_BYTES, with where to find the rest. */
  logTail(): string {
    const { text } = this.#log(LOG_TAIL_BYTES);
    const lines = text.trimEnd().split("\n").slice(-LOG_TAIL_LINES).map(readable);
    return `${lines.map((line) => `  ${line}`).join("\n")}\n  (log: ${this.logFile})`;
  }

  /**
   * The first line of its log that `pick` makes something of. Throws ChildFailedError when the
   * process ends first or `timeoutMs` is over, and the signal's reason when it is aborted.
   */
  async logged<T>(
    pick: (line: string) => T | undefined,
    { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
  ): Promise<T> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const isLast = !this.#isRunning;
      for (const line of this.#log(MAX_LOG_BYTES).text.split("\n")) {
        const picked = pick(line);
        if (picked !== undefined) return picked;
      }
      if (isLast) return await this.failure();
      if (Date.now() > deadline)
        throw new ChildFailedError(
          `the ${this.#name} was not ready after ${timeoutMs / 1000} s\n${this.logTail()}`,
        );
      signal.throwIfAborted();
      await Promise.race([delay(POLL_MS), this.ended]);
    }
  }

  /** Asks it to stop, and after its grace makes it. Settles when it is gone. Safe to repeat. */
  async stop(): Promise<void> {
    if (!this.#isRunning) return;
    this.#process.kill("SIGTERM");
    const over = new AbortController();
    const { signal } = over;
    const late = delay(this.#stopGraceMs, "late", { signal }).catch(() => "gone");
    const first = await Promise.race([this.ended, late]);
    over.abort();
    if (first === "late") this.kill();
    await this.ended;
  }

  /** Ends it and whatever it started at once. */
  kill(): void {
    const { pid } = this.#process;
    if (!this.#isRunning || pid === undefined) return;
    try {
      process.kill(process.platform === "win32" ? pid : -pid, "SIGKILL");
    } catch {
      // It ended in between.
    }
  }

  #log(maxBytes: number): { text: string } {
    const file = openSync(this.logFile, "r");
    try {
      const end = statSync(this.logFile).size;
      const start = Math.max(Math.min(this.#logStart, end), end - maxBytes);
      const bytes = Buffer.alloc(Math.max(end - start, 0));
      const read = readSync(file, bytes, 0, bytes.length, start);
      return { text: bytes.subarray(0, read).toString("utf8") };
    } finally {
      closeSync(file);
    }
  }
}

/** A log line for people: of a JSON one the message, and that of its error. */
function readable(line: string): string {
  let said = line;
  try {
    const { msg, err } = JSON.parse(line);
    const why = typeof err?.message === "string" ? `: ${err.message}` : "";
    if (typeof msg === "string") said = msg + why;
  } catch {
    // Not JSON, such as a stack trace.
  }
  return said.length > LOG_LINE_CHARS ? `${said.slice(0, LOG_LINE_CHARS)}…` : said;
}
