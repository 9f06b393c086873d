import { fill, openProcedures } from "../bound/bound.ts";
import type { Lab } from "../lab.ts";
import { startMeter } from "../meter.ts";
import { type Fleet, openFleet } from "../ours/fleet.ts";
import { openStage, type Stage } from "../ours/stage.ts";
import { type Shared, share } from "../shared.ts";
import type { Contestant, Sample, Workload } from "../workload.ts";
import { inMs } from "./w05-idle-latency.ts";

const FAIRNESS_BAR = 3;
const BUSY = "beside a backlog";
const CROWD = "crowd";
const QUIET = "quiet";
const FILL_BATCH = 1_000;

/** W8: what a tenant with one job a second notices of one with a million. */
export async function fairness(lab: Lab): Promise<Workload> {
  const backlog = lab.size(1_000_000, 30_000);
  const jobs = lab.size(30, 15);
  const perSecond = lab.options.quick ? 10 : 1;
  const sizes = { backlog, jobs, perSecond };
  const stage = share(() => openBoth(lab));
  return {
    id: "W8",
    title: "fairness: a quiet tenant beside a crowded one",
    setting:
      `tenant A has ${backlog} ready jobs and its workers, tenant B adds ${perSecond} a second ` +
      `(${jobs} a round) and has a worker of its own; "ours" is B alone on the server`,
    metrics: ["p50 ms", "p99 ms"],
    contestants: [quiet(lab, stage, sizes, false), quiet(lab, stage, sizes, true)],
    bars: [
      { of: BUSY, metric: "p99 ms", against: "ours", most: FAIRNESS_BAR },
      { of: BUSY, metric: "p50 ms", against: "ours" },
    ],
    leftOut: [],
    ...(lab.options.quick ? { rounds: 2 } : {}),
  };
}

interface Sizes {
  readonly backlog: number;
  readonly jobs: number;
  readonly perSecond: number;
}

/** The stage of the quiet tenant, and the crowd's workers on it. */
interface Both {
  readonly stage: Stage;
  readonly crowd: Fleet;
  close(): Promise<void>;
}

async function openBoth(lab: Lab): Promise<Both> {
  const stage = await openStage(lab, { name: "w8_ours", tenant: QUIET, workers: 1 });
  const crowd = openFleet({ ...lab.options, tenant: CROWD });
  return {
    stage,
    crowd,
    async close() {
      await crowd.close();
      await stage.close();
    },
  };
}

function quiet(lab: Lab, shared: Shared<Both>, sizes: Sizes, isBusy: boolean): Contestant {
  const name = isBusy ? BUSY : "ours";
  const role = isBusy ? "variant" : "ours";
  return {
    name,
    role,
    async open() {
      const { stage, crowd } = await shared.acquire();
      return {
        name,
        role,
        measure: () => measure(lab, stage, sizes, isBusy ? crowd : undefined),
        close: () => shared.release(),
      };
    },
  };
}

async function measure(
  lab: Lab,
  stage: Stage,
  { backlog, jobs, perSecond }: Sizes,
  crowd: Fleet | undefined,
): Promise<Sample> {
  const { ledger, fleet, producer, servers, urls } = stage;
  if (crowd !== undefined) await topUp(stage, backlog);
  await ledger.tidy();
  const progress = await fleet.start(urls);
  await producer.batches({ count: 1 });
  await progress.reached(1);
  const crowded = await crowd?.start(urls);
  await crowded?.reached(1);
  const programs = [...servers.map(({ program }) => program), ...fleet.programs];
  const meter = await startMeter(lab.postgres, programs, ledger.url);
  const before = crowded?.done ?? 0;
  await producer.rate({ count: jobs, perSecond });
  await progress.reached(jobs + 1);
  const done = jobs + (crowded?.done ?? 0) - before;
  const costs = await meter.stop(done);
  const left = await ledger.ready();
  progress.close();
  crowded?.close();
  const { handled, latenciesUs } = await fleet.stop();
  await crowd?.stop();
  if (handled !== jobs + 1) throw new Error(`${handled} handlers ran for ${jobs + 1} jobs`);
  if (crowd !== undefined && left === 0) throw new Error("the backlog ran dry: make it larger");
  return { metrics: inMs(latenciesUs), ...costs };
}

async function topUp({ ledger }: Stage, backlog: number): Promise<void> {
  const pool = await openProcedures(ledger, FILL_BATCH, "scenery");
  try {
    const missing = backlog - (await ledger.ready());
    if (missing > 0) await fill(pool, CROWD, missing, FILL_BATCH);
  } finally {
    await pool.end();
  }
}
