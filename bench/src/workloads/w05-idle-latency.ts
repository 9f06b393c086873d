import { barsAgainst } from "../comparison.ts";
import type { Lab } from "../lab.ts";
import { startMeter } from "../meter.ts";
import { openStage, type Stage } from "../ours/stage.ts";
import { allPeers } from "../peers/peers.ts";
import { latencies } from "../stats.ts";
import type { Contestant, Sample, Workload } from "../workload.ts";

const PER_SECOND = 10;
const P50_BAR_MS = 2;
const P99_BAR_MS = 10;

/** W5: how soon a job starts when nothing else is there. */
export async function idleLatency(lab: Lab): Promise<Workload> {
  const jobs = lab.size(300, 10);
  const { peers, leftOut } = await allPeers(lab, "w5", {
    measure: (peer) => peer.latency(jobs, PER_SECOND),
  });
  const contestants = [ours(lab, jobs), ...peers];
  return {
    id: "W5",
    title: "idle latency, enqueue call to handler start",
    setting: `${jobs} jobs a round, one every ${1000 / PER_SECOND} ms, to an idle worker`,
    metrics: ["p50 ms", "p99 ms"],
    contestants,
    bars: [
      { of: "ours", metric: "p50 ms", most: P50_BAR_MS },
      { of: "ours", metric: "p99 ms", most: P99_BAR_MS },
      ...barsAgainst(contestants, "p50 ms", {}, "less"),
    ],
    leftOut,
  };
}

function ours(lab: Lab, jobs: number): Contestant {
  const name = "ours";
  return {
    name,
    role: "ours",
    async open() {
      const stage = await openStage(lab, { name: "w5_ours", workers: 1 });
      return {
        name,
        role: "ours",
        measure: () => measureLatency(lab, stage, jobs),
        close: () => stage.close(),
      };
    },
  };
}

/** One job at a time to an idle worker; throws unless each was handled once. */
export async function measureLatency(lab: Lab, stage: Stage, jobs: number): Promise<Sample> {
  const { ledger, fleet, producer, servers, urls } = stage;
  await ledger.tidy();
  const since = await ledger.now();
  const progress = await fleet.start(urls);
  // One job to know that the session is up and everything is warm.
  await producer.batches({ count: 1 });
  await progress.reached(1);
  const programs = [...servers.map(({ program }) => program), ...fleet.programs];
  const meter = await startMeter(lab.postgres, programs, ledger.url);
  await producer.rate({ count: jobs, perSecond: PER_SECOND });
  await progress.reached(jobs + 1);
  const costs = await meter.stop(jobs);
  await ledger.drained();
  progress.close();
  const { handled, latenciesUs } = await fleet.stop();
  if (handled !== jobs + 1) throw new Error(`${handled} handlers ran for ${jobs + 1} jobs`);
  await ledger.succeeded(since, jobs + 1);
  return { metrics: inMs(latenciesUs), ...costs };
}

/** Latencies in microseconds as the metrics `p50 ms` … `max ms`. */
export function inMs(latenciesUs: readonly number[]): Record<string, number> {
  const ms = latencies(latenciesUs.map((us) => us / 1000));
  return Object.fromEntries(Object.entries(ms).map(([name, value]) => [`${name} ms`, value]));
}
