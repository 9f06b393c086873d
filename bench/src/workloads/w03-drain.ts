import { openBound } from "../bound/bound.ts";
import { openOneTable } from "../bound/one-table.ts";
import { barsAgainst } from "../comparison.ts";
import type { Lab } from "../lab.ts";
import { measureDrain } from "../ours/drain.ts";
import { openStage, type Stage } from "../ours/stage.ts";
import { allPeers } from "../peers/peers.ts";
import type { Contestant, Workload } from "../workload.ts";

/** The bar against the raw bound. */
const BOUND_BAR = 0.5;

/** W3: how fast ready jobs are claimed, run and completed. */
export async function drain(lab: Lab): Promise<Workload> {
  const jobs = lab.size(100_000, 6_000);
  const { workers, slots, boundBatch } = lab.options;
  const { peers, leftOut } = await allPeers(lab, "w3", {
    measure: (peer) => peer.drain(jobs),
  });
  const bounds = [openBound, openOneTable].map((open) =>
    open(lab, "w3", { measure: (bound) => bound.drain(jobs) }),
  );
  const contestants = [ours(lab, jobs), ...bounds, ...peers];
  return {
    id: "W3",
    title: "drain, no-op handler",
    setting:
      `${jobs} jobs ready, ${workers} worker processes with ${slots} slots each; ` +
      `the bound: 2 connections, batches of at most ${boundBatch}`,
    metrics: ["jobs/s"],
    contestants,
    bars: barsAgainst(contestants, "jobs/s", { bound: BOUND_BAR, peer: 1 }),
    leftOut,
  };
}

function ours(lab: Lab, jobs: number): Contestant {
  const name = "ours";
  return {
    name,
    role: "ours",
    async open() {
      const stage = await openStage(lab, { name: "w3_ours" });
      return {
        name,
        role: "ours",
        measure: () => fillAndDrain(lab, stage, jobs),
        close: () => stage.close(),
      };
    },
  };
}

/** Makes jobs ready through the API, tidies, and measures how they drain. */
export async function fillAndDrain(lab: Lab, stage: Stage, jobs: number) {
  const { ledger, fleet, servers, urls, producer } = stage;
  await producer.batches({ count: jobs });
  await ledger.tidy();
  const programs = servers.map(({ program }) => program);
  return await measureDrain({
    postgres: lab.postgres,
    ledger,
    fleet,
    urls,
    servers: programs,
    jobs,
  });
}
