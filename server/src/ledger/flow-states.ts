import type { Pool } from "pg";
import type { FlowStateStore, StateStep } from "../app/flow/state-store.ts";
import { dropStates, lockStates, placeStates, readStates, storeStates } from "./flow-states.sql.ts";
import { inTransaction, type Transaction } from "./transaction.ts";

/** Keeps limiters and breakers in the ledger: row locks and the database's clock. */
export const postgresFlowStates = (pool: Pool): FlowStateStore => ({
  update: async (tenant, steps) => {
    for (;;) {
      const answers = await inTransaction(pool, [tenant], (tx) => update(tx, tenant, steps));
      if (answers !== undefined) return answers;
      // By itself: who holds some states and waits for the place of another can meet its like.
      const keys = [...steps.keys()];
      await inTransaction(pool, [tenant], (tx) => tx.run(placeStates, tenant, keys));
    }
  },

  read: (tenants) =>
    inTransaction(pool, tenants, async (tx) => {
      const states = new Map<string, Map<string, unknown>>();
      for (const row of await tx.run(readStates, [...tenants])) {
        const own = states.get(row.tenant) ?? new Map<string, unknown>();
        states.set(row.tenant, own.set(row.key, row.state));
      }
      return states;
    }),
});

/** Undefined: some state has no place, or somebody took it away meanwhile. */
async function update(tx: Transaction, tenant: string, steps: ReadonlyMap<string, StateStep>) {
  const keys = [...steps.keys()];
  const rows = await tx.run(lockStates, tenant, keys);
  if (rows.length < keys.length) return undefined;
  const answers = new Map<string, { state: unknown; answer: unknown }>();
  for (const row of rows) {
    const step = steps.get(row.key) as StateStep;
    answers.set(row.key, step(row.state ?? undefined, row.now_ms));
  }
  const gone = keys.filter((key) => answers.get(key)?.state === undefined);
  const kept = keys.filter((key) => answers.get(key)?.state !== undefined);
  const json = kept.map((key) => JSON.stringify(answers.get(key)?.state));
  if (kept.length > 0) await tx.run(storeStates, tenant, kept, json);
  if (gone.length > 0) await tx.run(dropStates, tenant, gone);
  return answers;
}
