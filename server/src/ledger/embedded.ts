import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir, totalmem } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import pg from "pg";
import type { Logger } from "pino";
import { takeFolder } from "../lib/exclusive-use.ts";
import { type Account, chooseAccount, giveTo } from "./embedded-account.ts";
import { findPostgres, type PostgresBinaries } from "./embedded-binaries.ts";
import { stopOrphan } from "./embedded-orphan.ts";
import {
  POSTGRES_ENVIRONMENT,
  type PostgresProcess,
  PostgresStartFailure,
  runPostgres,
} from "./embedded-process.ts";

const run = promisify(execFile);

const SUPERUSER = "orchestrator";
const DATABASE = "orchestrator";
const SOCKET_FOLDER_PREFIX = "orch-pg-";
const RESTART_DELAY_MS = 1_000;
const LEFTOVER_PATIENCE_MS = 10_000;

/** What {@link startEmbeddedPostgres} needs. */
export interface EmbeddedOptions {
  /** Data goes into `postgres/` below it; made if need be. */
  readonly dataDir: string;
  readonly logger: Logger;
}

/** An embedded Postgres that accepts connections. */
export interface EmbeddedPostgres {
  /** A superuser's address, password included: not for logs. */
  readonly url: string;
  /** Stops it with a checkpoint, and lets go of the folder. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Starts the Postgres that came with npm on a folder of its own, making the cluster the first
 * time. fsync and synchronous_commit are on: what is committed survives a power cut.
 *
 * It never outlives this process by more than a moment, not even after SIGKILL, and is started
 * again should it end by itself. Throws FolderInUse when another server has the folder.
 */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const dataDir = resolve(options.dataDir);
  const release = await takeFolder(dataDir);
  try {
    const binaries = await findPostgres();
    const account = await chooseAccount([binaries.postgres, dataDir]);
    const cluster: Cluster = { folder: join(dataDir, "postgres"), binaries, account };
    const password = await ensurePassword(dataDir);
    await ensureCluster(cluster, dataDir, password, options.logger);
    await stopOrphan(cluster.folder, options.logger);
    const endpoint = await makeEndpoint(account, dataDir);
    const keeper = await keepRunning(cluster, endpoint, options.logger);
    const url = await ensureDatabase(endpoint, password);
    let stopped: Promise<void> | undefined;
    const stop = async () => {
      await keeper.stop();
      await endpoint.remove();
      await release();
    };
    return { url, stop: () => (stopped ??= stop()) };
  } catch (error) {
    await release();
    throw error;
  }
}

interface Cluster {
  readonly folder: string;
  readonly binaries: PostgresBinaries;
  readonly account: Account;
}

async function ensurePassword(dataDir: string): Promise<string> {
  const file = join(dataDir, "postgres.password");
  if (existsSync(file)) return (await readFile(file, "utf8")).trim();
  const password = randomBytes(24).toString("hex");
  await writeFile(file, `${password}\n`, { mode: 0o600 });
  return password;
}

async function ensureCluster(
  { folder, binaries, account }: Cluster,
  dataDir: string,
  password: string,
  logger: Logger,
): Promise<void> {
  const versionFile = join(folder, "PG_VERSION");
  if (existsSync(versionFile)) {
    const version = (await readFile(versionFile, "utf8")).trim();
    if (version === binaries.major) return await giveToIfForeign(account, folder);
    throw new Error(`${folder} is of Postgres ${version}, this server brings ${binaries.major}`);
  }
  logger.info({ folder }, "making a Postgres cluster");
  // Made aside and moved into place: a cluster is whole or not there.
  const fresh = `${folder}.new`;
  const passwordFile = `${folder}.init-password`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { mode: 0o700 });
  await writeFile(passwordFile, password, { mode: 0o600 });
  try {
    await giveTo(account, fresh);
    if (account.owner) await chown(passwordFile, account.owner.uid, account.owner.gid);
    const [program, ...args] = account.command(binaries.initdb, initdbArgs(fresh, passwordFile));
    await run(program, args, { cwd: dataDir, env: POSTGRES_ENVIRONMENT, ...account.spawn });
    await rename(fresh, folder);
  } finally {
    await rm(passwordFile, { force: true });
  }
}

/** A folder copied or restored by root belongs to root, and Postgres refuses it. */
async function giveToIfForeign(account: Account, folder: string): Promise<void> {
  if (account.owner === undefined || (await stat(folder)).uid === account.owner.uid) return;
  await giveTo(account, folder);
}

function initdbArgs(folder: string, passwordFile: string): string[] {
  return [
    `--pgdata=${folder}`,
    `--username=${SUPERUSER}`,
    `--pwfile=${passwordFile}`,
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    // Byte order, the same on every machine and after every upgrade of a C library.
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    "--no-instructions",
  ];
}

/** Where clients connect. */
interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** Settings that make Postgres listen there and nowhere else. */
  readonly settings: readonly string[];
  remove(): Promise<void>;
}

/**
 * A Unix socket in a short folder that only this account may enter: faster than TCP, closed to
 * the machine's other users, and no port to collide. Windows gets TCP on loopback.
 */
async function makeEndpoint(account: Account, dataDir: string): Promise<Endpoint> {
  if (process.platform === "win32") {
    const port = await freePort();
    const settings = ["listen_addresses=127.0.0.1", `port=${port}`];
    return { host: "127.0.0.1", port, settings, remove: async () => undefined };
  }
  // A killed server cannot take its socket's folder away; its successor does.
  const note = join(dataDir, "postgres.socket-folder");
  const left = await readFile(note, "utf8").catch(() => "");
  if (left.startsWith(join(tmpdir(), SOCKET_FOLDER_PREFIX))) {
    await rm(left, { recursive: true, force: true });
  }
  const host = await mkdtemp(join(tmpdir(), SOCKET_FOLDER_PREFIX));
  await writeFile(note, host);
  await chmod(host, 0o700);
  await giveTo(account, host);
  return {
    host,
    port: 5432,
    settings: ["listen_addresses=", `unix_socket_directories=${host}`],
    remove: () => rm(host, { recursive: true, force: true }),
  };
}

function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer().once("error", fail);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => done(port));
    });
  });
}

const GIB = 1024 ** 3;

/**
 * Modest settings for a small machine that Postgres shares with its server. Given on the command
 * line, so that an upgrade of this program changes them for clusters that exist.
 */
function settings(): string[] {
  return [
    `shared_buffers=${totalmem() >= 4 * GIB ? "256MB" : "64MB"}`,
    "max_connections=100",
    "fsync=on",
    "synchronous_commit=on",
    "full_page_writes=on",
    // Checkpoints by time, not because the log is full in the middle of a burst.
    "max_wal_size=2GB",
    "min_wal_size=256MB",
    "wal_buffers=16MB",
    "checkpoint_timeout=10min",
    "random_page_cost=1.1",
    "jit=off",
    // The ready queue lives by DELETE: vacuum it often, and let vacuum go at full speed.
    "autovacuum_naptime=10s",
    "autovacuum_vacuum_cost_delay=0",
    "timezone=UTC",
    "log_timezone=UTC",
    "log_line_prefix=",
    "log_checkpoints=off",
  ];
}

/** Starts Postgres, and again whenever it ends by itself. */
async function keepRunning(
  cluster: Cluster,
  endpoint: Endpoint,
  logger: Logger,
): Promise<{ stop(): Promise<void> }> {
  const options = [...settings(), ...endpoint.settings].flatMap((setting) => ["-c", setting]);
  const start = () =>
    startPatiently({
      postgres: cluster.binaries.postgres,
      args: ["-D", cluster.folder, ...options],
      cwd: cluster.folder,
      account: cluster.account,
      logger,
    });
  const stopping = new AbortController();
  let current: PostgresProcess | undefined = await start();

  const keep = (async () => {
    while (!stopping.signal.aborted) {
      await current?.exited;
      if (stopping.signal.aborted) return;
      logger.error("Postgres ended by itself, starting it again");
      current = await start().catch((error: unknown) => {
        logger.error({ err: error }, "Postgres does not start");
        return undefined;
      });
      if (current !== undefined) continue;
      await delay(RESTART_DELAY_MS, undefined, stopping).catch(() => undefined);
    }
  })();

  return {
    async stop() {
      stopping.abort();
      await current?.stop();
      await keep;
      // It may have been on its way up when the stop came.
      await current?.stop();
    },
  };
}

/**
 * Waits for what a killed Postgres leaves behind: its sessions need a moment to notice, and until
 * then a new one refuses to start.
 */
async function startPatiently(
  command: Parameters<typeof runPostgres>[0],
): Promise<PostgresProcess> {
  const deadline = performance.now() + LEFTOVER_PATIENCE_MS;
  for (;;) {
    try {
      return await runPostgres(command);
    } catch (error) {
      const leftover = /shared memory block|lock file/;
      const transient = error instanceof PostgresStartFailure && leftover.test(error.log);
      if (!transient || performance.now() > deadline) throw error;
      await delay(100);
    }
  }
}

async function ensureDatabase(endpoint: Endpoint, password: string): Promise<string> {
  const { host, port } = endpoint;
  const admin = new pg.Client({ host, port, user: SUPERUSER, password, database: "postgres" });
  await admin.connect();
  try {
    const found = await admin.query("select from pg_database where datname = $1", [DATABASE]);
    if (found.rowCount === 0) await admin.query(`create database ${DATABASE}`);
  } finally {
    await admin.end();
  }
  const query = new URLSearchParams({ host, port: String(port) });
  return `postgresql://${SUPERUSER}:${password}@localhost/${DATABASE}?${query}`;
}
