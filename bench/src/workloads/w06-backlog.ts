import { drainAll, fill, openProcedures } from "../bound/bound.ts";
import type { Lab } from "../lab.ts";
import { startMeter } from "../meter.ts";
import { openFleet, openProducer } from "../ours/fleet.ts";
import { type Ledger, openLedger } from "../ours/ledger.ts";
import { startServer } from "../ours/server.ts";
import { openStage, type Stage } from "../ours/stage.ts";
import type { Contestant, Sample, Workload } from "../workload.ts";

const BACKLOG_BAR = 0.9;
const FILL_BATCH = 1_000;
const PRUNED = "beside the pruner";

interface Circumstance {
  readonly name: string;
  readonly ready: number;
  readonly finished: number;
}

/** W6: whether what waits, or what is long done, or its removal, makes a claim slower. */
export async function backlog(lab: Lab): Promise<Workload> {
  const jobs = lab.size(50_000, 3_000);
  const some = lab.size(1_000_000, 20_000);
  const many = lab.size(10_000_000, 20_000);
  const old = lab.size(200_000, 40_000);
  const circumstances: Circumstance[] = [
    { name: "ours", ready: 0, finished: 0 },
    ...(some < many ? [{ name: `${people(some)} ready`, ready: some, finished: 0 }] : []),
    { name: `${people(many)} ready`, ready: many, finished: 0 },
    { name: `${people(many)} finished`, ready: 0, finished: many },
  ];
  return {
    id: "W6",
    title: "claim and complete beside a backlog, a history, or the pruner",
    setting:
      `${jobs} jobs a round, the first tenth not counted; "ours" is the empty ledger; in the ` +
      `last row the server removes up to ${old} jobs that are over their time all the while; it ` +
      "starts anew in each round, a drain before warms it up, and one beside which nothing was " +
      "removed does not count",
    metrics: ["jobs/s"],
    contestants: [
      ...circumstances.map((given) => under(lab, given, jobs)),
      besidePruner(lab, old, jobs),
    ],
    bars: [...circumstances.slice(1).map(({ name }) => name), PRUNED].map((name) => ({
      of: name,
      metric: "jobs/s",
      against: "ours",
      least: BACKLOG_BAR,
    })),
    leftOut: [],
    ...(lab.options.quick ? { rounds: 2 } : {}),
  };
}

const people = (count: number): string =>
  count >= 1e6 ? `${count / 1e6} M` : count.toLocaleString("en-GB");

function under(lab: Lab, { name, ready, finished }: Circumstance, jobs: number): Contestant {
  const role = name === "ours" ? "ours" : "variant";
  return {
    name,
    role,
    async open() {
      const stage = await openStage(lab, { name: `w6_${ready}_${finished}` });
      const pool = await openProcedures(stage.ledger, FILL_BATCH, "scenery");
      try {
        await fill(pool, "default", finished, FILL_BATCH);
        await drainAll(pool, "default", finished);
        await fill(pool, "default", ready, FILL_BATCH);
      } catch (error) {
        await stage.close();
        throw error;
      } finally {
        await pool.end();
      }
      return {
        name,
        role,
        measure: () => window(lab, stage, jobs, ready),
        close: () => stage.close(),
      };
    },
  };
}

/**
 * Beside the removal of what is over its time. A server begins to prune when it starts and, once it
 * is done, rests for minutes: so there is one for each round, and a drain before that warms it up.
 */
function besidePruner(lab: Lab, old: number, jobs: number): Contestant {
  const role = "variant";
  return {
    name: PRUNED,
    role,
    async open() {
      const ledger = await openLedger(lab.postgres, "w6_pruner");
      const producer = openProducer();
      const fleet = openFleet(lab.options);
      const parts = { ledger, producer, fleet };
      return {
        name: PRUNED,
        role,
        async measure() {
          await makeOld(ledger, old);
          await ledger.noteReplica(PRUNER);
          const env = { ORCH_SERVER_ID: PRUNER, ORCH_RETENTION: "1" };
          const server = await startServer({ databaseUrl: ledger.url, env });
          try {
            await producer.connect(server.url);
            const stage = { ...parts, servers: [server], urls: [server.url] };
            await window(lab, stage, jobs, 0);
            return await whilePruning(
              ledger,
              () => refill(lab, stage, jobs),
              () => drain(lab, stage, jobs),
            );
          } finally {
            await server.stop();
          }
        },
        async close() {
          await fleet.close();
          await producer.close();
          await ledger.close();
        },
      };
    },
  };
}

const PRUNER = "pruner";

/** Sees to it that `count` jobs ended two hours ago, and that nothing is ready. */
async function makeOld(ledger: Ledger, count: number): Promise<void> {
  const pool = await openProcedures(ledger, FILL_BATCH, "scenery");
  try {
    await fill(pool, "default", count - (await ledger.countOld()), FILL_BATCH, "3 h");
    await drainAll(pool, "default", await ledger.ready());
    await ledger.backdate();
  } finally {
    await pool.end();
  }
}

/** How many drains may fall between two steps of the pruner, which rests longer than it works. */
const TRIES = 5;

/** Measures while old jobs are removed; throws if they are used up, or stay. */
async function whilePruning(
  ledger: Ledger,
  prepare: () => Promise<void>,
  measure: () => Promise<Sample>,
): Promise<Sample> {
  for (let tries = 1; ; tries++) {
    await prepare();
    const before = await ledger.countOld();
    const sample = await measure();
    const left = await ledger.countOld();
    if (left > 0 && left < before) return sample;
    if (left === 0 || tries === TRIES) throw new Error(`${left} of ${before} old jobs are left`);
  }
}

type Parts = Omit<Stage, "close">;

/** Drains `jobs` of those that are ready beside `keep`. */
async function window(lab: Lab, parts: Parts, jobs: number, keep: number): Promise<Sample> {
  await refill(lab, parts, keep + jobs);
  return await drain(lab, parts, jobs);
}

/** Makes so many jobs ready, and a few more, that slots stay busy until they are done. */
async function refill(lab: Lab, { ledger, producer }: Parts, jobs: number): Promise<void> {
  const { workers, slots } = lab.options;
  const needed = jobs + 2 * workers * slots - (await ledger.ready());
  await producer.batches({ count: Math.max(0, needed) });
  await ledger.tidy();
}

/** Drains until `jobs` are done, and a little beyond; the rate without the first tenth. */
async function drain(lab: Lab, parts: Parts, jobs: number): Promise<Sample> {
  const { ledger, fleet, servers, urls } = parts;
  const since = await ledger.now();
  const programs = [...servers.map(({ program }) => program), ...fleet.programs];
  const meter = await startMeter(lab.postgres, programs, ledger.url);
  const progress = await fleet.start(urls);
  await progress.reached(jobs);
  const costs = await meter.stop(progress.done);
  progress.close();
  const { handled } = await fleet.stop();
  await ledger.succeeded(since, handled);
  return { metrics: { "jobs/s": progress.rate(jobs / 10, jobs) }, ...costs };
}
