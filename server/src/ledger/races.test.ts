import type pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import { ledgerOf, type TestLedger } from "../../../test/support/ledger.ts";
import type { LeaseRef } from "../domain/lease.ts";
import { MAX_CLAIM_BYTES } from "./claim.sql.ts";
import { renewLeasesIn, storeProgressIn } from "./leases.ts";

// What two transactions, or two items of one batch, do to each other.

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

/** Looks until a statement of this database waits for another one's lock, or `done` says stop. */
async function somebodyWaits(done: () => boolean): Promise<void> {
  const sql = `select 1 from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`;
  while (!done() && (await owner.query(sql)).rowCount === 0);
}

/** Lets `write` wait for a transaction that runs `statement`, and then commits that. */
async function behind<T>(
  statement: string,
  values: unknown[],
  write: () => Promise<T>,
): Promise<T> {
  const other = await owner.connect();
  try {
    await other.query("begin");
    await other.query(statement, values);
    let done = false;
    const written = write().finally(() => {
      done = true;
    });
    await somebodyWaits(() => done);
    await other.query("commit");
    return await written;
  } finally {
    other.release();
  }
}

const START = `update lease set state = 'running', started_at = now(), deadline_at = now()
  where job_id = $1`;

describe("the same lease twice in a batch", () => {
  it("is renewed, and not taken for an older one", async () => {
    await ledger.enqueue();
    const lease = await ledger.claimOne();
    const twice = [lease, lease].map((one) => ({ lease: one, sessionId: undefined }));
    const verdicts = (await renewLeasesIn(pool)(twice)).map(({ verdict }) => verdict);
    expect(verdicts).toEqual(["renewed", "renewed"]);
  });

  it("is accepted, and was already", async () => {
    await ledger.enqueue();
    const lease = await ledger.offerOne();
    expect((await ledger.accept([lease, lease])).toSorted()).toEqual([
      "already_applied",
      "applied",
    ]);
  });
});

describe("a write that waits for another one's lock", () => {
  it("sees that the offer was accepted meanwhile", async () => {
    await ledger.enqueue();
    const lease = await ledger.offerOne();
    const verdicts = await behind(START, [lease.jobId], () => ledger.accept([lease]));
    expect(verdicts).toEqual(["already_applied"]);
  });

  it("stores no progress of a lease that ends meanwhile", async () => {
    await ledger.enqueue();
    const lease = await ledger.claimOne();
    const write = { lease, fraction: 0.5, message: "", checkpoint: new Uint8Array() };
    const gone = "delete from lease where job_id = $1";
    expect(await behind(gone, [lease.jobId], () => storeProgressIn(pool)([write]))).toEqual([
      false,
    ]);
  });

  it("completes a lease that is swept meanwhile, as nobody else got the job", async () => {
    await ledger.enqueue();
    const lease = await ledger.claimOne();
    const sweep = `with gone as (delete from lease where job_id = $1 returning *),
      ended as (insert into attempt (tenant, job_id, attempt, lease_epoch, worker_id, offered_at,
          started_at, outcome, failure_class)
        select tenant, job_id, attempt, lease_epoch, worker_id, offered_at, started_at,
          'interrupted', 'lease_expired' from gone)
      insert into ready (tenant, queue, job_type, priority, seq, job_id, attempt, lease_epoch,
        payload_bytes, linked, prev_token)
      select tenant, queue, job_type, priority, seq, job_id, attempt + 1, lease_epoch + 1,
        payload_bytes, linked, token from gone`;
    const verdict = await behind(sweep, [lease.jobId], () => ledger.complete(lease));
    expect(verdict).toEqual({ kind: "applied", state: "succeeded" });
  });
});

const leftMs = async ({ jobId }: LeaseRef): Promise<number> => {
  const sql = `select extract(epoch from expires_at - now()) * 1000 as left_ms
    from lease where job_id = $1`;
  return Number((await owner.query(sql, [jobId])).rows[0].left_ms);
};

describe("a request to stop", () => {
  it("grants its grace even if that is longer than the lease; the shorter one counts", async () => {
    await ledger.enqueue();
    const lease = await ledger.claimOne();
    await ledger.cancel([lease.jobId], 600_000);
    expect(await leftMs(lease)).toBeGreaterThan(500_000);
    await ledger.cancel([lease.jobId], 10_000);
    expect(await leftMs(lease)).toBeLessThan(20_000);
  });

  it("names the attempt and the worker of an offer that it takes back", async () => {
    await ledger.enqueue();
    const lease = await ledger.offerOne();
    await ledger.cancel([lease.jobId]);
    const sql = `select attempt, lease_epoch::int, worker_id from job_event
      where job_id = $1 and kind = 'cancelled'`;
    expect((await owner.query(sql, [lease.jobId])).rows).toEqual([
      { attempt: 1, lease_epoch: 1, worker_id: "worker-1" },
    ]);
  });
});

describe("the first TTL after an outage", () => {
  beforeEach(() =>
    owner.query("update control_plane set available_since = now() - interval '30 s'"),
  );

  it("does not keep an offer that nobody accepts", async () => {
    await ledger.enqueue();
    await ledger.offerOne();
    await owner.query(`update lease set offered_at = now() - interval '11 s',
      expires_at = now() - interval '1 s'`);
    expect(await ledger.reap()).toMatchObject({ returned: 1 });
  });

  it("does not keep what was cancelled since", async () => {
    await ledger.enqueue();
    const lease = await ledger.claimOne();
    await ledger.cancel([lease.jobId], 0);
    await owner.query("update lease set expires_at = now() - interval '1 s'");
    expect(await ledger.reap()).toMatchObject({ ended: 1 });
  });
});

describe("a claim", () => {
  it("ends with the bytes of its offers, checkpoints included", async () => {
    const bytes = 256 * 1024;
    const jobs = (2 * MAX_CLAIM_BYTES) / bytes;
    for (let n = 0; n < jobs; n++) await ledger.enqueue();
    const first = await ledger.claimWith({ limit: 64 });
    const checkpoint = Buffer.alloc(bytes);
    await storeProgressIn(pool)(
      first.map(({ lease }) => ({ lease, fraction: 0, message: "", checkpoint })),
    );
    await ledger.giveBack(first.map(({ lease }) => lease));
    const second = await ledger.claimWith({ limit: 64 });
    expect(second.length * bytes).toBe(MAX_CLAIM_BYTES);
    expect(await ledger.claimWith({ limit: 64 })).toHaveLength(jobs - second.length);
  });
});

it("ends an attempt whose retry policy has no backoff and an enormous multiplier", async () => {
  const retry = { initialBackoffMs: 0, multiplier: 1e308, maxAttempts: 9 };
  await ledger.enqueue({ retry });
  for (let round = 0; round < 3; round++) {
    const lease = await ledger.claimOne();
    expect(await ledger.fail(lease)).toEqual({ kind: "applied", state: "scheduled" });
    await ledger.promote();
  }
});
