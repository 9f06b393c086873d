import { spawn } from "node:child_process";
import { once } from "node:events";

// Wakes them when its standard input ends, which the kernel brings about even when the caller is
// killed: a stopped process would stay for ever.
const STOP_UNTIL_TOLD = 'kill -STOP "$@"; echo stopped; read -r _; kill -CONT "$@"';

/**
 * SIGSTOP to the processes, those that are gone left out. Answers what wakes them again, which may
 * be called twice.
 */
export async function pauseProcesses(pids: readonly number[]): Promise<() => Promise<void>> {
  const shell = spawn("/bin/sh", ["-c", STOP_UNTIL_TOLD, "sh", ...pids.map(String)], {
    stdio: ["pipe", "pipe", "ignore"],
    detached: true,
  });
  const woken = once(shell, "exit");
  await once(shell.stdout, "data");
  return async () => {
    shell.stdin.end();
    await woken;
  };
}
