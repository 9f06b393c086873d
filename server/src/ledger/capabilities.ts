import type { Pool } from "pg";
import type { Capability } from "../app/fleet/capabilities.ts";
import {
  countCapable,
  removeCapabilities,
  removeStaleCapabilities,
  writeCapabilities,
} from "./capability.sql.ts";
import { inTransaction, type Transaction } from "./transaction.ts";

/** Rows of one transaction. Row-level security compares each one's tenant with all of them. */
const MAX_ROWS = 500;

async function inPages(
  pool: Pool,
  all: readonly Capability[],
  work: (tx: Transaction, some: readonly Capability[]) => Promise<unknown>,
): Promise<void> {
  for (let start = 0; start < all.length; start += MAX_ROWS) {
    const some = all.slice(start, start + MAX_ROWS);
    const tenants = some.map(({ tenant }) => tenant);
    await inTransaction(pool, tenants, (tx) => work(tx, some));
  }
}

const kindColumns = (some: readonly Capability[]) =>
  [
    some.map(({ tenant }) => tenant),
    some.map(({ queue }) => queue),
    some.map(({ jobType }) => jobType),
  ] as const;

/** Writes what the workers of a replica take, and that it is alive. */
export const writeCapabilitiesIn = (pool: Pool, serverId: string) => (all: readonly Capability[]) =>
  inPages(pool, all, (tx, some) => {
    const workers = some.map((one) => one.workers);
    return tx.run(writeCapabilities, serverId, ...kindColumns(some), workers);
  });

/** Takes away what the workers of a replica no longer take. */
export const removeCapabilitiesIn =
  (pool: Pool, serverId: string) => (all: readonly Capability[]) =>
    inPages(pool, all, (tx, some) => tx.run(removeCapabilities, serverId, ...kindColumns(some)));

/** Takes away what replicas left that are gone. */
export const removeStaleCapabilitiesIn = (loopsPool: Pool) => (): Promise<void> =>
  inTransaction(loopsPool, [], async (tx) => {
    await tx.run(removeStaleCapabilities);
  });

/** How many workers of other replicas than this one take a job type from a queue. */
export const countCapableElsewhere =
  (pool: Pool, serverId: string) =>
  (tenant: string, queue: string, jobType: string): Promise<number> =>
    inTransaction(pool, [tenant], async (tx) => {
      const [row] = await tx.run(countCapable, tenant, serverId, queue, jobType);
      return row?.workers ?? 0;
    });
