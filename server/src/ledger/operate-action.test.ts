import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectConservation } from "../../../test/support/conservation.ts";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import { ledgerOf, newJob, type TestLedger } from "../../../test/support/ledger.ts";
import type { JobAction } from "../domain/operation.ts";
import { newId } from "../lib/ids.ts";
import { renewLeasesIn } from "./leases.ts";
import { operatorOf } from "./testing/operator.ts";

let database: TestDatabase;
let owner: pg.Pool;
let pool: pg.Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = database.owner();
  pool = database.pool();
});
afterAll(() => database.drop());

const FUTURE = () => new Date(Date.now() + 3_600_000);

/** A job in each place, in a tenant of its own. */
async function scene(tenant: string) {
  const ledger = ledgerOf(pool, tenant);
  const dies = async () => {
    const jobId = await ledger.enqueue();
    await ledger.fail(await ledger.claimOne(), "user", true);
    return jobId;
  };
  const dead = await dies();
  const discarded = await dies();
  const succeeded = await ledger.enqueue();
  await ledger.complete(await ledger.claimOne());
  const cancelled = await ledger.enqueue();
  await ledger.cancel([cancelled]);
  const running = await ledger.enqueue();
  const lease = await ledger.claimOne();
  const offered = await ledger.enqueue();
  await ledger.offerOne();
  const [parent, child] = [newJob(tenant, { notBefore: FUTURE() }), newJob(tenant)];
  const runId = newId();
  await ledger.storeRun({
    tenant,
    runId,
    displayName: "",
    project: "",
    correlationId: runId,
    contentDigest: parent.contentDigest,
    jobs: [
      { job: parent, name: "parent", unmet: 0 },
      { job: child, name: "child", unmet: 1 },
    ],
    edges: [
      {
        from: parent.jobId,
        to: child.jobId,
        condition: "success",
        onFailure: "hold",
        includeFanOut: false,
      },
    ],
  });
  const ready = await ledger.enqueue();
  const operator = operatorOf(pool, tenant);
  await operator.act({ kind: "discard" }, [discarded]);
  const jobs = { dead, discarded, succeeded, cancelled, running, offered, ready };
  const all = { ...jobs, scheduled: parent.jobId, blocked: child.jobId, missing: newId() };
  return { ledger, operator, lease, all };
}

/** What an action says about a job in each place. */
async function outcomes(tenant: string, action: JobAction) {
  const { operator, all, ...rest } = await scene(tenant);
  const { results, lanes, stops } = await operator.act(action, Object.values(all));
  const names = new Map(Object.entries(all).map(([name, id]) => [id, name]));
  const said = results.map((one) => [names.get(one.jobId), one.reason || one.outcome]);
  await expectConservation(owner);
  return { said: Object.fromEntries(said), results, lanes, stops, all, operator, ...rest };
}

describe("an action", () => {
  it("retries what is dead or scheduled", async () => {
    const { said, lanes } = await outcomes("retry", { kind: "retry" });
    expect(said).toEqual({
      dead: "applied",
      scheduled: "applied",
      discarded: "DEAD_LETTER_DISCARDED",
      succeeded: "JOB_NOT_DEAD",
      cancelled: "JOB_NOT_DEAD",
      running: "unchanged",
      offered: "unchanged",
      ready: "unchanged",
      blocked: "unchanged",
      missing: "JOB_NOT_FOUND",
    });
    expect(lanes.flatMap(({ seqs }) => seqs)).toHaveLength(2);
  });

  it("cancels what is unfinished", async () => {
    const { said, stops, all } = await outcomes("cancel", { kind: "cancel", graceMs: 5_000 });
    expect(said).toEqual({
      dead: "JOB_FINISHED",
      discarded: "JOB_FINISHED",
      succeeded: "JOB_FINISHED",
      cancelled: "unchanged",
      running: "applied",
      offered: "applied",
      ready: "applied",
      scheduled: "applied",
      blocked: "applied",
      missing: "JOB_NOT_FOUND",
    });
    expect(stops.map(({ jobId }) => jobId)).toEqual([all.running]);
  });

  it("gives up dead letters, after which they cannot be retried", async () => {
    const { said, operator, ledger, all } = await outcomes("discard", { kind: "discard" });
    const { missing, dead, discarded, ...others } = said;
    expect({ missing, dead, discarded }).toEqual({
      missing: "JOB_NOT_FOUND",
      dead: "applied",
      discarded: "unchanged",
    });
    expect(new Set(Object.values(others))).toEqual(new Set(["JOB_NOT_DEAD"]));
    const again = await operator.act({ kind: "retry" }, [all.dead]);
    expect(again.results[0]).toMatchObject({ reason: "DEAD_LETTER_DISCARDED", state: "dead" });
    expect((await ledger.retry([all.dead])).results[0]).toMatchObject({ kind: "discarded" });
    const { rows } = await owner.query("select from dead_letter where tenant = 'discard'");
    expect(rows).toEqual([]);
  });

  it.each([
    { kind: "reprioritise", priority: 1 },
    { kind: "move", queue: "elsewhere" },
  ] as const)("changes lanes of what nobody works on: $kind", async (action) => {
    const { said, lanes, all, ledger, operator } = await outcomes(action.kind, action);
    expect(said).toEqual({
      dead: "JOB_FINISHED",
      discarded: "JOB_FINISHED",
      succeeded: "JOB_FINISHED",
      cancelled: "JOB_FINISHED",
      running: "JOB_BEING_WORKED_ON",
      offered: "JOB_BEING_WORKED_ON",
      ready: "applied",
      scheduled: "applied",
      blocked: "applied",
      missing: "JOB_NOT_FOUND",
    });
    const wanted = action.kind === "move" ? { queue: "elsewhere" } : { priority: 1 };
    expect(lanes).toMatchObject([wanted]);
    const changed = [all.ready, all.scheduled, all.blocked];
    const again = await operator.act(action, changed);
    expect(again.results.map(({ outcome }) => outcome)).toEqual(Array(3).fill("unchanged"));
    // A job that waited goes to its new lane when its moment comes.
    await owner.query("update scheduled set run_at = now() where tenant = $1", [action.kind]);
    expect((await ledger.promote()).lanes).toMatchObject([wanted]);
    const { rows } = await owner.query(
      `select job_id from ready where tenant = $1 and ${
        action.kind === "move" ? "queue = 'elsewhere'" : "priority = 1"
      } order by seq`,
      [action.kind],
    );
    expect(rows.map((row) => row.job_id)).toEqual([all.ready, all.scheduled]);
  });

  it("moves deadlines, and a worker learns of it when it renews", async () => {
    const action = { kind: "extend_deadline", deadlineMs: 7_200_000 } as const;
    const { said, all, lease, ledger } = await outcomes("extend", action);
    expect(said).toEqual({
      dead: "JOB_FINISHED",
      discarded: "JOB_FINISHED",
      succeeded: "JOB_FINISHED",
      cancelled: "JOB_FINISHED",
      running: "applied",
      offered: "applied",
      ready: "applied",
      scheduled: "applied",
      blocked: "applied",
      missing: "JOB_NOT_FOUND",
    });
    const renewed = await renewLeasesIn(pool)([{ lease, sessionId: undefined }]);
    expect(renewed[0]).toMatchObject({ verdict: "renewed" });
    expect(renewed[0]?.attemptLeftMs).toBeGreaterThan(7_100_000);
    expect(renewed[0]?.attemptLeftMs).toBeLessThanOrEqual(7_200_000);
    const claimed = await ledger.claimWith({ limit: 1 });
    expect(claimed).toMatchObject([{ lease: { jobId: all.ready }, attemptDeadlineMs: 7_200_000 }]);
    const fresh = await renewLeasesIn(pool)([
      { lease: claimed[0]?.lease ?? lease, sessionId: undefined },
    ]);
    expect(fresh[0]?.attemptLeftMs).toBeUndefined();
  });

  it("lets an attempt go on that was asked to stop because its time was over", async () => {
    const { operator, all, lease, ledger } = await scene("overdue");
    await owner.query(`update lease set cancel_reason = 'deadline', expires_at = now() + '1 s'
      where tenant = 'overdue' and state = 'running'`);
    await operator.act({ kind: "extend_deadline", deadlineMs: 60_000 }, [all.running]);
    const [renewed] = await renewLeasesIn(pool)([{ lease, sessionId: undefined }]);
    expect(renewed).toMatchObject({ verdict: "renewed" });
    expect(await ledger.complete(lease)).toMatchObject({ kind: "applied" });
  });

  it("takes an offered job's new deadline along when it is accepted", async () => {
    const ledger: TestLedger = ledgerOf(pool, "accepted");
    const jobId = await ledger.enqueue({ attemptDeadlineMs: 1_000 });
    const offer = await ledger.offerOne();
    const operator = operatorOf(pool, "accepted");
    await operator.act({ kind: "extend_deadline", deadlineMs: 60_000 }, [jobId]);
    await ledger.accept([offer]);
    const [renewed] = await renewLeasesIn(pool)([{ lease: offer, sessionId: undefined }]);
    expect(renewed?.attemptLeftMs).toBeGreaterThan(50_000);
  });

  it("keeps the end of a lost lease's attempt open to its holder in the new lane", async () => {
    const ledger = ledgerOf(pool, "lost");
    const jobId = await ledger.enqueue();
    const lease = await ledger.claimOne();
    await ledger.interrupt(lease);
    await operatorOf(pool, "lost").act({ kind: "move", queue: "elsewhere" }, [jobId]);
    expect(await ledger.complete(lease)).toMatchObject({ kind: "applied", state: "succeeded" });
    await expectConservation(owner);
  });
});
