import type { Lab } from "../lab.ts";
import { type Fleet, openFleet, openProducer, type Producer } from "./fleet.ts";
import { type Ledger, openLedger } from "./ledger.ts";
import { type BenchServer, startServer } from "./server.ts";

/** A ledger, servers over it, a load generator and workers, each a process of its own. */
export interface Stage {
  readonly ledger: Ledger;
  readonly servers: readonly BenchServer[];
  readonly urls: readonly string[];
  readonly producer: Producer;
  readonly fleet: Fleet;
  close(): Promise<void>;
}

/** What a stage is made of. */
export interface StageOptions {
  /** Of the database; unique in the run. */
  readonly name: string;
  readonly replicas?: number;
  /** 0 for none. */
  readonly workers?: number;
  readonly slots?: number;
  readonly tenant?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** One that is there already, and stays when the stage closes. */
  readonly fleet?: Fleet;
}

/** Opens a stage; what was started is stopped when something fails. */
export async function openStage(lab: Lab, options: StageOptions): Promise<Stage> {
  const { name, replicas = 1, env, tenant = "default" } = options;
  const { workers = lab.options.workers, slots = lab.options.slots } = options;
  const undo: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const ledger = await openLedger(lab.postgres, name);
    undo.push(() => ledger.close());
    const servers: BenchServer[] = [];
    for (let n = 1; n <= replicas; n++) {
      const server = await startServer({
        databaseUrl: ledger.url,
        name: `server ${n}`,
        ...(env && { env }),
      });
      servers.push(server);
      undo.push(() => server.stop());
    }
    const urls = servers.map((server) => server.url);
    const producer = openProducer();
    undo.push(() => producer.close());
    await producer.connect(urls[0] as string, tenant);
    const fleet = options.fleet ?? openFleet({ workers, slots, tenant });
    if (options.fleet === undefined) undo.push(() => fleet.close());
    return { ledger, servers, urls, producer, fleet, close };
  } catch (error) {
    await close();
    throw error;
  }
}
