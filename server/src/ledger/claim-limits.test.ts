import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import { ledgerOf, newJob, type TestLedger, wholeLanes } from "../../../test/support/ledger.ts";
import type { ChooseRanges, Usage } from "../app/bridge/claim.ts";
import { storeJobs } from "./enqueue.ts";

const DAY_MS = 86_400_000;

let database: TestDatabase;
let owner: pg.Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = database.owner();
});

afterAll(() => database.drop());

/** Lets out what a limit on the whole tenant leaves; remembers the most that it ever saw out. */
const upTo = (tenant: string, limit: number, seen: { most: number } = { most: 0 }) => {
  const choose: ChooseRanges = async (usage) => {
    const out = (usage as Usage).active.reduce((sum, { count }) => sum + count, 0);
    seen.most = Math.max(seen.most, out);
    return wholeLanes(tenant).flatMap((range) =>
      range.lane.priority === 0 && out < limit ? [{ ...range, limit: limit - out }] : [],
    );
  };
  return choose;
};

const enqueue = (tenant: string, count: number) =>
  storeJobs(database.pool(), DAY_MS)(Array.from({ length: count }, () => newJob(tenant)));

describe("a claim under limits", () => {
  it("never lets out more than the limit, however many claim at once", async () => {
    const tenant = "exact";
    await enqueue(tenant, 200);
    // Two pools, as two replicas have: they share nothing but the ledger.
    const replicas = [database.pool(), database.pool()].map((pool) => ledgerOf(pool, tenant));
    const seen = { most: 0 };
    const exact = { quotas: [] };
    let done = 0;
    const worker = async (index: number) => {
      const ledger = replicas[index % 2] as (typeof replicas)[number];
      for (let round = 0; round < 20; round++) {
        const choose = upTo(tenant, 7, seen);
        const offers = await ledger.claimWith({ limit: 4, exact, choose });
        for (const { lease } of offers) await ledger.complete(lease);
        done += offers.length;
      }
    };
    await Promise.all(Array.from({ length: 8 }, (_, index) => worker(index)));
    expect(seen.most).toBeLessThanOrEqual(7);
    await enqueue(tenant, 10);
    const [one, other] = replicas as [TestLedger, TestLedger];
    const claim = async (ledger: TestLedger) =>
      (await ledger.claimWith({ limit: 4, exact, choose: upTo(tenant, 7) })).length;
    expect([await claim(one), await claim(other), await claim(one)]).toEqual([4, 3, 0]);
    expect(done).toBeGreaterThan(50);
    const { rows } = await owner.query("select count(*)::int from lease where tenant = $1", [
      tenant,
    ]);
    expect(rows[0].count).toBe(7);
  });

  it("has the slots of a claim that died in mid-transaction back at once", async () => {
    const tenant = "killed";
    await enqueue(tenant, 10);
    const pool = database.pool();
    const ledger = ledgerOf(pool, tenant);
    const exact = { quotas: [] };
    const dying = ledger.claimWith({
      limit: 4,
      exact,
      choose: async (usage) => {
        // The turn is held by this backend, which is killed as a replica's are when it dies.
        await owner.query(
          `select pg_terminate_backend(pid) from pg_locks
           where locktype = 'advisory' and granted and pid <> pg_backend_pid()`,
        );
        return upTo(tenant, 4)(usage);
      },
    });
    await expect(dying).rejects.toThrow();
    const offers = await ledger.claimWith({ limit: 4, exact, choose: upTo(tenant, 4) });
    expect(offers).toHaveLength(4);
    expect(await ledger.claimWith({ limit: 4, exact, choose: upTo(tenant, 4) })).toEqual([]);
  });

  it("counts quotas in the transaction that spends them", async () => {
    const tenant = "quota";
    await enqueue(tenant, 10);
    const ledger = ledgerOf(database.pool(), tenant);
    const exact = { quotas: ["jobsPerHour"] as const };
    const handedOut: number[] = [];
    const choose: ChooseRanges = async (usage) => {
      handedOut.push((usage as Usage).handedOut.jobsPerHour);
      return wholeLanes(tenant);
    };
    await ledger.claimWith({ limit: 4, exact, choose });
    const failing = ledger.claimWith({
      limit: 2,
      exact,
      choose: async () => {
        throw new Error("somebody had second thoughts");
      },
    });
    await expect(failing).rejects.toThrow("second thoughts");
    await ledger.claimWith({ limit: 2, exact, choose });
    await ledger.claimWith({ limit: 1, exact, choose });
    // An hour may have begun in between; then all of it is counted from there.
    expect([
      [0, 4, 6],
      [0, 4, 0],
      [0, 0, 2],
    ]).toContainEqual(handedOut);
  });

  it("takes no more of a range than its limit, and says that there is more", async () => {
    const tenant = "ranges";
    await enqueue(tenant, 10);
    const ledger = ledgerOf(database.pool(), tenant);
    const narrow: ChooseRanges = async () =>
      wholeLanes(tenant).map((range) => ({ ...range, limit: 3 }));
    expect(await ledger.claimWith({ limit: 8, choose: narrow })).toHaveLength(3);
    const { rows } = await owner.query<{ seq: string }>(
      "select seq from ready where tenant = $1 order by seq",
      [tenant],
    );
    const seqs = rows.map((row) => Number(row.seq));
    const [lane] = wholeLanes(tenant).filter((range) => range.lane.priority === 0);
    const exactly: ChooseRanges = async () =>
      [seqs[4], seqs[2]].map((seq = 0) => ({
        ...(lane as NonNullable<typeof lane>),
        after: seq - 1,
        upTo: seq,
        limit: 1,
      }));
    const offers = await ledger.claimWith({ limit: 8, choose: exactly });
    expect(offers).toHaveLength(2);
    expect(offers[0]?.createdAt.getTime()).toBeLessThanOrEqual(offers[1]?.createdAt.getTime() ?? 0);
  });
});
