import { type CpuTimes, cpuTimes, spent, type Watched } from "./cpu.ts";
import { type BenchPostgres, deadTuples } from "./postgres.ts";
import type { Sample } from "./workload.ts";

/** What a {@link startMeter} counts between start and stop. */
export interface Meter {
  /** The costs since the start, divided by the number of jobs. */
  stop(jobs: number): Promise<Omit<Sample, "metrics">>;
}

/**
 * Starts counting what a measurement costs: CPU of the programs and of all of Postgres, bytes of
 * log. Nobody else may be at work in this Postgres meanwhile.
 *
 * @param url the contestant's database, whose dead tuples are counted in the end; undefined: it has
 *   none, and Postgres's share is left out
 */
export async function startMeter(
  postgres: BenchPostgres,
  programs: readonly { readonly name: string; readonly pid: number }[],
  url: string | undefined,
): Promise<Meter> {
  const watched: Watched[] = [
    ...(url === undefined ? [] : [{ name: "postgres", pid: postgres.pid, family: true }]),
    ...programs.map(({ name, pid }) => ({ name: name.replace(/ \d+$/, ""), pid })),
  ];
  const walBefore = await postgres.walBytes();
  const before = cpuTimes(watched);
  return {
    async stop(jobs) {
      const cpu = spent(before, cpuTimes(watched));
      const wal = (await postgres.walBytes()) - walBefore;
      return {
        cpuUsPerJob: perJob(cpu, jobs),
        ...(url === undefined
          ? {}
          : { walBytesPerJob: wal / jobs, deadTuples: await deadTuples(url) }),
      };
    },
  };
}

const perJob = (times: CpuTimes, jobs: number): CpuTimes =>
  Object.fromEntries(Object.entries(times).map(([name, time]) => [name, time / jobs]));
