import type { Pool } from "pg";
import { ping, sampleReady } from "./health.sql.ts";
import { inTransaction } from "./transaction.ts";

/** Asks the ledger for an answer, as orch_loops; rejects when it cannot be had. */
export const pingIn = (loopsPool: Pool) => async (): Promise<void> => {
  await inTransaction(loopsPool, [], (tx) => tx.run(ping));
};

/** How many jobs of these tenants are ready, counted up to `atMost`, all of them together. */
export const sampleReadyIn =
  (pool: Pool) =>
  async (tenants: readonly string[], atMost: number): Promise<number> => {
    if (tenants.length === 0) return 0;
    const [row] = await inTransaction(pool, tenants, (tx) =>
      tx.run(sampleReady, [...tenants], atMost),
    );
    return row?.count ?? 0;
  };
