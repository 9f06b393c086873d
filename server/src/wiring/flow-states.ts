import type { Logger } from "pino";
import type { FlowStateStore } from "../app/flow/state-store.ts";
import type { Config } from "../config.ts";
import { postgresFlowStates } from "../ledger/flow-states.ts";
import type { LedgerPool } from "../ledger/pool.ts";
import { ValkeyFlowStates } from "../queue/valkey-states.ts";

/** Where limiters and breakers are shared, and what ends that. */
export interface FlowStates {
  readonly store: FlowStateStore;
  readonly stop: () => void;
}

/** Builds the store of limiters and breakers: in Valkey where there is one, else in the ledger. */
export async function wireFlowStates(
  { valkeyUrl }: Config,
  pool: LedgerPool,
  logger: Logger,
): Promise<FlowStates> {
  const ledger = postgresFlowStates(pool);
  if (valkeyUrl === undefined) return { store: ledger, stop: () => {} };
  const onError = (err: unknown) => logger.warn({ err }, "limiters are in the ledger meanwhile");
  const store = new ValkeyFlowStates({ url: valkeyUrl, otherwise: ledger, onError });
  await store.start();
  return { store, stop: () => store.stop() };
}
