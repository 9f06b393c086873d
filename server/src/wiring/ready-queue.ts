import type { Logger } from "pino";
import type { ReadyQueue } from "../app/bridge/ready-queue.ts";
import type { Config } from "../config.ts";
import { readSeqsIn } from "../ledger/claim.ts";
import type { LedgerPool } from "../ledger/pool.ts";
import type { LaneService } from "../queue/lane-service.ts";
import { NatsLanes } from "../queue/nats.ts";
import { PostgresReadyQueue } from "../queue/postgres.ts";
import { SharedReadyQueue } from "../queue/shared.ts";
import { ValkeyLanes } from "../queue/valkey.ts";

/**
 * Builds the ready queue that the settings name.
 *
 * @param wake hands out a tenant's jobs: a shared queue has found some.
 */
export function wireReadyQueue(
  config: Config,
  pool: LedgerPool,
  logger: Logger,
  wake: (tenant: string) => void,
): ReadyQueue {
  const service = laneService(config, pool, (err) => logger.warn({ err }, "ready queue"));
  if (service === undefined) return new PostgresReadyQueue();
  const { readyQueue } = config;
  return new SharedReadyQueue(service, {
    wake,
    onService: (state, err) => {
      if (state === "back") logger.info({ readyQueue }, "ready queue is there");
      else logger.warn({ readyQueue, err }, "ready queue is away, searching the ledger");
    },
  });
}

function laneService(
  { readyQueue, valkeyUrl, natsUrl }: Config,
  pool: LedgerPool,
  onError: (error: unknown) => void,
): LaneService | undefined {
  if (readyQueue === "valkey" && valkeyUrl !== undefined) {
    return new ValkeyLanes({ url: valkeyUrl, readSeqs: readSeqsIn(pool), onError });
  }
  if (readyQueue === "nats" && natsUrl !== undefined) return new NatsLanes(natsUrl, onError);
  return undefined;
}
