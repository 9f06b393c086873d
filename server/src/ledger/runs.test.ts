import fc from "fast-check";
import type pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import { ledgerOf, newJob, type TestLedger } from "../../../test/support/ledger.ts";
import type { NewRun } from "../app/runs/create-run.ts";
import type { OnFailure } from "../domain/graph.ts";
import { newId } from "../lib/ids.ts";
import { existingRun } from "./run.sql.ts";
import { storeRunInTransaction } from "./runs.ts";
import { inTransaction } from "./transaction.ts";

let database: TestDatabase;
let owner: pg.Pool;
let ledger: TestLedger;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = database.owner();
  ledger = ledgerOf(database.pool());
});

afterAll(() => database.drop());

beforeEach(() => owner.query("truncate ready, lease, scheduled"));

type Edges = readonly (readonly [from: number, to: number, onFailure?: OnFailure])[];

/** A run of `size` jobs named after their positions. */
function runOf(size: number, edges: Edges, runId = newId()): NewRun {
  const jobs = Array.from({ length: size }, () => newJob(ledger.tenant));
  const idOf = (position: number) => jobs[position]?.jobId ?? "";
  return {
    tenant: ledger.tenant,
    runId,
    displayName: "",
    project: "",
    correlationId: runId,
    contentDigest: Buffer.alloc(32, size),
    jobs: jobs.map((job, position) => ({
      job,
      name: `${position}`,
      unmet: edges.filter(([, to]) => to === position).length,
    })),
    edges: edges.map(([from, to, onFailure = "cancel"]) => ({
      from: idOf(from),
      to: idOf(to),
      condition: "success" as const,
      onFailure,
      includeFanOut: false,
    })),
  };
}

const idsOf = (run: NewRun): string[] => run.jobs.map(({ job }) => job.jobId);

/** Where the jobs stand, in their order. */
const readStates = async (run: NewRun): Promise<string[]> => {
  const { rows } = await owner.query(
    `select coalesce(l.state, case when j.base_state = 'ready' and a.outcome = 'succeeded'
       then 'succeeded' else j.base_state end) as state
     from job j left join lease l on l.job_id = j.id
     left join attempt a on a.job_id = j.id and a.outcome = 'succeeded'
     where j.run_id = $1 order by j.run_position`,
    [run.runId],
  );
  return rows.map((row) => row.state);
};

describe("a run", () => {
  it("is written once, and answered again when it is repeated", async () => {
    const run = runOf(2, [[0, 1]]);
    expect((await ledger.storeRun(run)).stored).toMatchObject({ kind: "created" });
    expect((await ledger.storeRun(run)).stored).toEqual({
      kind: "existing",
      runId: run.runId,
      jobIds: idsOf(run),
    });
    expect((await ledger.storeRun(runOf(3, [], run.runId))).stored).toMatchObject({
      kind: "run_id_conflict",
    });
  });

  it("is written whole or not at all", async () => {
    const taken = newJob(ledger.tenant);
    await ledger.store([taken]);
    const run = runOf(2, [[0, 1]]);
    const clash = { ...run, jobs: [...run.jobs, { job: taken, name: "2", unmet: 0 }] };
    expect((await ledger.storeRun(clash)).stored).toMatchObject({
      kind: "job_id_conflict",
      path: "jobs[2].spec.job_id",
    });
    const { rows } = await owner.query("select count(*)::int from job where run_id = $1", [
      run.runId,
    ]);
    expect(rows[0].count).toBe(0);
  });

  it("is told which job has a key that one of its own wants", async () => {
    const withKey = (idempotencyKey: string) => newJob(ledger.tenant, { idempotencyKey });
    const holder = withKey("held");
    await ledger.store([holder]);
    const run = runOf(0, []);
    const conflictOf = async (...keys: string[]) => {
      const jobs = keys.map((key) => ({ job: withKey(key), name: newId(), unmet: 0 }));
      return (await ledger.storeRun({ ...run, jobs })).stored;
    };
    expect(await conflictOf("free", "held")).toEqual({
      kind: "idempotency_conflict",
      path: "jobs[1].spec.idempotency_key",
      jobId: holder.jobId,
    });
    expect(await conflictOf("free", "free")).toMatchObject({
      kind: "idempotency_conflict",
      path: "jobs[1].spec.idempotency_key",
    });
  });

  it("cancels what depends on a dead job, to any depth, and holds what says hold", async () => {
    const run = runOf(5, [
      [0, 1],
      [1, 2],
      [0, 3, "hold"],
      [3, 4],
    ]);
    await ledger.storeRun(run);
    await ledger.fail(await ledger.claimOne(), "user", true);
    expect(await readStates(run)).toEqual(["dead", "cancelled", "cancelled", "blocked", "blocked"]);
    await ledger.retry([idsOf(run)[0] ?? ""]);
    await ledger.complete(await ledger.claimOne());
    await ledger.complete(await ledger.claimOne());
    expect(await readStates(run)).toEqual([
      "succeeded",
      "cancelled",
      "cancelled",
      "succeeded",
      "ready",
    ]);
  });

  it("starts no job before its parents succeeded, and every job in the end", async () => {
    const shape = fc.integer({ min: 1, max: 12 }).chain((size) =>
      fc.record({
        size: fc.constant(size),
        pairs: fc.uniqueArray(fc.tuple(fc.nat(size - 1), fc.nat(size - 1)), {
          maxLength: 30,
          selector: ([a, b]) => `${a}-${b}`,
        }),
        order: fc.infiniteStream(fc.nat()),
      }),
    );
    await fc.assert(
      fc.asyncProperty(shape, async ({ size, pairs, order }) => {
        await owner.query("truncate ready, lease, scheduled");
        const edges = pairs.filter(([from, to]) => from < to);
        const run = runOf(size, edges);
        await ledger.storeRun(run);
        const ids = idsOf(run);
        const done = new Set<number>();
        while (done.size < size) {
          const offers = await ledger.claimWith({ limit: 16 });
          const started = offers.map(({ lease }) => ids.indexOf(lease.jobId));
          const free = [...ids.keys()].filter(
            (job) => !done.has(job) && edges.every(([from, to]) => to !== job || done.has(from)),
          );
          expect(started.toSorted()).toEqual(free.toSorted());
          // All that is free completes at once, in any order and over several transactions.
          const shuffled = offers
            .map((offer) => ({ offer, rank: order.next().value as number }))
            .sort((a, b) => a.rank - b.rank);
          await Promise.all(shuffled.map(({ offer }) => ledger.complete(offer.lease)));
          for (const job of started) done.add(job);
        }
        expect(new Set(await readStates(run))).toEqual(new Set(["succeeded"]));
      }),
      { numRuns: 25 },
    );
  });
});

it("a repetition whose run retention takes away in between makes a new one", async () => {
  const run = runOf(2, [[0, 1]]);
  await ledger.storeRun(run);
  const taken: string[] = [];
  // After the id was found taken, and before the run is read.
  const takeAway = async () => {
    if (taken.length > 0) return;
    for (const table of ["edge", "ready", "job_event", "job", "run"]) {
      await owner.query(`delete from ${table} where tenant = $1`, [run.tenant]);
    }
    taken.push(run.runId);
  };
  const answer = await inTransaction(database.pool(), [run.tenant], (tx) =>
    storeRunInTransaction(
      {
        run: async (statement, ...params) => {
          if (statement.name === existingRun.name) await takeAway();
          return tx.run(statement, ...params);
        },
      },
      run,
      1_000,
      () => undefined,
    ),
  );
  expect(taken).toEqual([run.runId]);
  expect(answer.stored).toEqual({ kind: "created", runId: run.runId, jobIds: idsOf(run) });
  expect(await readStates(run)).toEqual(["ready", "blocked"]);
});
