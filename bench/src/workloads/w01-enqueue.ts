import { openBound } from "../bound/bound.ts";
import { openOneTable } from "../bound/one-table.ts";
import { barsAgainst } from "../comparison.ts";
import type { Lab } from "../lab.ts";
import { startMeter } from "../meter.ts";
import { openStage } from "../ours/stage.ts";
import { allPeers } from "../peers/peers.ts";
import type { Contestant, Entry, Workload } from "../workload.ts";

const BATCH = 100;
const IN_FLIGHT = 4;

/** W1: how fast jobs go in, in batches of 100 over one client. */
export async function enqueue(lab: Lab): Promise<Workload> {
  const jobs = lab.size(100_000, 10_000);
  const { peers, leftOut } = await allPeers(lab, "w1", {
    measure: (peer) => peer.enqueue(jobs, BATCH, IN_FLIGHT),
  });
  const bounds = [openBound, openOneTable].map((open) =>
    open(lab, "w1", { measure: (bound) => bound.enqueue(jobs) }),
  );
  const contestants = [ours(lab, jobs), ...bounds, ...peers];
  return {
    id: "W1",
    title: "enqueue, batches of 100",
    setting: `${jobs} jobs, batches of ${BATCH}, ${IN_FLIGHT} calls in flight, one client`,
    metrics: ["jobs/s"],
    contestants,
    bars: barsAgainst(contestants, "jobs/s", { bound: undefined, peer: 1 }),
    leftOut,
  };
}

function ours(lab: Lab, jobs: number): Contestant {
  return {
    name: "ours",
    role: "ours",
    async open(): Promise<Entry> {
      const stage = await openStage(lab, { name: "w1_ours", workers: 0 });
      const { ledger, producer, servers } = stage;
      let before = 0;
      return {
        name: "ours",
        role: "ours",
        async measure() {
          await ledger.tidy();
          const programs = [producer.program, ...servers.map(({ program }) => program)];
          const meter = await startMeter(lab.postgres, programs, ledger.url);
          const seconds = await producer.batches({
            count: jobs,
            batch: BATCH,
            inFlight: IN_FLIGHT,
          });
          const costs = await meter.stop(jobs);
          const ready = await ledger.ready();
          if (ready - before !== jobs) throw new Error(`${ready - before} of ${jobs} are ready`);
          before = ready;
          return { metrics: { "jobs/s": jobs / seconds }, ...costs };
        },
        close: () => stage.close(),
      };
    },
  };
}
