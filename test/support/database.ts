import { randomBytes } from "node:crypto";
import pg from "pg";
import { inject } from "vitest";
import { type LedgerRole, openPool } from "../../server/src/ledger/pool.ts";

/** A migrated database of a test's own. */
export interface TestDatabase {
  /** The URL of a superuser in it, as the server gets it in DATABASE_URL. */
  readonly url: string;
  /**
   * Opens a pool that works as `role`, orch_app unless told, like the server's; by way of `url`
   * if that is given. Closed by {@link drop}.
   */
  pool(role?: LedgerRole, url?: string): pg.Pool;
  /**
   * A pool of the owner, whom row-level security does not bind: to set a scene and to look at
   * what is really there. Closed by {@link drop}.
   */
  owner(): pg.Pool;
  /** Closes the pools and drops the database, whoever else is still connected. */
  drop(): Promise<void>;
}

const CONNECTIONS_PER_POOL = 8;

/**
 * Clones the migrated template, which takes some 50 ms. Call it in `beforeAll` (or `beforeEach`)
 * and {@link TestDatabase.drop} it afterwards.
 */
export async function createTestDatabase(): Promise<TestDatabase> {
  const server = inject("postgresUrl");
  const name = `orch_test_${process.pid}_${randomBytes(6).toString("hex")}`;
  await administer(server, `create database ${name} template ${inject("postgresTemplate")}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  const pools: pg.Pool[] = [];
  const keep = (pool: pg.Pool): pg.Pool => {
    pools.push(pool);
    return pool;
  };
  return {
    url: url.href,
    pool: (role = "orch_app", by = url.href) =>
      keep(
        openPool({
          url: by,
          role,
          maxConnections: CONNECTIONS_PER_POOL,
          onIdleError: () => {}, // tests cut connections on purpose
        }),
      ),
    owner: () => {
      const pool = new pg.Pool({ connectionString: url.href, max: 2 });
      pool.on("error", () => {});
      return keep(pool);
    },
    async drop() {
      await Promise.all(pools.map((pool) => pool.end()));
      await administer(server, `drop database if exists ${name} with (force)`);
    },
  };
}

async function administer(server: string, statement: string): Promise<void> {
  const url = new URL(server);
  url.pathname = "/postgres";
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
