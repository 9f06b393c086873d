import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { Redis } from "ioredis";
import { findService } from "../../../../scripts/services.mjs";
import { startNats } from "../../../../test/support/nats-process.ts";
import type { ServiceProcess } from "../../../../test/support/service-process.ts";
import { startValkey } from "../../../../test/support/valkey-process.ts";
import type { ReadSeqs, ReadyQueue } from "../../app/bridge/ready-queue.ts";
import { NatsLanes } from "../nats.ts";
import { PostgresReadyQueue } from "../postgres.ts";
import { type SharedQueuePorts, SharedReadyQueue } from "../shared.ts";
import { ValkeyLanes } from "../valkey.ts";

/** What a queue under test is given. */
export interface QueueNeeds extends SharedQueuePorts {
  readonly readSeqs: ReadSeqs;
}

/** A ready queue that has a service. */
export interface SharedKind {
  readonly name: "valkey" | "nats";
  readonly start: () => Promise<ServiceProcess>;
  readonly queue: (url: string, needs: QueueNeeds) => ReadyQueue;
  /** Takes everything out of the service while it runs. */
  readonly flush: (url: string) => Promise<void>;
}

const onError = () => {}; // services are killed on purpose

/** The ready queues that have a service. */
export const SHARED_KINDS: readonly SharedKind[] = [
  {
    name: "valkey",
    start: () => startValkey(),
    queue: (url, needs) =>
      new SharedReadyQueue(new ValkeyLanes({ url, readSeqs: needs.readSeqs, onError }), needs),
    async flush(url) {
      const client = new Redis(url);
      await client.flushall();
      client.disconnect();
    },
  },
  {
    name: "nats",
    start: () => startNats(),
    queue: (url, needs) => new SharedReadyQueue(new NatsLanes(url, onError), needs),
    async flush(url) {
      const connection = await connect({ servers: url });
      const { streams } = await jetstreamManager(connection);
      await streams.purge("ORCH_READY");
      await connection.close();
    },
  },
];

/** One of them. */
export function kindOf(name: SharedKind["name"]): SharedKind {
  const kind = SHARED_KINDS.find((one) => one.name === name);
  if (kind === undefined) throw new Error(`no ready queue on ${name}`);
  return kind;
}

/** The one that needs nothing but the ledger. */
export const postgresQueue = (): ReadyQueue => new PostgresReadyQueue();

/** Why a kind cannot be tested on this machine; undefined: it can. */
export async function missingService(name: SharedKind["name"]): Promise<string | undefined> {
  const service = await findService(name);
  return service.kind === "missing" ? service.why : undefined;
}
