import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** A line of JSON that a program printed. */
export type Line = Readonly<Record<string, unknown>>;

/**
 * A process of a benchmark. It prints lines of JSON, takes lines of JSON on its standard input, and
 * ends when that ends, which the kernel sees to even when this process is killed.
 */
export interface Program {
  readonly name: string;
  readonly pid: number;
  /** Sends a command. */
  send(command: object): void;
  /** Resolves with the next line that matches, of those to come. Rejects when it ends first. */
  next(matches: (line: Line) => boolean): Promise<Line>;
  /** Sends a command and resolves with the line that answers it: `{"answer": …}`. */
  ask<Answer>(command: object): Promise<Answer>;
  /** Calls `listener` with every line to come; answers what takes it off again. */
  onLine(listener: (line: Line) => void): () => void;
  /** How it ended: `exit 0`, a signal, or why it did not start. */
  readonly ended: Promise<string>;
  /** The newest of what it wrote to standard error. */
  readonly errors: string;
  /** SIGTERM, after five seconds SIGKILL; waits for the end. Idempotent. */
  stop(): Promise<void>;
}

/** What {@link start} needs. */
export interface Command {
  /** For messages and for the table of CPU shares. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Whether it learns of this process's end by a closed IPC channel; else by standard input. */
  readonly channel?: boolean;
}

const STOP_PATIENCE_MS = 5_000;
const REMEMBERED_ERRORS = 8_000;
const running = new Set<Started>();

/** Starts a TypeScript program of this repository on this Node. */
export function startNode(
  name: string,
  file: string,
  args: readonly string[],
  rest: Pick<Command, "env" | "channel"> = {},
): Program {
  return start({
    name,
    command: process.execPath,
    args: ["--conditions=source", file, ...args],
    ...rest,
  });
}

/** Starts a program, in a process group of its own: Ctrl-C reaches the benchmark alone. */
export function start(command: Command): Program {
  const started = new Started(command);
  running.add(started);
  void started.ended.then(() => running.delete(started));
  return started;
}

/** Stops every program that still runs. */
export async function stopAll(): Promise<void> {
  await Promise.all([...running].map((program) => program.stop()));
}

class Started implements Program {
  readonly name: string;
  readonly pid: number;
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;
  readonly #listeners = new Set<(line: Line) => void>();
  errors = "";
  #stopping: Promise<void> | undefined;

  constructor({ name, command, args, cwd, env, channel }: Command) {
    const child = spawn(command, args, {
      cwd,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
      stdio: ["pipe", "pipe", "pipe", ...(channel ? (["ipc"] as const) : [])],
      detached: true,
    });
    this.#child = child;
    this.name = name;
    this.pid = child.pid ?? 0;
    const failed = once(child, "error").then(([error]) => String(error));
    const exited = once(child, "exit").then(([code, signal]) => String(signal ?? `exit ${code}`));
    // 'error' has a waiter of its own above; a child that exits well never emits it.
    exited.catch(() => undefined);
    this.ended = Promise.race([failed, exited]);
    child.stdin?.on("error", () => undefined);
    child.stderr?.on("data", (chunk) => {
      this.errors = `${this.errors}${chunk}`.slice(-REMEMBERED_ERRORS);
    });
    if (child.stdout === null) throw new Error(`${name} has no output`);
    createInterface({ input: child.stdout }).on("line", (text) => {
      const line = parse(text);
      for (const listener of [...this.#listeners]) listener(line);
    });
  }

  send(command: object): void {
    this.#child.stdin?.write(`${JSON.stringify(command)}\n`);
  }

  next(matches: (line: Line) => boolean): Promise<Line> {
    const found = new Promise<Line>((resolve) => {
      const off = this.onLine((line) => {
        if (!matches(line)) return;
        off();
        resolve(line);
      });
    });
    const gone = this.ended.then((how) => {
      throw new Error(`${this.name} ended (${how})\n${this.errors}`);
    });
    gone.catch(() => undefined);
    return Promise.race([found, gone]);
  }

  async ask<Answer>(command: object): Promise<Answer> {
    const answer = this.next((line) => "answer" in line || "failed" in line);
    this.send(command);
    const line = await answer;
    if ("failed" in line) throw new Error(`${this.name}: ${String(line.failed)}`);
    return line.answer as Answer;
  }

  onLine(listener: (line: Line) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const child = this.#child;
    child.stdin?.end();
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_PATIENCE_MS);
    await this.ended;
    clearTimeout(timer);
  }
}

function parse(text: string): Line {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Line) : { text };
  } catch {
    return { text };
  }
}
