import type pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import { jobSpec } from "../../../test/support/ledger.ts";
import { silentLogger } from "../../../test/support/logger.ts";
import type { Overlap, Schedule, ScheduleClock } from "../domain/plan/schedule.ts";
import { timingOf } from "../domain/plan/schedule.ts";
import { readSchedule } from "../domain/plan/schedule-content.ts";
import { nextFirings } from "../domain/plan/schedule-timing.ts";
import { createMetrics } from "../http/metrics.ts";
import type { Loop } from "../lib/loop.ts";
import { readLeasePolicies } from "../rpc/lease-policy.ts";
import { wireSchedules } from "../wiring/schedules.ts";
import { pauseScheduleIn, resumeScheduleIn, updateScheduleIn } from "./schedule-firing.ts";
import { createScheduleIn, deleteScheduleIn } from "./schedules.ts";

let database: TestDatabase;
let owner: pg.Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = database.owner();
});
afterAll(() => database.drop());

const limits = {
  payloadQuota: () => undefined,
  admit: async () => undefined,
  room: { reserve: () => Promise.reject(new Error("nothing is uploaded here")) } as never,
};

/** A replica's loop with pools of its own. */
function startReplica(): Loop {
  const metrics = createMetrics({
    sessions: () => 0,
    slots: () => ({ free: 0, busy: 0 }),
    readyJobs: async () => 0,
    ledgerUp: async () => true,
  });
  const { loops } = wireSchedules({
    pool: database.pool(),
    loopsPool: database.pool("orch_loops"),
    board: { publish: () => {}, subscribe: () => () => {} },
    policies: readLeasePolicies("{}"),
    limits,
    metrics,
    logger: silentLogger,
  });
  const [loop] = loops;
  if (loop === undefined) throw new Error("there is no loop");
  loop.start();
  return loop;
}

const audit = { actor: "test", reason: "", ticket: "" };

/** Makes a schedule that should have begun `behindMs` ago, and ends now. */
async function lateSchedule(
  tenant: string,
  name: string,
  clock: ScheduleClock,
  overlap: Overlap,
  behindMs: number,
): Promise<Date[]> {
  const { rows } = await owner.query<{ now: Date }>(
    "select date_trunc('milliseconds', now()) as now",
  );
  const end = rows[0]?.now ?? new Date(0);
  const schedule: Schedule = {
    description: "",
    clock,
    start: undefined,
    end,
    jitterMs: 0,
    overlap,
    catchUp: "all",
    maxCatchUp: 1_000,
    target: { kind: "job", spec: jobSpec() },
    windowScope: undefined,
  };
  const from = new Date(end.getTime() - behindMs);
  await createScheduleIn(database.pool())(tenant, name, { ...schedule, end: undefined }, audit);
  // Its end lies in the past, too: nothing fires but what nobody settled.
  await owner.query(
    `update schedule set settled_upto = $3, created_at = $3, next_at = now(),
       content = jsonb_set(content, '{end}', to_jsonb($4::text))
     where tenant = $1 and name = $2`,
    [tenant, name, from, end.toISOString()],
  );
  return nextFirings(timingOf(schedule), from, 10_000);
}

const count = async (text: string): Promise<number> =>
  (await owner.query<{ count: number }>(text)).rows[0]?.count ?? 0;

const unsettled = () => count("select count(*)::int from schedule where next_at is not null");
const written = () => count("select count(*)::int from firing");

/** Ends a connection that is in the middle of a transaction; whether there was one. */
const killOne = async (): Promise<boolean> =>
  (
    await owner.query(
      `select pg_terminate_backend(pid) from (
         select pid from pg_stat_activity
         where datname = current_database() and application_name = 'orch_app'
           and xact_start is not null order by random() limit 1) one`,
    )
  ).rowCount === 1;

it("each firing happens once, with three replicas whose transactions are killed", async () => {
  const clocks: ScheduleClock[] = [
    { kind: "interval", everyMs: 1_000, anchor: undefined },
    { kind: "interval", everyMs: 1_700, anchor: new Date(0) },
    { kind: "cron", expression: "*/2 * * * * *", timeZone: "Europe/Berlin" },
  ];
  const expected = new Map<string, Date[]>();
  for (let index = 0; index < 12; index++) {
    const [tenant, name] = [`t${index % 3}`, `s${index}`];
    const clock = clocks[index % clocks.length] as ScheduleClock;
    const nominals = await lateSchedule(tenant, name, clock, "allow", 200_000);
    expected.set(name, nominals);
  }
  const replicas = [startReplica(), startReplica(), startReplica()];
  let kills = 0;
  let seen = 0;
  while ((await unsettled()) > 0) {
    // A kill for every bit of progress: each step is hit at some place, and the work ends.
    const now = await written();
    if (now >= seen && kills < 40 && (await killOne())) {
      kills += 1;
      seen = now + 20;
    }
  }
  await Promise.all(replicas.map((replica) => replica.stop()));
  const { rows } = await owner.query<{ schedule: string; nominals: Date[]; outcomes: string[] }>(
    `select schedule, array_agg(nominal_at order by nominal_at) as nominals,
       array_agg(distinct outcome) as outcomes from firing group by schedule`,
  );
  for (const { schedule, nominals, outcomes } of rows) {
    expect(outcomes, schedule).toEqual(["created"]);
    expect(nominals, schedule).toEqual(expected.get(schedule));
  }
  const total = [...expected.values()].flat().length;
  expect(rows).toHaveLength(expected.size);
  // Each has a job of its own that says so, and there are no others.
  expect(
    await count(
      `select count(distinct f.job_id)::int as count from firing f
       join job j on j.tenant = f.tenant and j.id = f.job_id
         and j.labels ->> 'orchestrator/schedule' = f.schedule
         and (j.labels ->> 'orchestrator/nominal-time')::timestamptz = f.nominal_at`,
    ),
  ).toBe(total);
  expect(await count("select count(*)::int from job")).toBe(total);
  expect(kills).toBeGreaterThan(0);
  console.info(`schedules: ${total} firings checked, each made once; ${kills} transactions killed`);
}, 60_000);

it("three replicas let one go on at a time where overlaps wait", async () => {
  await owner.query("truncate firing, schedule");
  const clock = { kind: "interval", everyMs: 2_000, anchor: undefined } as const;
  const nominals = await lateSchedule("turns", "one", clock, "queue", 59_000);
  const replicas = [startReplica(), startReplica(), startReplica()];
  const first = nominals[0];
  await expect.poll(() => written(), { timeout: 10_000 }).toBe(nominals.length);
  await Promise.all(replicas.map((replica) => replica.stop()));
  const { rows } = await owner.query(
    "select nominal_at, outcome from firing where outcome <> 'queued'",
  );
  expect(rows).toEqual([{ nominal_at: first, outcome: "created" }]);
  expect(await count("select queued as count from schedule where tenant = 'turns'")).toBe(
    nominals.length - 1,
  );
}, 30_000);

it("what was due before a change is settled before it, without a loop", async () => {
  await owner.query("truncate firing, schedule");
  const pool = database.pool();
  const step = { ...limits, retentionMs: 60_000, maxPayloadBytes: 1_000, graceMs: 1_000 };
  const everySecond = { kind: "interval", everyMs: 1_000, anchor: undefined } as const;
  let told = 0;
  const tell = () => {
    told += 1;
  };
  const [paused, changed] = [
    await lateSchedule("late", "paused", everySecond, "allow", 250_000),
    await lateSchedule("late", "changed", everySecond, "allow", 250_000),
  ];

  await pauseScheduleIn(pool, step)("late", "paused", audit);
  await resumeScheduleIn(pool, step, tell)("late", "paused", audit);
  await updateScheduleIn(pool, step, tell)("late", "changed", audit, ({ content }) => {
    const clock = { ...everySecond, everyMs: 5_000 };
    return { kind: "write", schedule: { ...readSchedule(content), clock, end: undefined } };
  });

  const { rows } = await owner.query<{ schedule: string; outcome: string; nominals: Date[] }>(
    `select schedule, outcome, array_agg(nominal_at order by nominal_at) as nominals
     from firing group by schedule, outcome order by schedule desc`,
  );
  expect(rows).toEqual([
    { schedule: "paused", outcome: "created", nominals: paused },
    { schedule: "changed", outcome: "created", nominals: changed },
  ]);
  // Of 250: 100 with the pause, 100 in a step of its own, the rest with the resume; and so on.
  expect(told).toBe(1 + 2);
});

it("firings that wait are noted as skipped when their schedule is deleted", async () => {
  await owner.query("truncate firing, schedule");
  const pool = database.pool();
  const step = { ...limits, retentionMs: 60_000, maxPayloadBytes: 1_000, graceMs: 1_000 };
  const clock = { kind: "interval", everyMs: 2_000, anchor: undefined } as const;
  const nominals = await lateSchedule("gone", "one", clock, "queue", 59_000);
  await pauseScheduleIn(pool, step)("gone", "one", audit);
  await deleteScheduleIn(pool)("gone", "one", audit);
  const { rows } = await owner.query(
    "select outcome, count(*)::int as count from firing group by outcome order by outcome",
  );
  expect(rows).toEqual([
    { outcome: "created", count: 1 },
    { outcome: "skipped", count: nominals.length - 1 },
  ]);
});
