import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Logger } from "pino";
import type { Account } from "./embedded-account.ts";

/** A Postgres that accepts connections. */
export interface PostgresProcess {
  /** Resolves when it is gone, however it went. */
  readonly exited: Promise<void>;
  /** Fast shutdown: ends sessions, writes a checkpoint, waits. Idempotent. */
  stop(): Promise<void>;
}

/** How to start it. */
export interface PostgresCommand {
  readonly postgres: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly account: Account;
  readonly logger: Logger;
}

/** Postgres ended before it was ready. `log` has its last words. */
export class PostgresStartFailure extends Error {
  override readonly name = "PostgresStartFailure";
  readonly log: string;

  constructor(log: string) {
    super(`Postgres did not start: ${log === "" ? "it said nothing" : log}`);
    this.log = log;
  }
}

const READY = "database system is ready to accept connections";
const STOP_TIMEOUT_MS = 20_000;
const REMEMBERED_LINES = 8;

// Starts Postgres and stops it when standard input ends, which the kernel brings about even when
// this process is killed with SIGKILL. A shell is small; nothing that Node has does it.
const SUPERVISOR = `
exec 3<&0
"$@" </dev/null 3<&- &
postgres=$!
(read -r _ <&3; kill -INT $postgres) 2>/dev/null &
watcher=$!
exec 3<&-
wait $postgres
code=$?
kill $watcher 2>/dev/null
exit $code
`;

/** Starts Postgres and waits until it is ready. Throws {@link PostgresStartFailure}. */
export async function runPostgres(command: PostgresCommand): Promise<PostgresProcess> {
  const child = launch(command);
  let stopping = false;
  const exited = new Promise<void>((resolve) => {
    child.once("error", () => resolve());
    child.once("exit", () => resolve());
  });
  // Whoever stops first, the other end of the pipe may be gone already.
  child.stdin?.on("error", () => undefined);
  await ready(child, command.logger, () => stopping);

  return {
    exited,
    async stop() {
      stopping = true;
      askToStop(child);
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
      await exited;
      clearTimeout(timer);
    },
  };
}

/**
 * What Postgres's programs see: not the caller's PG* variables, and no locale. On Windows Node
 * adds what a process cannot do without.
 */
export const POSTGRES_ENVIRONMENT = { LC_ALL: "C", PATH: "/usr/bin:/bin:/usr/sbin:/sbin" };

function launch({ postgres, args, cwd, account }: PostgresCommand): ChildProcess {
  const [program, ...rest] = account.command(postgres, args);
  const options = { cwd, env: POSTGRES_ENVIRONMENT, windowsHide: true, ...account.spawn };
  if (process.platform === "win32") {
    return spawn(program, rest, { ...options, stdio: ["pipe", "ignore", "pipe"] });
  }
  // Detached: Ctrl-C on the terminal must reach the server alone, which still needs its ledger.
  return spawn("/bin/sh", ["-c", SUPERVISOR, "sh", program, ...rest], {
    ...options,
    stdio: ["pipe", "ignore", "pipe"],
    detached: true,
  });
}

function askToStop(child: ChildProcess): void {
  if (process.platform === "win32") child.kill("SIGINT");
  else child.stdin?.end();
}

function ready(child: ChildProcess, logger: Logger, isStopping: () => boolean): Promise<void> {
  const lastLines: string[] = [];
  return new Promise((resolve, reject) => {
    const fail = () => reject(new PostgresStartFailure(lastLines.join(" | ")));
    child.once("error", (error) => {
      lastLines.push(error.message);
      fail();
    });
    // 'close' comes after the last line was read, 'exit' may come before it.
    child.once("close", fail);
    if (child.stderr === null) return;
    createInterface({ input: child.stderr }).on("line", (line) => {
      lastLines.push(line);
      if (lastLines.length > REMEMBERED_LINES) lastLines.shift();
      const serious = /^(FATAL|PANIC):/.test(line) && !isStopping();
      // While it shuts down or starts it turns sessions away with FATAL; the session says so too.
      const expected = /^FATAL: {2}(terminating|the database system is)/.test(line);
      logger[serious && !expected ? "error" : "debug"]({ line }, "postgres");
      if (line.includes(READY)) resolve();
    });
  });
}
