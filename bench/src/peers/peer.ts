import type { Watched } from "../cpu.ts";
import type { Lab } from "../lab.ts";
import { type Meter, startMeter } from "../meter.ts";
import type { Program } from "../processes.ts";
import { Progress } from "../progress.ts";
import { latencies } from "../stats.ts";
import type { Sample } from "../workload.ts";

/** A peer under measurement. */
export interface Peer {
  /** Adds jobs with its bulk method; jobs/s. */
  enqueue(jobs: number, batch: number, inFlight: number): Promise<Sample>;
  /** Fills up, then works until all are done; jobs/s. */
  drain(jobs: number): Promise<Sample>;
  /** One job at a time at a fixed rate to an idle worker; ms. */
  latency(jobs: number, perSecond: number): Promise<Sample>;
}

/** What {@link peerOn} needs. */
export interface PeerParts {
  readonly lab: Lab;
  readonly program: Program;
  readonly url: string;
  readonly watched?: Watched;
  readonly tidy: () => Promise<void>;
  readonly drained: () => Promise<number>;
}

/** Measures a peer by its program. Throws when a job was lost or handled twice. */
export function peerOn({ lab, program, url, watched, tidy, drained }: PeerParts): Peer {
  const begin = async (): Promise<Meter> => {
    await tidy();
    const onPostgres = watched === undefined;
    const programs = onPostgres ? [program] : [program, watched];
    return await startMeter(lab.postgres, programs, onPostgres ? url : undefined);
  };
  return {
    async enqueue(count, batch, inFlight) {
      const meter = await begin();
      const command = { do: "enqueue", count, batch, inFlight };
      const { seconds } = await program.ask<{ seconds: number }>(command);
      return { metrics: { "jobs/s": count / seconds }, ...(await meter.stop(count)) };
    },
    async drain(count) {
      await program.ask({ do: "enqueue", count });
      const meter = await begin();
      const progress = new Progress([program]);
      const { startedAtMs } = await program.ask<{ startedAtMs: number }>({ do: "work" });
      await progress.reached(count);
      const drainedAtMs = await drained();
      const costs = await meter.stop(count);
      progress.close();
      await program.ask({ do: "stop" });
      if (progress.done !== count) throw new Error(`${progress.done} handlers ran for ${count}`);
      const tenth = Math.max(1, Math.floor(count / 10));
      const metrics = {
        "jobs/s": (count / (drainedAtMs - startedAtMs)) * 1000,
        "first tenth jobs/s": progress.rate(0, tenth),
        "last tenth jobs/s": progress.rate(count - tenth, count),
        "longest pause ms": progress.longestPauseMs,
      };
      return { metrics, ...costs };
    },
    async latency(count, perSecond) {
      const progress = new Progress([program]);
      await program.ask({ do: "work" });
      // One to know that everything is up and warm.
      await program.ask({ do: "latency", count: 1, perSecond });
      await progress.reached(1);
      const meter = await begin();
      await program.ask({ do: "latency", count, perSecond });
      await progress.reached(count + 1);
      const costs = await meter.stop(count);
      progress.close();
      const { latenciesUs } = await program.ask<{ latenciesUs: number[] }>({ do: "stop" });
      const ms = latencies(latenciesUs.slice(1).map((us) => us / 1000));
      const metrics = Object.entries(ms).map(([name, value]) => [`${name} ms`, value]);
      return { metrics: Object.fromEntries(metrics), ...costs };
    },
  };
}
