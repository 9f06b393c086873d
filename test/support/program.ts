import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** A line of JSON on a program's standard output. */
export type Line = Readonly<Record<string, unknown>>;

/** How a program ended: one of the two is null. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A Node program that runs as a process of its own and says what it does in lines of JSON. */
export interface Program {
  readonly pid: number;
  /** Every line so far. */
  readonly lines: readonly Line[];
  /**
   * Resolves with the `count`th line that matches, of those so far and those to come. Rejects
   * when the program ends without it.
   */
  line(matches: (line: Line) => boolean, count?: number): Promise<Line>;
  /** Sends a message that its `process.on("message")` gets. */
  send(message: object): void;
  signal(name: NodeJS.Signals): void;
  readonly exited: Promise<Exit>;
  /** Sends the signal and waits for the end. */
  end(name: NodeJS.Signals): Promise<Exit>;
}

const running = new Set<ChildProcess>();

// A stopped process does not notice that its parent is gone. Others end with their channel.
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Starts a Node program; `args` begins with its file. It must end when its channel closes. */
export function startProgram(args: readonly string[], env: NodeJS.ProcessEnv = {}): Program {
  const child = spawn(process.execPath, ["--conditions=source", ...args], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  running.add(child);
  const { stdout, stderr, pid } = child;
  if (stdout === null || stderr === null || pid === undefined) throw new Error("did not start");
  const lines: Line[] = [];
  let errors = "";
  const waiting = new Set<() => void>();
  const look = () => {
    for (const check of [...waiting]) check();
  };
  createInterface({ input: stdout }).on("line", (text) => {
    lines.push(parse(text));
    look();
  });
  stderr.on("data", (chunk) => {
    errors += chunk;
  });
  let ended: Exit | undefined;
  const exited = once(child, "exit").then(([code, signal]): Exit => {
    running.delete(child);
    ended = { code, signal };
    return ended;
  });
  // After the last line has been read. The channel may keep 'close' from coming.
  void once(stdout, "close").then(() => exited.then(look));
  return {
    pid,
    lines,
    line: (matches, count = 1) =>
      new Promise((resolve, reject) => {
        const check = () => {
          const found = lines.filter(matches)[count - 1];
          if (found === undefined && ended === undefined) return;
          waiting.delete(check);
          if (found !== undefined) return resolve(found);
          const tail = lines.slice(-20).map((line) => JSON.stringify(line));
          const how = ended?.signal ?? ended?.code;
          reject(new Error(`${args[0]} ended with ${how}: ${errors}${tail.join("\n")}`));
        };
        waiting.add(check);
        check();
      }),
    send: (message) => void child.send(message),
    signal: (name) => void child.kill(name),
    exited,
    end: (name) => {
      child.kill(name);
      return exited;
    },
  };
}

/** Kills every program that {@link startProgram} started and that still runs, stopped or not. */
export async function killPrograms(): Promise<void> {
  const exits = [...running].map((child) => {
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    return gone;
  });
  await Promise.all(exits);
}

function parse(text: string): Line {
  try {
    return JSON.parse(text) as Line;
  } catch {
    return { text };
  }
}
