import pg from "pg";

/** A pool of connections to the ledger. */
export type LedgerPool = pg.Pool;

/** Which role a pool works as; see migrations/0001_ledger.sql. */
export type LedgerRole = "orch_app" | "orch_loops";

// bigint as string is pg's default, because not every int8 is a safe integer. Ours are: sequence
// numbers, epochs and sizes stay below 2^53 for centuries, and numbers are what the wire wants.
const INT8_OID = 20;
pg.types.setTypeParser(INT8_OID, Number);

/**
 * What every connection starts with. Each statement looks rows up by key, so the only good plan is
 * a nested loop over indexes. The planner does not know: it caches a plan made while a table was
 * small or its statistics were old, and a sequential scan of a hot table walks over every dead
 * tuple in it. ADR 0002 has what that cost.
 */
const SETTINGS = [
  "enable_seqscan=off",
  "enable_hashjoin=off",
  "enable_mergejoin=off",
  "jit=off",
  "lock_timeout=10s",
  "statement_timeout=30s",
  // A replica that is frozen or cut off in mid-transaction must not hold locks for ever. Shorter
  // than lock_timeout, so that who waits for it gets through.
  "idle_in_transaction_session_timeout=5s",
];

/** What {@link openPool} needs. */
export interface PoolOptions {
  readonly url: string;
  readonly role: LedgerRole;
  /** The most connections it opens. */
  readonly maxConnections: number;
  /** Told about idle connections that break; they are replaced when next needed. */
  readonly onIdleError: (error: Error) => void;
}

/** Opens a pool whose sessions start as `role`, not as the user of the URL. */
export function openPool(options: PoolOptions): LedgerPool {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.maxConnections,
    // Pipelining sends BEGIN, the tenant setting and the first statement in one round trip.
    pipeline: true,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
    application_name: options.role,
    options: SETTINGS.map((setting) => `-c ${setting}`)
      .concat(`-c role=${options.role}`)
      .join(" "),
  });
  pool.on("error", options.onIdleError);
  // A session can end in the same packet that opens it: then whoever asked for the connection has
  // had no turn yet to listen, and an error that nobody listens to ends the process. The first
  // statement says that the connection is broken.
  pool.on("connect", (client) => client.on("error", () => undefined));
  return pool;
}
