import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import pg from "pg";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { FolderInUse } from "../lib/exclusive-use.ts";
import { startEmbeddedPostgres } from "./embedded.ts";

const logger = pino({ level: "silent" });
const HOLDER = new URL("./testing/hold-postgres.ts", import.meta.url).pathname;

let dataDir: string;
const holders = new Set<ChildProcess>();

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "orch-embedded-"));
});

afterAll(async () => {
  for (const holder of holders) holder.kill("SIGKILL");
  await rm(dataDir, { recursive: true, force: true });
});

describe("the embedded Postgres", () => {
  it("starts on an empty folder, durable, with a password that only its owner reads", async () => {
    const postgres = await startEmbeddedPostgres({ dataDir, logger });
    expect(await query(postgres.url, "show fsync")).toEqual([{ fsync: "on" }]);
    expect(await query(postgres.url, "show synchronous_commit")).toEqual([
      { synchronous_commit: "on" },
    ]);
    expect(await query(postgres.url, "show data_checksums")).toEqual([{ data_checksums: "on" }]);
    expect((await stat(join(dataDir, "postgres.password"))).mode & 0o777).toBe(0o600);

    const wrong = new URL(postgres.url);
    wrong.password = "wrong";
    await expect(query(wrong.href, "select 1")).rejects.toThrow(/password authentication failed/);
    await postgres.stop();
    await expect(query(postgres.url, "select 1")).rejects.toThrow();
  });

  it("keeps what was committed over a restart", async () => {
    const first = await startEmbeddedPostgres({ dataDir, logger });
    await query(first.url, "create table kept as select 42 as answer");
    await first.stop();
    await first.stop();
    const second = await startEmbeddedPostgres({ dataDir, logger });
    expect(await query(second.url, "select answer from kept")).toEqual([{ answer: 42 }]);
    await second.stop();
  });

  it("refuses a folder that another server has, in this process and in another", async () => {
    const holder = await hold();
    await expect(startEmbeddedPostgres({ dataDir, logger })).rejects.toThrow(FolderInUse);
    await kill(holder.child);
    const mine = await startEmbeddedPostgres({ dataDir, logger });
    await expect(startEmbeddedPostgres({ dataDir, logger })).rejects.toThrow(/in use by another/);
    expect((await hold().catch(String)) as unknown).toMatch(/in use by another server/);
    await mine.stop();
  });

  it("leaves no Postgres behind when its server is killed, and starts again", async () => {
    const holder = await hold();
    await query(holder.url, "create table survivor as select 1 as one");
    const pid = await postmasterPid();
    await kill(holder.child);
    await vi.waitFor(() => expect(alive(pid)).toBe(false), { timeout: 10_000 });
    const left = await readFile(join(dataDir, "postgres.socket-folder"), "utf8");
    const again = await startEmbeddedPostgres({ dataDir, logger });
    await expect(stat(left)).rejects.toThrow(/ENOENT/);
    expect(await query(again.url, "select one from survivor")).toEqual([{ one: 1 }]);
    await again.stop();
  });

  it("stops an orphan whose supervisor was killed, too", async () => {
    const holder = await hold();
    const pid = await postmasterPid();
    const supervisor = Number((await readFile(`/proc/${pid}/stat`, "utf8")).split(" ")[3]);
    for (const child of await childrenOf(supervisor)) {
      if (child !== pid) process.kill(child, "SIGKILL");
    }
    process.kill(supervisor, "SIGKILL");
    await kill(holder.child);
    expect(alive(pid)).toBe(true);
    const again = await startEmbeddedPostgres({ dataDir, logger });
    expect(alive(pid)).toBe(false);
    expect(await query(again.url, "select 1 as one")).toEqual([{ one: 1 }]);
    await again.stop();
  });

  it("starts although a pid file names a process that is no Postgres", async () => {
    await writeFile(join(dataDir, "postgres", "postmaster.pid"), `${process.pid}\n${dataDir}\n`);
    const postgres = await startEmbeddedPostgres({ dataDir, logger });
    expect(await query(postgres.url, "select 1 as one")).toEqual([{ one: 1 }]);
    await postgres.stop();
  });

  it("brings Postgres back, at the same address, when it is killed", async () => {
    const postgres = await startEmbeddedPostgres({ dataDir, logger });
    await query(postgres.url, "create table durable as select 7 as seven");
    process.kill(await postmasterPid(), "SIGKILL");
    const seen = await vi.waitFor(() => query(postgres.url, "select seven from durable"), {
      timeout: 20_000,
    });
    expect(seen).toEqual([{ seven: 7 }]);
    await postgres.stop();
  });

  it("refuses a cluster of another major version and says so", async () => {
    const other = await mkdtemp(join(tmpdir(), "orch-embedded-"));
    await mkdir(join(other, "postgres"));
    await writeFile(join(other, "postgres", "PG_VERSION"), "12\n");
    const started = startEmbeddedPostgres({ dataDir: other, logger });
    await expect(started).rejects.toThrow(/is of Postgres 12/);
    await rm(other, { recursive: true });
  });
});

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

async function hold(): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, [HOLDER, dataDir], { stdio: ["pipe", "pipe", "inherit"] });
  holders.add(child);
  if (child.stdout === null) throw new Error("no output");
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  const said = JSON.parse(line) as { url?: string; error?: string };
  if (said.url === undefined) throw new Error(said.error);
  return { child, url: said.url };
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}

async function postmasterPid(): Promise<number> {
  return Number.parseInt(await readFile(join(dataDir, "postgres", "postmaster.pid"), "utf8"), 10);
}

async function childrenOf(pid: number): Promise<number[]> {
  const list = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
  return list.trim().split(" ").map(Number);
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
