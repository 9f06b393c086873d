import { drainAll, fill, openProcedures } from "../bound/bound.ts";
import type { Lab } from "../lab.ts";
import { startMeter } from "../meter.ts";
import { openStage, type Stage } from "../ours/stage.ts";
import type { Contestant, Sample, Workload } from "../workload.ts";

const BACKLOG_BAR = 0.9;
const FILL_BATCH = 1_000;

interface Circumstance {
  readonly name: string;
  readonly ready: number;
  readonly finished: number;
}

/** W6: whether what waits, or what is long done, makes a claim slower. */
export async function backlog(lab: Lab): Promise<Workload> {
  const jobs = lab.size(50_000, 3_000);
  const some = lab.size(1_000_000, 20_000);
  const many = lab.size(10_000_000, 20_000);
  const circumstances: Circumstance[] = [
    { name: "ours", ready: 0, finished: 0 },
    ...(some < many ? [{ name: `${people(some)} ready`, ready: some, finished: 0 }] : []),
    { name: `${people(many)} ready`, ready: many, finished: 0 },
    { name: `${people(many)} finished`, ready: 0, finished: many },
  ];
  return {
    id: "W6",
    title: "claim and complete beside a backlog, or a history",
    setting: `${jobs} jobs a round, the first tenth not counted; "ours" is the empty ledger`,
    metrics: ["jobs/s"],
    contestants: circumstances.map((given) => under(lab, given, jobs)),
    bars: circumstances.slice(1).map(({ name }) => ({
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

/** Drains until `jobs` are done, and a little beyond; the rate without the first tenth. */
async function window(lab: Lab, stage: Stage, jobs: number, keep: number): Promise<Sample> {
  const { ledger, fleet, producer, servers, urls } = stage;
  const { workers, slots } = lab.options;
  // So many more that slots stay busy until the count is reached.
  const needed = keep + jobs + 2 * workers * slots - (await ledger.ready());
  await producer.batches({ count: Math.max(0, needed) });
  await ledger.tidy();
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
