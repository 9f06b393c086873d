import fc from "fast-check";
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import {
  jobSpec,
  ledgerOf,
  newJob,
  type TestLedger,
  wholeLanes,
} from "../../../test/support/ledger.ts";
import type { BackfillSpec } from "../app/backfills/backfill.ts";
import { createBackfill } from "../app/backfills/create-backfill.ts";
import { LedgerUnavailable } from "../app/ledger-unavailable.ts";
import { newId } from "../lib/ids.ts";
import type { BackfillJobsOptions } from "./backfill-jobs.ts";
import { stepBackfillIn } from "./backfill-step.ts";
import {
  createBackfillIn,
  listBackfillWindowsIn,
  moveBackfillIn,
  readBackfillIn,
} from "./backfills.ts";
import { putSeriesIn } from "./watermarks.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const audit = { actor: "ada", reason: "test", ticket: "" };

let database: TestDatabase;
let owner: pg.Pool;
let pool: pg.Pool;
let otherPool: pg.Pool;
let tenants = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = database.owner();
  pool = database.pool();
  otherPool = database.pool();
});
afterAll(() => database.drop());

const options: BackfillJobsOptions = {
  idempotencyRetentionMs: DAY_MS,
  payloadQuota: () => undefined,
  admit: async () => undefined,
};

/** A series of hours, all of which are due. */
async function newTenant() {
  const tenant = `b${++tenants}`;
  const originMs = Math.floor(Date.now() / HOUR_MS) * HOUR_MS - 1_000 * HOUR_MS;
  const origin = new Date(originMs);
  const series = { source: "osv", scope: "npm", widthMs: HOUR_MS, latenessMs: 0, origin };
  await putSeriesIn(pool)(tenant, series, audit);
  const at = (index: number) => new Date(originMs + index * HOUR_MS);
  const window = (index: number) => ({ scope: "npm", start: at(index), end: at(index + 1) });
  const create = createBackfill({
    store: createBackfillIn(pool),
    started: () => {},
    maxPayloadBytes: 1_000,
  });
  const start = async (from: number, until: number, over: Partial<BackfillSpec> = {}) => {
    const spec: BackfillSpec = {
      source: "osv",
      scope: "npm",
      start: at(from),
      end: at(until),
      job: jobSpec({ source: "osv", payload: Buffer.from([0, 255]) }),
      maxParallel: 10,
      repeatCovered: false,
      ...over,
    };
    const created = await create(tenant, newId(), spec, audit);
    if (created.kind !== "created") throw new Error(created.kind);
    return created.id;
  };
  const read = async (id: string) => {
    const found = await readBackfillIn(pool)(tenant, id);
    if (found === undefined) throw new Error("no backfill");
    return found;
  };
  const step = stepBackfillIn(pool, options);
  const ledger = ledgerOf(pool, tenant);
  return { tenant, at, window, start, read, step: (id: string) => step(tenant, id), ledger };
}

/** Claims three jobs, the first two of which die; answers the leases of the second and third. */
async function failTwoOfThree(ledger: TestLedger) {
  const [one, two, three] = (await claimAll(ledger)).map(({ lease }) => lease);
  if (one === undefined || two === undefined || three === undefined) throw new Error("no jobs");
  await ledger.fail(one, "user", true);
  await ledger.fail(two, "user", true);
  return { two, three };
}

const claimAll = (ledger: TestLedger) =>
  ledger.claimWith({
    choose: async () =>
      wholeLanes(ledger.tenant).map((range) => ({
        ...range,
        lane: { ...range.lane, source: "osv" },
      })),
  });

/** How the windows of a tenant were worked on: jobs that succeeded, and all jobs, by window. */
async function jobsByWindow(tenant: string) {
  const { rows } = await owner.query<{ window_start: Date; succeeded: number; jobs: number }>(
    `select j.window_start, count(*)::int as jobs,
       count(*) filter (where exists (select from attempt a where a.tenant = j.tenant
         and a.job_id = j.id and a.outcome = 'succeeded'))::int as succeeded
     from job j where j.tenant = $1 group by j.window_start order by j.window_start`,
    [tenant],
  );
  return rows;
}

let windowsChecked = 0;
let killed = 0;

const scenario = fc.record({
  seed: fc.integer(),
  first: fc.record({ from: fc.nat(20), windows: fc.integer({ min: 1, max: 40 }) }),
  second: fc.record({ from: fc.nat(40), windows: fc.integer({ min: 1, max: 40 }) }),
  parallel: fc.constantFrom(1, 3, 10),
  covered: fc.uniqueArray(fc.nat(60), { maxLength: 15 }),
  live: fc.uniqueArray(fc.nat(60), { maxLength: 5 }),
  failing: fc.uniqueArray(fc.nat(60), { maxLength: 4 }),
});

describe("two overlapping backfills, two loops at each, and backends that die", () => {
  it("cover every window exactly once", async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async (the) => {
        const { tenant, at, window, start, read, ledger } = await newTenant();
        const indexOf = (date: Date) => (date.getTime() - at(0).getTime()) / HOUR_MS;
        const random = seeded(the.seed);
        const before = the.covered.map((index) =>
          newJob(tenant, { source: "osv", window: window(index) }),
        );
        await ledger.store(before);
        for (const { lease } of await claimAll(ledger)) await ledger.complete(lease);
        const covered = new Set(the.covered);
        const live = the.live.filter((index) => !covered.has(index));
        await ledger.store(live.map((n) => newJob(tenant, { source: "osv", window: window(n) })));
        const a = { ...the.first, until: the.first.from + the.first.windows };
        const b = { ...the.second, until: the.second.from + the.second.windows };
        const over = { maxParallel: the.parallel };
        const ids = [
          await start(a.from, a.until, over),
          await start(b.from, b.until, { maxParallel: 4 }),
        ];

        let going = true;
        const failing = new Set(the.failing);
        const work = async () => {
          while (going) {
            for (const { lease, spec } of await claimAll(ledger)) {
              // Dies once: the other backfill's own job, or nobody's, gets another chance.
              if (failing.delete(indexOf(spec.window?.start as Date))) {
                await ledger.fail(lease, "user", true);
              } else await ledger.complete(lease);
            }
          }
        };
        // A step asks this between its looks and its writes: there its backend dies.
        const admit = async () => {
          if (random() < 0.3) {
            const { rowCount } = await owner.query(
              `select pg_terminate_backend(pid) from pg_stat_activity
               where datname = current_database() and state = 'idle in transaction'
                 and query like '%with ordinality as w (window_start%'`,
            );
            killed += rowCount ?? 0;
          }
          return undefined;
        };
        const loopOver = async (by: pg.Pool, id: string) => {
          const step = stepBackfillIn(by, { ...options, admit });
          while ((await read(id)).finishedAt === undefined) {
            await step(tenant, id).catch((error: unknown) => {
              if (!(error instanceof LedgerUnavailable)) throw error;
            });
          }
        };
        const working = work();
        await Promise.all(
          [pool, otherPool].flatMap((by) => ids.map((id) => loopOver(by, id))),
        ).finally(() => {
          going = false;
        });
        await working;

        const jobs = new Map(
          (await jobsByWindow(tenant)).map((row) => [indexOf(row.window_start), row]),
        );
        const ends = await Promise.all(ids.map(read));
        ends.forEach((backfill, n) => {
          const { covered, shared, failed, windows, inProgress } = backfill;
          expect(windows).toBe(n === 0 ? the.first.windows : the.second.windows);
          expect(covered + shared + failed).toBe(windows);
          expect(inProgress).toBe(0);
          expect(backfill.state).toBe(failed > 0 ? "failed" : "succeeded");
        });
        for (let index = 0; index < 90; index++) {
          const inside = [a, b].filter(({ from, until }) => index >= from && index < until);
          const row = jobs.get(index);
          windowsChecked += inside.length > 0 ? 1 : 0;
          if (inside.length === 0 && !covered.has(index) && !live.includes(index)) {
            expect(row, `window ${index}`).toBeUndefined();
          } else if (!the.failing.includes(index)) {
            expect(row, `window ${index}`).toMatchObject({ succeeded: 1, jobs: 1 });
          } else {
            expect(row?.succeeded ?? 0, `window ${index}`).toBeLessThanOrEqual(1);
          }
        }
      }),
      { numRuns: 20 },
    );
    console.info(`backfills: ${windowsChecked} windows checked, ${killed} backends killed`);
    expect(killed).toBeGreaterThan(0);
  }, 180_000);
});

/** A generator of numbers in [0, 1) that is the same every time (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

describe("a backfill", () => {
  it("has no more than max_parallel jobs unfinished, and goes on as they end", async () => {
    const { start, read, step, ledger } = await newTenant();
    const id = await start(0, 25, { maxParallel: 10 });
    expect(await step(id)).toMatchObject({ created: 10 });
    expect(await step(id)).toMatchObject({ created: 0 });
    expect(await read(id)).toMatchObject({ inProgress: 10, covered: 0, state: "running" });
    const offers = await claimAll(ledger);
    expect(offers).toHaveLength(10);
    const [offer] = offers;
    expect([...(offer?.spec.payload ?? [])]).toEqual([0, 255]);
    for (const { lease } of offers.slice(0, 4)) await ledger.complete(lease);
    expect(await step(id)).toMatchObject({ created: 4 });
    expect(await read(id)).toMatchObject({ inProgress: 10, covered: 4 });
  });

  it("leaves out what is covered in one step, however much it is", async () => {
    const { tenant, at, start, read, step } = await newTenant();
    const far = new Date(at(0).getTime() - 500_000 * HOUR_MS);
    await owner.query("insert into window_coverage values ($1, 'osv', 'npm', $2, $3)", [
      tenant,
      far,
      at(1),
    ]);
    const id = await start(-400_000, 2);
    expect(await step(id)).toMatchObject({ created: 1 });
    expect(await read(id)).toMatchObject({ windows: 400_002, shared: 400_001, inProgress: 1 });
  });

  it("leaves out what is not due", async () => {
    const { start, read, step } = await newTenant();
    const id = await start(1_001, 1_010);
    expect(await step(id)).toMatchObject({ created: 0 });
    expect(await read(id)).toMatchObject({ state: "succeeded", windows: 9, covered: 0, shared: 0 });
  });

  it("fails with its dead jobs, and counts those that somebody retried meanwhile", async () => {
    const { start, read, step, ledger } = await newTenant();
    const id = await start(0, 3);
    await step(id);
    const { two, three } = await failTwoOfThree(ledger);
    await step(id);
    expect(await read(id)).toMatchObject({ failed: 2, inProgress: 1, state: "running" });
    await ledger.retry([two.jobId]);
    for (const { lease } of await claimAll(ledger)) await ledger.complete(lease);
    await ledger.complete(three);
    await step(id);
    expect(await read(id)).toMatchObject({ state: "failed", covered: 2, failed: 1, shared: 0 });
  });

  it.each([
    // Somebody else's job covered the first window, a retry of its own the second.
    [false, { state: "succeeded", covered: 2, shared: 1, failed: 0 }],
    [true, { state: "failed", covered: 2, shared: 0, failed: 1 }],
  ])("says who covered what failed at first (repeat_covered: %s)", async (repeatCovered, end) => {
    const { tenant, window, start, read, step, ledger } = await newTenant();
    const id = await start(0, 3, { repeatCovered });
    await step(id);
    const { two, three } = await failTwoOfThree(ledger);
    await step(id);
    await ledger.store([newJob(tenant, { source: "osv", window: window(0) })]);
    await ledger.retry([two.jobId]);
    for (const { lease } of await claimAll(ledger)) await ledger.complete(lease);
    await ledger.complete(three);
    await step(id);
    expect(await read(id)).toMatchObject(end);
    const states = await listBackfillWindowsIn(pool)(tenant, id, undefined, undefined, 10);
    const first = repeatCovered ? "failed" : "shared";
    expect(states.map(({ state }) => state)).toEqual([first, "covered", "covered"]);
  });

  it("makes no jobs while it is paused, settles those it made, and goes on", async () => {
    const { tenant, start, read, step, ledger } = await newTenant();
    const id = await start(0, 12);
    await step(id);
    const move = moveBackfillIn(pool);
    expect(await move("pause", tenant, id, audit)).toMatchObject({ kind: "moved" });
    for (const { lease } of await claimAll(ledger)) await ledger.complete(lease);
    expect(await step(id)).toMatchObject({ created: 0 });
    expect(await read(id)).toMatchObject({ state: "paused", covered: 10, inProgress: 0 });
    await move("resume", tenant, id, audit);
    expect(await step(id)).toMatchObject({ created: 2 });
  });

  it("that is cancelled names its unfinished jobs, and ends once they have", async () => {
    const { tenant, start, read, step, ledger } = await newTenant();
    const id = await start(0, 12, { maxParallel: 3 });
    await step(id);
    const [done, ...running] = await claimAll(ledger);
    if (done === undefined) throw new Error("no jobs");
    await ledger.complete(done.lease);
    await moveBackfillIn(pool)("cancel", tenant, id, audit);
    const stepped = await step(id);
    expect(stepped?.toCancel.toSorted()).toEqual(running.map(({ lease }) => lease.jobId).sort());
    await ledger.cancel(stepped?.toCancel ?? []);
    // They were asked to stop, and are not asked again.
    expect(await step(id)).toMatchObject({ toCancel: [], created: 0 });
    expect(await read(id)).toMatchObject({ state: "cancelling", covered: 1, inProgress: 2 });
    for (const { lease } of running) await ledger.fail(lease, "cancelled");
    await step(id);
    expect(await read(id)).toMatchObject({ state: "cancelled", covered: 1, failed: 2 });
    expect(await step(id)).toBeUndefined();
  });

  it("covers again what is covered, if it is told to", async () => {
    const { tenant, start, read, step, ledger } = await newTenant();
    for (const repeatCovered of [false, true]) {
      const id = await start(0, 5, { repeatCovered });
      await step(id);
      for (const { lease } of await claimAll(ledger)) await ledger.complete(lease);
      await step(id);
      expect(await read(id)).toMatchObject({ state: "succeeded", covered: 5, shared: 0 });
    }
    expect((await jobsByWindow(tenant)).map(({ succeeded }) => succeeded)).toEqual([2, 2, 2, 2, 2]);
  });

  it("waits for places in its queue", async () => {
    const { tenant, start, read, ledger } = await newTenant();
    let places = 2;
    let settled = 0;
    const step = stepBackfillIn(pool, {
      ...options,
      admit: async (_tenant, jobs) => ({
        full: new Map(
          jobs
            .slice(places)
            .map((_, n) => [
              places + n,
              { kind: "queue_full", queue: "default", maxDepth: 2, retryAfterMs: 1_000 } as const,
            ]),
        ),
        settle: (isNew) => {
          settled += jobs.filter((_, n) => isNew(n)).length;
        },
      }),
    });
    const id = await start(0, 5);
    expect(await step(tenant, id)).toMatchObject({ created: 2, again: false });
    expect(settled).toBe(2);
    places = 10;
    expect(await step(tenant, id)).toMatchObject({ created: 3 });
    for (const { lease } of await claimAll(ledger)) await ledger.complete(lease);
    await step(tenant, id);
    expect(await read(id)).toMatchObject({ state: "succeeded", covered: 5 });
  });
});
