import { startMeter } from "../meter.ts";
import type { BenchPostgres } from "../postgres.ts";
import type { Program } from "../processes.ts";
import type { Sample } from "../workload.ts";
import type { Fleet } from "./fleet.ts";
import type { Ledger } from "./ledger.ts";

/** Who drains what. */
export interface Drain {
  readonly postgres: BenchPostgres;
  readonly ledger: Ledger;
  readonly fleet: Fleet;
  /** Of the servers, in turn for the workers. */
  readonly urls: readonly string[];
  /** Servers, for their CPU. */
  readonly servers: readonly Program[];
  /** How many jobs are ready. */
  readonly jobs: number;
}

/**
 * Drains what is ready: from the first claim to the moment when the ledger shows the last
 * completion. Throws unless every job succeeded and was handled exactly once.
 */
export async function measureDrain(drain: Drain): Promise<Sample> {
  const { postgres, ledger, fleet, urls, servers, jobs } = drain;
  const since = await ledger.now();
  const meter = await startMeter(postgres, [...servers, ...fleet.programs], ledger.url);
  const progress = await fleet.start(urls);
  await progress.reached(jobs);
  const drainedAtMs = await ledger.drained();
  const costs = await meter.stop(jobs);
  progress.close();
  const { handled } = await fleet.stop();
  if (handled !== jobs) throw new Error(`${handled} handlers ran for ${jobs} jobs`);
  const firstClaimMs = await ledger.succeeded(since, jobs);
  const tenth = Math.max(1, Math.floor(jobs / 10));
  return {
    metrics: {
      "jobs/s": (jobs / (drainedAtMs - firstClaimMs)) * 1000,
      "first tenth jobs/s": progress.rate(0, tenth),
      "last tenth jobs/s": progress.rate(jobs - tenth, jobs),
      "longest pause ms": progress.longestPauseMs,
    },
    ...costs,
  };
}
