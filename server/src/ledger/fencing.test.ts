import { randomUUID } from "node:crypto";
import type pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import { ledgerOf, type TestLedger } from "../../../test/support/ledger.ts";
import { checkLeaseIn, renewLeasesIn, storeProgressIn } from "./leases.ts";
import { tickIn } from "./loops.ts";

let database: TestDatabase;
let pool: pg.Pool;
let owner: pg.Pool;
let ledger: TestLedger;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = database.pool();
  owner = database.owner();
  ledger = ledgerOf(pool);
});

afterAll(() => database.drop());

beforeEach(async () => {
  await owner.query("truncate ready, lease, scheduled");
  await owner.query(`update control_plane
    set available_since = now() - interval '1 h', last_tick = now()`);
});

const expire = () => owner.query("update lease set expires_at = now() - interval '1 h'");

const eventsOf = async (jobId: string): Promise<string[]> => {
  const sql = "select kind from job_event where job_id = $1 order by id";
  return (await owner.query(sql, [jobId])).rows.map((row) => row.kind);
};

/** A lease that ran out and was given to somebody else. */
async function staleAndCurrent() {
  const jobId = await ledger.enqueue();
  const stale = await ledger.claimOne();
  await expire();
  await ledger.reap();
  const current = await ledger.claimOne();
  return { jobId, stale, current };
}

describe("the fence", () => {
  it("grows with every lease and offer; an unaccepted offer costs no attempt", async () => {
    await ledger.enqueue();
    const first = await ledger.offerOne();
    await ledger.giveBack([first], true);
    const second = await ledger.claimOne();
    expect([first.leaseEpoch, second.leaseEpoch]).toEqual([1, 2]);
    expect([first.attempt, second.attempt]).toEqual([1, 1]);
  });

  it("refuses every write of a stale holder, as data, and changes nothing", async () => {
    const { jobId, stale, current } = await staleAndCurrent();
    const before = await eventsOf(jobId);
    expect(await ledger.complete(stale)).toEqual({ kind: "stale_lease", state: "running" });
    expect(await ledger.fail(stale)).toEqual({ kind: "stale_lease", state: "running" });
    expect((await ledger.giveBack([stale])).verdicts).toEqual(["stale_lease"]);
    const write = { lease: stale, fraction: 0.5, message: "", checkpoint: Buffer.from("x") };
    expect(await storeProgressIn(pool)([write])).toEqual([false]);
    expect(await ledger.accept([stale])).toEqual(["stale_lease"]);
    const renewals = [stale, current].map((lease) => ({ lease, sessionId: undefined }));
    const verdicts = (await renewLeasesIn(pool)(renewals)).map((answer) => answer.verdict);
    expect(verdicts).toEqual(["superseded", "renewed"]);
    expect(await eventsOf(jobId)).toEqual(before);
    expect(await ledger.complete(current)).toEqual({ kind: "applied", state: "succeeded" });
  });

  it("refuses the right epoch with a wrong token", async () => {
    await ledger.enqueue();
    const lease = await ledger.claimOne();
    const forged = { ...lease, leaseToken: "x".repeat(16) };
    expect(await ledger.complete(forged)).toMatchObject({ kind: "stale_lease" });
    expect(await checkLeaseIn(pool)(forged)).toMatchObject({ current: false });
    expect(await checkLeaseIn(pool)(lease)).toMatchObject({ current: true });
  });

  it("tells third parties which epoch is the newest, whatever became of the job", async () => {
    const { stale, current } = await staleAndCurrent();
    expect(await checkLeaseIn(pool)(stale)).toMatchObject({ current: false, newestEpoch: 2 });
    expect(await checkLeaseIn(pool)(current)).toMatchObject({ current: true, newestEpoch: 2 });
    await ledger.complete(current);
    expect(await checkLeaseIn(pool)(current)).toMatchObject({ current: false, newestEpoch: 2 });
    const nobody = { ...current, jobId: randomUUID() };
    expect(await checkLeaseIn(pool)(nobody)).toBeUndefined();
  });

  it("lets a late holder complete as long as nobody else got the job", async () => {
    const jobId = await ledger.enqueue();
    const lease = await ledger.claimOne();
    await expire();
    await ledger.reap();
    expect(await ledger.complete(lease)).toEqual({ kind: "applied", state: "succeeded" });
    const { rows } = await owner.query("select attempt, outcome from attempt where job_id = $1", [
      jobId,
    ]);
    expect(rows).toEqual([{ attempt: 1, outcome: "succeeded" }]);
  });

  it("goes on growing when an operator retries a dead job, with fresh budgets", async () => {
    const jobId = await ledger.enqueue();
    const first = await ledger.claimOne();
    await ledger.fail(first, "user", true);
    await ledger.retry([jobId]);
    const second = await ledger.claimOne();
    expect(second).toMatchObject({ attempt: 2, leaseEpoch: first.leaseEpoch + 1 });
    expect(await ledger.fail(second)).toMatchObject({ state: "scheduled" });
  });
});

describe("completions", () => {
  it("answer the same when they are repeated", async () => {
    await ledger.enqueue();
    const lease = await ledger.claimOne();
    const id = randomUUID();
    expect(await ledger.complete(lease, id)).toEqual({ kind: "applied", state: "succeeded" });
    expect(await ledger.complete(lease, id)).toEqual({
      kind: "already_applied",
      state: "succeeded",
    });
    expect(await ledger.complete(lease)).toEqual({ kind: "stale_lease", state: "succeeded" });
  });

  it("have one winner when several race", async () => {
    for (let round = 0; round < 20; round++) {
      const jobId = await ledger.enqueue();
      const lease = await ledger.claimOne();
      const verdicts = await Promise.all([
        ledger.complete(lease),
        ledger.fail(lease, "user", true),
        ledger.complete(lease),
        ledger.fail(lease, "user", true),
      ]);
      expect(verdicts.filter((verdict) => verdict?.kind === "applied")).toHaveLength(1);
      const { rows } = await owner.query("select count(*)::int from attempt where job_id = $1", [
        jobId,
      ]);
      expect(rows[0].count).toBe(1);
    }
  });
});

describe("cancelling", () => {
  it("asks a running job to stop, and lets it succeed if it completes first", async () => {
    const jobId = await ledger.enqueue();
    const lease = await ledger.claimOne();
    const { results, stops } = await ledger.cancel([jobId], 60_000);
    expect(results).toMatchObject([{ kind: "requested", state: "running" }]);
    expect(stops).toMatchObject([{ jobId, leaseEpoch: 1 }]);
    const [renewal] = await renewLeasesIn(pool)([{ lease, sessionId: undefined }]);
    expect(renewal).toMatchObject({ verdict: "cancelled", cancelReason: "user" });
    expect(await ledger.complete(lease)).toMatchObject({ kind: "applied", state: "succeeded" });
  });

  it("takes the job away when the grace is over, at no interruption", async () => {
    const jobId = await ledger.enqueue();
    await ledger.claimOne();
    await ledger.cancel([jobId], 0);
    await expire();
    await ledger.reap();
    expect((await ledger.cancel([jobId])).results).toMatchObject([
      { kind: "already_finished", state: "cancelled" },
    ]);
    const { rows } = await owner.query("select outcome from attempt where job_id = $1", [jobId]);
    expect(rows).toEqual([{ outcome: "cancelled" }]);
  });

  it("finds a job wherever it is while workers move it about", async () => {
    const ids = await Promise.all(Array.from({ length: 40 }, () => ledger.enqueue()));
    const busy = (async () => {
      for (let round = 0; round < 10; round++) {
        const offers = await ledger.claimWith({ limit: 8, requestId: undefined, active: false });
        await ledger.giveBack(offers.map((offer) => offer.lease));
      }
    })();
    const answers = await Promise.all(ids.map((id) => ledger.cancel([id], 60_000)));
    await busy;
    const kinds = answers.map(({ results: [result] }) => result?.kind);
    expect(new Set(kinds)).toEqual(new Set(["cancelled"]));
  });

  it("answers for ids that are not there", async () => {
    const { results } = await ledger.cancel([randomUUID()]);
    expect(results).toMatchObject([{ kind: "not_found" }]);
  });
});

describe("the outage amnesty", () => {
  it("lets no lease expire before one TTL of availability", async () => {
    await ledger.enqueue();
    const lease = await ledger.claimOne();
    await expire();
    await owner.query("update control_plane set last_tick = now() - interval '1 min'");
    const tick = tickIn(database.pool("orch_loops"), "test");
    expect((await tick(3_000)).outageMs).toBeGreaterThan(50_000);
    expect(await ledger.reap()).toMatchObject({ ended: 0 });
    expect((await tick(3_000)).outageMs).toBe(0);
    await owner.query("update control_plane set available_since = now() - interval '2 min'");
    expect(await ledger.reap()).toMatchObject({ ended: 1 });
    expect(await checkLeaseIn(pool)(lease)).toMatchObject({ current: false });
  });
});
