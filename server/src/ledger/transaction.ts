import type { Pool, PoolClient } from "pg";
import { InvalidText } from "../app/invalid-text.ts";
import { LedgerUnavailable } from "../app/ledger-unavailable.ts";
import { isInvalidText, isOutage, isRetryable } from "./errors.ts";
import type { Statement } from "./sql.ts";

/** A transaction that sees the tenants it was opened for. */
export interface Transaction {
  /** Runs a prepared statement and returns its rows. */
  run<Params extends readonly unknown[], Row>(
    statement: Statement<Params, Row>,
    ...params: Params
  ): Promise<Row[]>;
}

/** How often a transaction that lost a deadlock or a serialisation race is tried again. */
const MAX_TRIES = 5;

/**
 * Runs `work` in one transaction that sees `tenants` and nothing else, and commits it.
 *
 * A transaction that loses a race (deadlock, serialisation, a LostRace) is run again, so that
 * `work` must not have effects outside of it. When the database cannot be reached, or goes away in
 * the middle, this throws {@link LedgerUnavailable}; the commit may then have happened or not, so
 * every write here is safe to repeat.
 */
export async function inTransaction<T>(
  pool: Pool,
  tenants: Iterable<string>,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  const visible = [...new Set(tenants)].join(",");
  for (let tries = 1; ; tries++) {
    try {
      return await once(pool, visible, work);
    } catch (error) {
      if (isOutage(error)) throw new LedgerUnavailable(error);
      if (isInvalidText(error)) throw new InvalidText(error);
      if (!isRetryable(error) || tries >= MAX_TRIES) throw error;
    }
  }
}

async function once<T>(
  pool: Pool,
  tenants: string,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  // Without a listener of its own a checked-out client that loses its backend ends the process.
  const onError = (error: Error) => {
    broken = error;
  };
  client.on("error", onError);
  try {
    // Pipelined: these go out together with the first statement of `work`, in one round trip.
    const opened = Promise.all([
      client.query("begin"),
      client.query({ name: "set_tenants", text: SET_TENANTS, values: [tenants] }),
    ]);
    opened.catch(() => {});
    const result = await work(transactionOn(client));
    await opened;
    await client.query("commit");
    return result;
  } catch (error) {
    await client.query("rollback").catch((rollbackError: Error) => {
      broken ??= rollbackError;
    });
    throw error;
  } finally {
    client.off("error", onError);
    client.release(broken);
  }
}

const SET_TENANTS = "select set_config('orch.tenants', $1, true)";

const transactionOn = (client: PoolClient): Transaction => ({
  async run<Params extends readonly unknown[], Row>(
    statement: Statement<Params, Row>,
    ...params: Params
  ): Promise<Row[]> {
    const result = await client.query({
      name: statement.name,
      text: statement.text,
      values: params as unknown as unknown[],
    });
    return result.rows as Row[];
  },
});
