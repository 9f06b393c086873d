import { execFile } from "node:child_process";
import { readFile, readlink, realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import type { Logger } from "pino";

const run = promisify(execFile);

const STOP_TIMEOUT_MS = 30_000;
const POLL_MS = 20;

/**
 * Ends a Postgres that a killed server left running in `folder`, and takes away a pid file that
 * names some other process, which Postgres would take for a running server.
 *
 * Only to be called by who holds the folder alone: then a live Postgres in it has no server.
 */
export async function stopOrphan(folder: string, logger: Logger): Promise<void> {
  const pidFile = join(folder, "postmaster.pid");
  const pid = await pidIn(pidFile);
  if (pid === undefined) return;
  if (!(await isPostgresOf(pid, folder))) {
    // Crash recovery needs no pid file; without a process behind it, it is only in the way.
    await rm(pidFile, { force: true });
    return;
  }
  logger.warn({ pid }, "stopping a Postgres that an earlier server left behind");
  const deadline = performance.now() + STOP_TIMEOUT_MS;
  signal(pid, "SIGINT");
  while (isAlive(pid)) {
    if (performance.now() > deadline) throw new Error(`Postgres ${pid} in ${folder} does not stop`);
    await delay(POLL_MS);
  }
}

async function pidIn(pidFile: string): Promise<number | undefined> {
  try {
    const pid = Number.parseInt((await readFile(pidFile, "utf8")).split("\n")[0] ?? "", 10);
    return Number.isNaN(pid) ? undefined : Math.abs(pid);
  } catch {
    return undefined;
  }
}

/** Whether the process is a Postgres at work in the folder, not a newcomer with an old pid. */
async function isPostgresOf(pid: number, folder: string): Promise<boolean> {
  if (!isAlive(pid)) return false;
  try {
    if (process.platform === "linux") {
      const [cwd, name] = await Promise.all([
        readlink(`/proc/${pid}/cwd`),
        readFile(`/proc/${pid}/comm`, "utf8"),
      ]);
      return cwd === (await realpath(folder)) && name.trim() === "postgres";
    }
    if (process.platform === "win32") {
      const { stdout } = await run("tasklist", ["/fi", `PID eq ${pid}`, "/nh"]);
      return stdout.includes("postgres");
    }
    const { stdout } = await run("ps", ["-o", "command=", "-p", String(pid)]);
    return stdout.includes("postgres") && stdout.includes(folder);
  } catch {
    return false;
  }
}

function isAlive(pid: number): boolean {
  return signal(pid, 0);
}

function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
