import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import pg from "pg";

/** Any constant does, as long as nothing else in the database uses it: "orch" in ASCII. */
const ADVISORY_LOCK = 0x6f726368;

/** The oldest Postgres that the migrations run on: they use SQL-standard function bodies. */
const MIN_SERVER_VERSION = 140_000;

/** SQLSTATE of what the user may not do. */
const INSUFFICIENT_PRIVILEGE = "42501";

const PRIVILEGE_HINT =
  "; the user of DATABASE_URL must own the database and either have CREATEROLE or be a member " +
  "of the roles orch_app and orch_loops, made beforehand with CREATE ROLE … NOLOGIN";

const MIGRATIONS = new URL("../../migrations/", import.meta.url);

/** Says why the database cannot be used; the message tells the operator what to do. */
export class MigrationError extends Error {
  override readonly name = "MigrationError";
}

/** What {@link migrate} did. */
export interface MigrateResult {
  /** The names of the migrations that were applied now, in order. */
  readonly applied: readonly string[];
}

/**
 * Brings the schema up to date. Replicas that start together take turns (advisory lock); each
 * migration is a transaction. A migration that was edited after it had been applied, or a
 * database that is newer than this server, is refused with {@link MigrationError}.
 */
export async function migrate(url: string): Promise<MigrateResult> {
  const client = new pg.Client({ connectionString: url, application_name: "orch_migrate" });
  client.on("error", () => {}); // a lost connection fails the statement that waits for it
  await client.connect();
  try {
    await requireVersion(client);
    await client.query("select pg_advisory_lock($1)", [ADVISORY_LOCK]);
    return { applied: await applyAll(client) };
  } finally {
    await client.end();
  }
}

async function requireVersion(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ version: number; text: string }>(
    "select current_setting('server_version_num')::int as version, version() as text",
  );
  const found = rows[0];
  if (found === undefined || found.version < MIN_SERVER_VERSION) {
    throw new MigrationError(`Postgres 14 or newer is needed; this is ${found?.text}`);
  }
}

async function applyAll(client: pg.Client): Promise<string[]> {
  await client.query(`create table if not exists schema_migration (
    name text primary key, checksum text not null, applied_at timestamptz not null default now())`);
  const known = await client.query<{ name: string; checksum: string }>(
    "select name, checksum from schema_migration",
  );
  const checksums = new Map(known.rows.map((row) => [row.name, row.checksum]));
  const files = (await readdir(MIGRATIONS)).filter((file) => file.endsWith(".sql")).sort();
  const unknown = [...checksums.keys()].filter((name) => !files.includes(name));
  if (unknown.length > 0) {
    throw new MigrationError(
      `the database has migrations that this server does not know (${unknown.join(", ")}): ` +
        "it was used by a newer server; start that version",
    );
  }
  const applied: string[] = [];
  for (const file of files) {
    const text = await readFile(new URL(file, MIGRATIONS), "utf8");
    const checksum = createHash("sha256").update(text).digest("hex");
    const before = checksums.get(file);
    if (before === checksum) continue;
    if (before !== undefined) {
      throw new MigrationError(`${file} was changed after it had been applied; restore it`);
    }
    await applyOne(client, file, text, checksum);
    applied.push(file);
  }
  return applied;
}

async function applyOne(
  client: pg.Client,
  file: string,
  text: string,
  checksum: string,
): Promise<void> {
  await client.query("begin");
  try {
    await client.query(text);
    await client.query("insert into schema_migration (name, checksum) values ($1, $2)", [
      file,
      checksum,
    ]);
    await client.query("commit");
  } catch (error) {
    await client.query("rollback");
    const { message, code } = error as Error & { code?: string };
    const hint = code === INSUFFICIENT_PRIVILEGE ? PRIVILEGE_HINT : "";
    throw new MigrationError(`${file}: ${message}${hint}`, { cause: error });
  }
}
