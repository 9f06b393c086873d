import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type pg from "pg";
import { type Clients, clientsOf } from "../../server/src/rpc/testing/clients.ts";
import { type Balance, expectConservation } from "./conservation.ts";
import { createTestDatabase } from "./database.ts";
import { killPrograms } from "./program.ts";
import { type ServerOptions, type ServerProcess, startServer } from "./server-process.ts";
import { startWorker, type WorkerProcess } from "./worker-process.ts";
import type { WorkerSettings } from "./worker-program.ts";

/** How long to wait for what is on its way, on a machine that is busy. */
export const SOON = { timeout: 30_000, interval: 50 };

/** A database, a data folder, and the processes that a test starts on them. */
export interface Stage {
  readonly databaseUrl: string;
  readonly dataDir: string;
  /** Sees all tenants. */
  readonly owner: pg.Pool;
  /** Starts a server; the stage's database and folder unless told. */
  server(options?: Partial<ServerOptions>): Promise<ServerProcess>;
  worker(server: { readonly url: string }, workerId: string, over?: Over): WorkerProcess;
  clients(url: string): Clients;
  /** The job's ended attempts, oldest first: their numbers and outcomes. */
  attempts(jobId: string): Promise<{ attempt: number; outcome: string; worker_id: string }[]>;
  /** Asserts that nothing was lost or doubled, and answers the sums. */
  balance(): Promise<Balance>;
  /** Kills what still runs and takes everything away. */
  close(): Promise<void>;
}

type Over = Partial<Omit<WorkerSettings, "url" | "workerId">>;

/** Opens a stage. Call {@link Stage.close} in the end, whatever happened. */
export async function openStage(): Promise<Stage> {
  const database = await createTestDatabase();
  const dataDir = await mkdtemp(join(tmpdir(), "orch-stage-"));
  const owner = database.owner();
  const connections: Clients[] = [];
  return {
    databaseUrl: database.url,
    dataDir,
    owner,
    server: (options) => startServer({ databaseUrl: database.url, dataDir, ...options }),
    worker: ({ url }, workerId, over) => startWorker({ url, workerId, ...over }),
    clients(url) {
      const clients = clientsOf(url);
      connections.push(clients);
      return clients;
    },
    async attempts(jobId) {
      const { rows } = await owner.query(
        "select attempt, outcome, worker_id from attempt where job_id = $1 order by attempt",
        [jobId],
      );
      return rows;
    },
    balance: () => expectConservation(owner),
    async close() {
      for (const connection of connections) connection.close();
      await killPrograms();
      await database.drop();
      await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Enqueues jobs of a type; answers their ids, in order. */
export async function enqueue(clients: Clients, jobType: string, count = 1): Promise<string[]> {
  const jobs = Array.from({ length: count }, () => ({ jobType }));
  const { results } = await clients.jobs.enqueueJobs({ jobs });
  return results.map(({ jobId }) => jobId);
}
