import { randomUUID } from "node:crypto";
import { Orchestrator } from "@stellaops/orchestrator";
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
const BACKFILLED = "beside a backfill";
const CROWD = "crowd";
const FILLER = "filler";
const QUIET = "quiet";
const FILL_BATCH = 1_000;
const WINDOW_MS = 60_000;
/** Unfinished jobs of the backfill at once. */
const PARALLEL = 100;

/** W8: what a tenant with one job a second notices of one with a million, or with a backfill. */
export async function fairness(lab: Lab): Promise<Workload> {
  const backlog = lab.size(1_000_000, 30_000);
  const jobs = lab.size(30, 15);
  const perSecond = lab.options.quick ? 10 : 1;
  const windows = lab.size(100_000, 10_000);
  const sizes = { backlog, windows, jobs, perSecond };
  const stage = share(() => openBoth(lab));
  return {
    id: "W8",
    title: "fairness: a quiet tenant beside a crowded one",
    setting:
      `tenant A has ${backlog} ready jobs and its workers, tenant B adds ${perSecond} a second ` +
      `(${jobs} a round) and has a worker of its own; "ours" is B alone on the server; in the ` +
      `third row A has a backfill of ${windows} windows instead, ${PARALLEL} of its jobs at once`,
    metrics: ["p50 ms", "p99 ms"],
    contestants: ["ours", BUSY, BACKFILLED].map((name) => quiet(lab, stage, sizes, name)),
    bars: [
      { of: BUSY, metric: "p99 ms", against: "ours", most: FAIRNESS_BAR },
      { of: BUSY, metric: "p50 ms", against: "ours" },
      { of: BACKFILLED, metric: "p99 ms", against: "ours", most: FAIRNESS_BAR },
    ],
    leftOut: [],
    ...(lab.options.quick ? { rounds: 2 } : {}),
  };
}

interface Sizes {
  readonly backlog: number;
  readonly windows: number;
  readonly jobs: number;
  readonly perSecond: number;
}

/** The stage of the quiet tenant, and the workers on it of the crowd and of the backfill. */
interface Both {
  readonly stage: Stage;
  readonly crowd: Fleet;
  readonly filler: Fleet;
  close(): Promise<void>;
}

async function openBoth(lab: Lab): Promise<Both> {
  const stage = await openStage(lab, { name: "w8_ours", tenant: QUIET, workers: 1 });
  const crowd = openFleet({ ...lab.options, tenant: CROWD });
  const filler = openFleet({ ...lab.options, tenant: FILLER });
  return {
    stage,
    crowd,
    filler,
    async close() {
      await filler.close();
      await crowd.close();
      await stage.close();
    },
  };
}

function quiet(lab: Lab, shared: Shared<Both>, sizes: Sizes, name: string): Contestant {
  const role = name === "ours" ? "ours" : "variant";
  return {
    name,
    role,
    async open() {
      const { stage, crowd, filler } = await shared.acquire();
      const besides: Record<string, Beside> = {
        [BUSY]: { fleet: crowd, begin: () => topUp(stage, sizes.backlog) },
        [BACKFILLED]: { fleet: filler, begin: () => backfill(stage, sizes.windows) },
      };
      return {
        name,
        role,
        measure: () => measure(lab, stage, sizes, besides[name]),
        close: () => shared.release(),
      };
    },
  };
}

/** What goes on beside the quiet tenant. */
interface Beside {
  readonly fleet: Fleet;
  /** Makes it begin; answers how to stop it, which throws if it ran dry. */
  readonly begin: () => Promise<() => Promise<void>>;
}

async function measure(
  lab: Lab,
  stage: Stage,
  { jobs, perSecond }: Sizes,
  beside: Beside | undefined,
): Promise<Sample> {
  const { ledger, fleet, producer, servers, urls } = stage;
  const end = await beside?.begin();
  const crowd = beside?.fleet;
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
  await end?.();
  progress.close();
  crowded?.close();
  const { handled, latenciesUs } = await fleet.stop();
  await crowd?.stop();
  if (handled !== jobs + 1) throw new Error(`${handled} handlers ran for ${jobs + 1} jobs`);
  return { metrics: inMs(latenciesUs), ...costs };
}

async function topUp({ ledger }: Stage, backlog: number): Promise<() => Promise<void>> {
  const pool = await openProcedures(ledger, FILL_BATCH, "scenery");
  try {
    const missing = backlog - (await ledger.ready());
    if (missing > 0) await fill(pool, CROWD, missing, FILL_BATCH);
  } finally {
    await pool.end();
  }
  return async () => {
    if ((await ledger.ready()) === 0) throw new Error("the backlog ran dry: make it larger");
  };
}

/** Starts a backfill over as many windows of a series of its own, which end an hour ago. */
async function backfill({ urls }: Stage, windows: number): Promise<() => Promise<void>> {
  const client = new Orchestrator({ url: urls[0] as string, tenant: FILLER });
  const [source, scope] = ["bench", randomUUID()];
  const end = new Date(Math.floor(Date.now() / WINDOW_MS) * WINDOW_MS - 3_600_000);
  const start = new Date(end.getTime() - windows * WINDOW_MS);
  await client.watermarks.putSeries({
    ...{ source, scope, widthMs: WINDOW_MS, allowedLatenessMs: 0, origin: start },
  });
  const job = { jobType: "bench.noop", priority: -5 };
  const spec = { source, scope, start, end, job, maxParallel: PARALLEL };
  const { backfillId } = await client.backfills.create(spec, { reason: "W8" });
  return async () => {
    const { state } = await client.backfills.get(backfillId);
    await client.backfills.cancel(backfillId, { reason: "measured" });
    await client.close();
    if (state !== "running") throw new Error("the backfill ran dry: make it larger");
  };
}
