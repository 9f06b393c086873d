import type pg from "pg";
import { openPool } from "../../../server/src/ledger/pool.ts";
import type { Lab } from "../lab.ts";
import { startMeter } from "../meter.ts";
import { type Ledger, openLedger } from "../ours/ledger.ts";
import { payloadOf } from "../payload.ts";
import type { Contestant, Sample } from "../workload.ts";
import { drainProcedure, enqueueProcedure } from "./procedures.ts";

/** Connections that the bound works with: one a core of the machine it was written for. */
export const BOUND_CONNECTIONS = 2;

/** What the database alone can do. */
export interface Bound {
  /** Writes jobs; jobs/s. */
  enqueue(jobs: number): Promise<Sample>;
  /** Fills up, then claims and completes; jobs/s. */
  drain(jobs: number): Promise<Sample>;
}

/** How a workload measures it. */
export interface BoundMeasure {
  readonly measure: (bound: Bound) => Promise<Sample>;
}

/** The bound's name in tables. */
export const BOUND = "bound";

/**
 * The same rows as the server's, by its own statements, in procedures inside Postgres: as the
 * server's role, with its planner settings and its row-level security. Node only starts them.
 */
export function openBound(lab: Lab, workload: string, { measure }: BoundMeasure): Contestant {
  return {
    name: BOUND,
    role: "bound",
    async open() {
      const ledger = await openLedger(lab.postgres, `${workload}_bound`);
      const pool = await openProcedures(ledger, lab.options.boundBatch, "durable");
      const bound = boundOn(lab, ledger, pool);
      return {
        name: BOUND,
        role: "bound",
        measure: () => measure(bound),
        close: async () => {
          await pool.end();
          await ledger.close();
        },
      };
    },
  };
}

/**
 * Makes the procedures in a ledger and answers a pool that may call them. What is only scenery for
 * a measurement, and never measured itself, need not wait for the disk.
 */
export async function openProcedures(
  ledger: Ledger,
  batch: number,
  durability: "durable" | "scenery",
): Promise<pg.Pool> {
  await ledger.pool.query(enqueueProcedure(JSON.stringify(payloadOf(0))));
  await ledger.pool.query(drainProcedure(batch));
  const pool = openPool({
    url: ledger.url,
    role: "orch_app",
    maxConnections: BOUND_CONNECTIONS,
    onIdleError: () => undefined,
  });
  // Procedures run for as long as they need.
  const flush = durability === "durable" ? "on" : "off";
  const settings = `set statement_timeout = 0; set synchronous_commit = ${flush}`;
  pool.on("connect", (client) => void client.query(settings));
  return pool;
}

/** Makes jobs ready quickly, by procedure, on all connections of the pool; `age` is their ids'. */
export async function fill(
  pool: pg.Pool,
  tenant: string,
  jobs: number,
  batch: number,
  age = "0",
): Promise<void> {
  await onAll(jobs, (share) =>
    pool.query(`call bench_enqueue('${tenant}', ${share}, ${batch}, '${age}')`),
  );
}

/** Claims, accepts and completes what is ready, by procedure, on all connections of the pool. */
export async function drainAll(pool: pg.Pool, tenant: string, jobs: number): Promise<void> {
  await onAll(jobs, () => pool.query(`call bench_drain('${tenant}', ${jobs})`));
}

function boundOn(lab: Lab, ledger: Ledger, pool: pg.Pool): Bound {
  const batch = lab.options.boundBatch;
  const timed = async (jobs: number, work: () => Promise<unknown>): Promise<Sample> => {
    await ledger.tidy();
    const meter = await startMeter(lab.postgres, [], ledger.url);
    const startedAt = performance.now();
    await work();
    const seconds = (performance.now() - startedAt) / 1000;
    return { metrics: { "jobs/s": jobs / seconds }, ...(await meter.stop(jobs)) };
  };
  let ready = 0;
  return {
    async enqueue(jobs) {
      const sample = await timed(jobs, () => fill(pool, "default", jobs, batch));
      ready += jobs;
      const found = await ledger.ready();
      if (found !== ready) throw new Error(`${found} of ${ready} are ready`);
      return sample;
    },
    async drain(jobs) {
      await fill(pool, "default", jobs, batch);
      const since = await ledger.now();
      const sample = await timed(jobs, () => drainAll(pool, "default", jobs));
      await ledger.succeeded(since, jobs);
      return sample;
    },
  };
}

async function onAll(jobs: number, work: (share: number) => Promise<unknown>): Promise<void> {
  const share = Math.floor(jobs / BOUND_CONNECTIONS);
  const shares = [jobs - share * (BOUND_CONNECTIONS - 1)];
  while (shares.length < BOUND_CONNECTIONS) shares.push(share);
  await Promise.all(shares.map(work));
}
