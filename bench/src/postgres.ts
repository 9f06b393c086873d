import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { pino } from "pino";
import { startEmbeddedPostgres } from "../../server/src/ledger/embedded.ts";

/** Settings whose values belong next to every figure. */
const NAMED_SETTINGS = [
  "server_version",
  "synchronous_commit",
  "fsync",
  "full_page_writes",
  "wal_level",
  "wal_sync_method",
  "shared_buffers",
  "max_wal_size",
  "checkpoint_timeout",
  "wal_buffers",
  "autovacuum_naptime",
  "random_page_cost",
  "jit",
];

/** The one Postgres that all contestants of a run share, each in databases of its own. */
export interface BenchPostgres {
  readonly settings: Readonly<Record<string, string>>;
  /** The process whose children are all sessions. */
  readonly pid: number;
  /** Makes an empty database, or takes the place of one, and answers a superuser's URL of it. */
  createDatabase(name: string): Promise<string>;
  dropDatabase(name: string): Promise<void>;
  /** Writes a checkpoint, so that none falls into what is measured next. */
  checkpoint(): Promise<void>;
  /** How many bytes of log have been written so far, by everybody. */
  walBytes(): Promise<number>;
  stop(): Promise<void>;
}

const DATA_PARENT = fileURLToPath(new URL("../.data", import.meta.url));

/**
 * Starts the embedded Postgres, as the server would, in a folder of its own below `dataDir`
 * (bench/.data unless told; not a memory disk, where an fsync costs nothing).
 */
export async function startPostgres(dataDir: string | undefined): Promise<BenchPostgres> {
  const parent = dataDir ?? DATA_PARENT;
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(join(parent, "postgres-"));
  const remove = () => rm(folder, { recursive: true, force: true, maxRetries: 5 });
  const logger = pino({ level: "silent" });
  const embedded = await startEmbeddedPostgres({ dataDir: folder, logger }).catch(async (error) => {
    await remove();
    throw error;
  });
  const admin = new pg.Pool({ connectionString: urlOf(embedded.url, "postgres"), max: 2 });
  admin.on("error", () => undefined);
  const { rows } = await admin.query<{ name: string; setting: string }>(
    "select name, current_setting(name) as setting from pg_settings where name = any($1)",
    [NAMED_SETTINGS],
  );
  const pidFile = await readFile(join(folder, "postgres", "postmaster.pid"), "utf8");
  const dropDatabase = async (name: string) => {
    await admin.query(`drop database if exists "${name}" with (force)`);
  };
  return {
    settings: Object.fromEntries(rows.map(({ name, setting }) => [name, setting])),
    pid: Number.parseInt(pidFile, 10),
    createDatabase: async (name) => {
      await dropDatabase(name);
      await admin.query(`create database "${name}"`);
      return urlOf(embedded.url, name);
    },
    dropDatabase,
    checkpoint: async () => void (await admin.query("checkpoint")),
    walBytes: async () => {
      const text = "select pg_current_wal_insert_lsn() - '0/0'::pg_lsn as bytes";
      return Number((await admin.query<{ bytes: string }>(text)).rows[0]?.bytes);
    },
    async stop() {
      await admin.end();
      await embedded.stop();
      await remove();
    },
  };
}

/** How many dead tuples the tables of a database have, as far as its statistics know yet. */
export async function deadTuples(url: string): Promise<number> {
  const [row] = await query<{ dead: number }>(
    url,
    "select coalesce(sum(n_dead_tup), 0)::float8 as dead from pg_stat_user_tables",
  );
  return row?.dead ?? 0;
}

/** Runs one statement on a connection of its own. */
export async function query<Row extends object>(
  url: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  try {
    return (await client.query<Row & pg.QueryResultRow>(text, [...values])).rows;
  } finally {
    await client.end();
  }
}

function urlOf(server: string, database: string): string {
  const url = new URL(server);
  url.pathname = `/${database}`;
  return url.href;
}
