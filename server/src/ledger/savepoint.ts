import { sql } from "./sql.ts";
import type { Transaction } from "./transaction.ts";

const savepoint = sql<readonly [], never>("savepoint", "savepoint part");
const release = sql<readonly [], never>("savepoint_release", "release savepoint part");
const rollback = sql<readonly [], never>("savepoint_rollback", "rollback to savepoint part");

/**
 * Does a part of a transaction that is taken back by itself if it throws. Not to be nested. An
 * error of the connection takes back everything, as ever.
 */
export async function inPart<T>(tx: Transaction, work: () => Promise<T>): Promise<T> {
  await tx.run(savepoint);
  let result: T;
  try {
    result = await work();
  } catch (error) {
    await tx.run(rollback);
    throw error;
  }
  await tx.run(release);
  return result;
}
