import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { pauseProcesses } from "./pause-processes.ts";

// What befalls the Postgres that a server embeds, found by the server's data folder.

/** Whether this machine shows a process's children as files: what {@link pausePostgres} needs. */
export const canPausePostgres = process.platform === "linux";

/** A superuser's URL of the Postgres that a server runs in this data folder. */
export async function embeddedUrl(dataDir: string): Promise<string> {
  const password = (await readFile(join(dataDir, "postgres.password"), "utf8")).trim();
  const host = (await readFile(join(dataDir, "postgres.socket-folder"), "utf8")).trim();
  const query = new URLSearchParams({ host, port: "5432" });
  return `postgresql://orchestrator:${password}@localhost/orchestrator?${query}`;
}

/**
 * SIGSTOP to every process of it: it is there and does not answer. Answers what wakes it again,
 * which may be called twice.
 */
export async function pausePostgres(dataDir: string): Promise<() => Promise<void>> {
  const postmaster = await postmasterIn(dataDir);
  return await pauseProcesses([postmaster, ...(await childrenOf(postmaster))]);
}

/** Immediate shutdown, as in a crash: sessions are cut and nothing is flushed. */
export async function crashPostgres(dataDir: string): Promise<void> {
  process.kill(await postmasterIn(dataDir), "SIGQUIT");
}

/** Takes away what an embedded Postgres leaves outside of the folder when its server is killed. */
export async function sweepEmbedded(dataDir: string): Promise<void> {
  const note = join(dataDir, "postgres.socket-folder");
  const folder = await readFile(note, "utf8").catch(() => undefined);
  if (folder !== undefined) await rm(folder.trim(), { recursive: true, force: true });
}

/** The process id that a running Postgres notes in the first line of its file. */
async function postmasterIn(dataDir: string): Promise<number> {
  const text = await readFile(join(dataDir, "postgres", "postmaster.pid"), "utf8");
  return Number(text.split("\n")[0]);
}

async function childrenOf(parent: number): Promise<number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const stats = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/stat`, "utf8").catch(() => "")),
  );
  // After the name, which is in brackets and may hold anything: state, then parent.
  const parentIn = (stat: string) => stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1];
  return pids.filter((_, index) => parentIn(stats[index] ?? "") === String(parent));
}
