import type { Lab } from "../lab.ts";
import { startMeter } from "../meter.ts";
import { openStage, type Stage } from "../ours/stage.ts";
import { nowUs } from "../programs/line-protocol.ts";
import { type Shared, share } from "../shared.ts";
import { latencies, median } from "../stats.ts";
import type { Contestant, Sample, Workload } from "../workload.ts";
import { fillAndDrain } from "./w03-drain.ts";
import { inMs } from "./w05-idle-latency.ts";

const SHARES = [0.25, 0.5, 0.75];

/** Microseconds from the intended send time to the transaction that completed the job. */
const COMPLETED = `
  select extract(epoch from a.ended_at) * 1e6
    - (convert_from(j.payload, 'UTF8')::jsonb ->> 't')::numeric as us
  from attempt a join job j on j.tenant = a.tenant and j.id = a.job_id
  where a.offered_at >= $1 and a.outcome = 'succeeded'
    and (convert_from(j.payload, 'UTF8')::jsonb ->> 't') <> '0'`;

/** W4: how soon jobs start and end while jobs come in at a fixed rate. */
export async function steady(lab: Lab): Promise<Workload> {
  const seconds = lab.size(20, 1);
  const stage = share(() => openStage(lab, { name: "w4_ours" }));
  let full: Promise<number> | undefined;
  const fullRate = (opened: Stage) => {
    full ??= drainRate(lab, opened);
    return full;
  };
  const contestants = SHARES.map((part) => atShare(lab, stage, { part, seconds, fullRate }));
  return {
    id: "W4",
    title: "steady state: enqueue → start, enqueue → completed",
    setting:
      `one job a call, open loop, for ${seconds} s a round at shares of the rate that W3 ` +
      "drained; completed: when the transaction that completes the job began",
    metrics: ["jobs/s", "p50 ms", "p99 ms"],
    contestants,
    bars: contestants.flatMap(({ name }) =>
      [
        "jobs/s",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "max ms",
        "completed p50 ms",
        "completed p99 ms",
      ].map((metric) => ({ of: name, metric })),
    ),
    leftOut: [],
    ...(lab.options.quick ? { rounds: 2 } : {}),
  };
}

interface Rate {
  /** Of the full rate. */
  readonly part: number;
  readonly seconds: number;
  readonly fullRate: (stage: Stage) => Promise<number>;
}

function atShare(lab: Lab, shared: Shared<Stage>, { part, seconds, fullRate }: Rate): Contestant {
  const name = `at ${part * 100} %`;
  return {
    name,
    role: "variant",
    async open() {
      const stage = await shared.acquire();
      return {
        name,
        role: "variant",
        async measure() {
          const full = await fullRate(stage);
          return await measureRate(lab, stage, Math.max(1, Math.round(full * part)), seconds);
        },
        close: () => shared.release(),
      };
    },
  };
}

/** W3's median if it was measured in this run; else that of one short drain. */
async function drainRate(lab: Lab, stage: Stage): Promise<number> {
  const ours = lab.earlier.find(({ id }) => id === "W3")?.entries.find((e) => e.role === "ours");
  const rates = ours?.samples.flatMap(({ metrics }) => metrics["jobs/s"] ?? []) ?? [];
  if (rates.length > 0) return median(rates);
  return (await fillAndDrain(lab, stage, lab.size(10_000, 2_000))).metrics["jobs/s"] ?? 0;
}

async function measureRate(
  lab: Lab,
  { ledger, fleet, producer, servers, urls }: Stage,
  perSecond: number,
  seconds: number,
): Promise<Sample> {
  const count = perSecond * seconds;
  await ledger.tidy();
  const progress = await fleet.start(urls);
  await producer.batches({ count: 1 });
  await progress.reached(1);
  const since = await ledger.now();
  const programs = [producer.program, ...servers.map(({ program }) => program), ...fleet.programs];
  const meter = await startMeter(lab.postgres, programs, ledger.url);
  const startedAt = performance.now();
  const latestUs = await producer.rate({ count, perSecond });
  const sentIn = (performance.now() - startedAt) / 1000;
  await progress.reached(count + 1);
  await ledger.drained();
  const costs = await meter.stop(count);
  progress.close();
  const { handled, latenciesUs } = await fleet.stop();
  if (handled !== count + 1) throw new Error(`${handled} handlers ran for ${count + 1} jobs`);
  await ledger.succeeded(since, count);
  const completed = latencies(await completedMs(ledger.pool, since));
  return {
    metrics: {
      "jobs/s": count / sentIn,
      ...inMs(latenciesUs),
      "completed p50 ms": completed.p50 as number,
      "completed p99 ms": completed.p99 as number,
      "generator late ms": latestUs / 1000,
    },
    ...costs,
  };
}

async function completedMs(pool: Stage["ledger"]["pool"], since: Date): Promise<number[]> {
  const offsetUs = await clockOffsetUs(pool);
  const { rows } = await pool.query<{ us: string }>(COMPLETED, [since]);
  return rows.map(({ us }) => (Number(us) - offsetUs) / 1000);
}

/** What to take off the database's clock for the one that payloads are stamped with. */
async function clockOffsetUs(pool: Stage["ledger"]["pool"]): Promise<number> {
  const before = nowUs();
  const text = "select extract(epoch from clock_timestamp()) * 1e6 as us";
  const { rows } = await pool.query<{ us: string }>(text);
  return Number(rows[0]?.us) - (before + nowUs()) / 2;
}
