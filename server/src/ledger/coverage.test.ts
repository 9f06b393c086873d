import fc from "fast-check";
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import { ledgerOf, newJob, type TestLedger, wholeLanes } from "../../../test/support/ledger.ts";
import type { NewJob } from "../domain/job-spec.ts";
import type { Offer } from "../domain/offer.ts";
import { findGapsIn, putSeriesIn, readLagIn, readWatermarkIn } from "./watermarks.ts";

const HOUR_MS = 3_600_000;
const audit = { actor: "ada", reason: "test", ticket: "" };

let database: TestDatabase;
let owner: pg.Pool;
let pool: pg.Pool;
let tenants = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = database.owner();
  pool = database.pool();
});
afterAll(() => database.drop());

/** A series of hours whose due moment is half an hour away from every window's. */
async function newSeries(hours: number) {
  const tenant = `c${++tenants}`;
  const nowMs = Date.now();
  const latenessMs = (nowMs + HOUR_MS / 2) % HOUR_MS;
  const dueMs = nowMs - latenessMs - HOUR_MS / 2;
  const originMs = dueMs - hours * HOUR_MS;
  const origin = new Date(originMs);
  const series = { source: "osv", scope: "npm", widthMs: HOUR_MS, latenessMs, origin };
  await putSeriesIn(pool)(tenant, series, audit);
  const window = (index: number) => ({
    scope: "npm",
    start: new Date(originMs + index * HOUR_MS),
    end: new Date(originMs + (index + 1) * HOUR_MS),
  });
  const ledger = ledgerOf(pool, tenant);
  const indexOf = (start: Date) => (start.getTime() - originMs) / HOUR_MS;
  return { tenant, series, window, ledger, indexOf, at: (index: number) => window(index).start };
}

const claimAll = (ledger: TestLedger): Promise<Offer[]> =>
  ledger.claimWith({
    choose: async () =>
      wholeLanes(ledger.tenant).map((range) => ({
        ...range,
        lane: { ...range.lane, source: "osv" },
      })),
  });

async function rangesOf(tenant: string) {
  const { rows } = await owner.query<{ start_at: Date; end_at: Date }>(
    "select start_at, end_at from window_coverage where tenant = $1 order by start_at",
    [tenant],
  );
  return rows;
}

/** Runs of numbers that follow each other, as [first, one after the last]. */
function runsOf(numbers: Iterable<number>): [number, number][] {
  const runs: [number, number][] = [];
  for (const one of [...numbers].sort((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last?.[1] === one) last[1] = one + 1;
    else runs.push([one, one + 1]);
  }
  return runs;
}

const HOURS = 24;

/** A window by its number; those from HOURS on are not due, those below 0 before the origin. */
const windowed = fc.record({
  index: fc.integer({ min: -3, max: HOURS + 2 }),
  ends: fc.constantFrom("succeeds", "succeeds", "succeeds", "dies"),
});

let windowsChecked = 0;

describe("coverage", () => {
  it("is what a set of windows says, in any order, at once, twice, early and failed", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(windowed, { maxLength: 12 }), { maxLength: 6 }),
        async (batches) => {
          const { tenant, window, ledger, indexOf, at } = await newSeries(HOURS);
          const covered = new Set<number>();
          let before = at(0).getTime();
          for (const batch of batches) {
            const jobs = batch.map(({ index }) =>
              newJob(tenant, { source: "osv", window: window(index) }),
            );
            const results = (await ledger.store(jobs)).results.map(({ kind }) => kind);
            expect(results).toEqual(jobs.map(() => "created"));
            const ends = new Map(jobs.map(({ jobId }, n) => [jobId, batch[n]?.ends]));
            await Promise.all(
              (await claimAll(ledger)).map(async ({ lease, spec }) => {
                if (ends.get(lease.jobId) === "dies") return ledger.fail(lease, "user", true);
                const index = indexOf(spec.window?.start as Date);
                if (index < HOURS) covered.add(index);
                return ledger.complete(lease);
              }),
            );
            const ranges = (await rangesOf(tenant)).map(({ start_at, end_at }) => [
              indexOf(start_at),
              indexOf(end_at),
            ]);
            expect(ranges).toEqual(runsOf(covered));
            const mark = await readWatermarkIn(pool)(tenant, "osv", "npm");
            let prefix = 0;
            while (covered.has(prefix)) prefix++;
            const missing = Array.from({ length: HOURS }, (_, n) => n).filter(
              (n) => !covered.has(n),
            );
            expect(mark).toMatchObject({
              watermark: at(prefix),
              due: at(HOURS),
              missingWindows: missing.length,
              gaps: runsOf(missing).length,
              coveredUntil: covered.size === 0 ? undefined : at(Math.max(...covered) + 1),
            });
            expect(mark?.watermark.getTime()).toBeGreaterThanOrEqual(before);
            before = mark?.watermark.getTime() ?? 0;
            const query = { source: "osv", scope: "npm", from: undefined, until: undefined };
            const found = await findGapsIn(pool)(tenant, query, undefined, 1_000);
            const gaps = found?.map(({ start, end }) => [indexOf(start), indexOf(end)]);
            expect(gaps).toEqual(runsOf(missing));
            windowsChecked += HOURS + 6;
          }
        },
      ),
      { numRuns: 40 },
    );
    console.info(`coverage: ${windowsChecked} windows checked against the model`);
  }, 120_000);

  it("is not lost when completions of one series go on at once on two replicas", async () => {
    const { tenant, window, ledger, indexOf } = await newSeries(60);
    const other = ledgerOf(database.pool(), tenant);
    const jobs = Array.from({ length: 60 }, (_, index) =>
      newJob(tenant, { source: "osv", window: window(index) }),
    );
    await ledger.store(jobs);
    const offers = await claimAll(ledger);
    expect(offers).toHaveLength(60);
    await Promise.all(offers.map(({ lease }, n) => (n % 2 === 0 ? ledger : other).complete(lease)));
    const [range, ...more] = await rangesOf(tenant);
    expect(more).toEqual([]);
    expect([indexOf(range?.start_at as Date), indexOf(range?.end_at as Date)]).toEqual([0, 60]);
  });

  it("is of windows as the series has them: one of an old width covers nothing", async () => {
    const { tenant, series, window, ledger } = await newSeries(4);
    await ledger.store([newJob(tenant, { source: "osv", window: window(0) })]);
    const [offer] = await claimAll(ledger);
    if (offer === undefined) throw new Error("nothing is ready");
    await putSeriesIn(pool)(tenant, { ...series, widthMs: 2 * HOUR_MS }, audit);
    expect(await ledger.complete(offer.lease)).toMatchObject({ kind: "applied" });
    expect(await rangesOf(tenant)).toEqual([]);
    expect(await putSeriesIn(pool)(tenant, series, audit)).toMatchObject({ kind: "put" });
  });

  it("that a success did not bring is explained in the job's history", async () => {
    const { tenant, series, window, ledger, at } = await newSeries(4);
    const jobs = [0, 4, -1, 1].map((index) =>
      newJob(tenant, { source: "osv", window: window(index) }),
    );
    await ledger.store(jobs);
    const offers = await claimAll(ledger);
    const complete = ({ jobId }: NewJob) =>
      ledger.complete(offers.find(({ lease }) => lease.jobId === jobId)?.lease as Offer["lease"]);
    const [sound, early, before, odd] = jobs as [NewJob, NewJob, NewJob, NewJob];
    await Promise.all([sound, early, before].map(complete));
    const halved = "update window_series set width_ms = width_ms / 2 where tenant = $1";
    await owner.query(halved, [tenant]);
    await complete(odd);
    const due = new Date(at(5).getTime() + series.latenessMs).toISOString();
    const [tooEarly, otherWidth, beforeOrigin] = [
      `covered nothing: the attempt began before its window was due, at ${due}`,
      "covered nothing: its window is none of the series: must be 1800000 ms wide, not 3600000",
      "its window is before the origin of the series: the watermark stays",
    ];
    const { rows } = await owner.query(
      `select job_id, reason, from_state, worker_id is not null as by_worker from job_event
       where tenant = $1 and kind = 'succeeded'`,
      [tenant],
    );
    expect(rows).toHaveLength(4);
    expect(new Map(rows.map(({ job_id, ...event }) => [job_id, event]))).toEqual(
      new Map(
        [
          [sound, null] as const,
          [early, tooEarly] as const,
          [before, beforeOrigin] as const,
          [odd, otherWidth] as const,
        ].map(([{ jobId }, reason]) => [jobId, { reason, from_state: "running", by_worker: true }]),
      ),
    );
  });

  it("is also of a success after its lease ran out, which is an event like any other", async () => {
    const { tenant, window, ledger } = await newSeries(4);
    await ledger.store([newJob(tenant, { source: "osv", window: window(0) })]);
    const [offer] = await claimAll(ledger);
    if (offer === undefined) throw new Error("nothing is ready");
    await owner.query(
      "update control_plane set available_since = now() - interval '1 h', last_tick = now()",
    );
    await owner.query("update lease set expires_at = now() - interval '1 h' where tenant = $1", [
      tenant,
    ]);
    await ledger.reap();
    expect(await ledger.complete(offer.lease)).toMatchObject({ kind: "applied" });
    expect(await rangesOf(tenant)).toHaveLength(1);
    const events = `select from_state, reason from job_event where tenant = $1
      and kind = 'succeeded' and worker_id is not null and attempt = 1`;
    expect((await owner.query(events, [tenant])).rows).toEqual([
      { from_state: "ready", reason: null },
    ]);
  });

  it("goes with the completion: one that is rolled back covers nothing", async () => {
    const { tenant, window, ledger } = await newSeries(4);
    await ledger.store([newJob(tenant, { source: "osv", window: window(0) })]);
    const [offer] = await claimAll(ledger);
    if (offer === undefined) throw new Error("nothing is ready");
    const locker = await owner.connect();
    try {
      // The completion waits for the series; its backend dies there.
      await locker.query("begin");
      await locker.query("select from window_series where tenant = $1 for update", [tenant]);
      const write = ledger.complete(offer.lease).catch((error: Error) => error.name);
      const kill = `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`;
      while ((await owner.query(kill)).rowCount === 0);
      expect(await write).toBe("LedgerUnavailable");
      await locker.query("commit");
    } finally {
      locker.release();
    }
    expect(await rangesOf(tenant)).toEqual([]);
    expect(await ledger.complete(offer.lease)).toMatchObject({ kind: "applied" });
    expect(await rangesOf(tenant)).toHaveLength(1);
  });
});

describe("the lag of all series", () => {
  it("is that of the one that is furthest behind, and names nobody", async () => {
    const read = readLagIn(database.pool("orch_loops"));
    await newSeries(3);
    const before = await read();
    await newSeries(1_000);
    expect(await read()).toEqual({ maxMs: 1_000 * HOUR_MS, behind: before.behind + 1 });
    await newSeries(0);
    expect(await read()).toEqual({ maxMs: 1_000 * HOUR_MS, behind: before.behind + 1 });
    const names = database.pool("orch_loops").query("select source from window_series");
    await expect(names).rejects.toThrow("permission denied");
  });
});

describe("a job with a window", () => {
  it("is refused where nobody declared the series, and where it is no window of it", async () => {
    const { tenant, window, ledger } = await newSeries(4);
    const { start, end } = window(0);
    const half = new Date(start.getTime() + HOUR_MS / 2);
    const specs = [
      { source: "other", window: window(0) },
      { source: "osv", window: { ...window(0), scope: "pypi" } },
      { source: "osv", window: { scope: "npm", start: half, end } },
      { source: "osv", window: { scope: "npm", start, end: half } },
      { source: "osv", window: window(0) },
    ];
    const { results } = await ledger.store(specs.map((spec) => newJob(tenant, spec)));
    expect(results.map(({ kind }) => kind)).toEqual([
      "window_series_not_found",
      "window_series_not_found",
      "window_invalid",
      "window_invalid",
      "created",
    ]);
  });
});
