import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import { newJob } from "../../../test/support/ledger.ts";
import { InvalidText } from "../app/invalid-text.ts";
import { idHolders } from "./enqueue.sql.ts";
import { storeJobs, storeJobsInTransaction } from "./enqueue.ts";
import { inTransaction } from "./transaction.ts";

const DAY_MS = 86_400_000;

let database: TestDatabase;
let owner: pg.Pool;
let store: ReturnType<typeof storeJobs>;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = database.owner();
  store = storeJobs(database.pool(), DAY_MS);
});

afterAll(() => database.drop());

const count = async (table: string, tenant: string): Promise<number> => {
  const sql = `select count(*)::int as count from ${table} where tenant = $1`;
  return (await owner.query(sql, [tenant])).rows[0].count;
};

describe("storeJobs", () => {
  it("writes the job, its token and its first event", async () => {
    const { results, lanes } = await store([newJob("one", { priority: 3 })]);
    expect(results[0]?.kind).toBe("created");
    expect(lanes).toMatchObject([{ tenant: "one", queue: "default", priority: 3 }]);
    for (const table of ["job", "ready", "job_event"]) expect(await count(table, "one")).toBe(1);
  });

  it("keeps the order of the call within a lane", async () => {
    const jobs = Array.from({ length: 200 }, () => newJob("order"));
    const shuffled = jobs.toSorted((a, b) => (a.jobId.slice(-4) < b.jobId.slice(-4) ? -1 : 1));
    await store(shuffled);
    const { rows } = await owner.query(
      "select job_id from ready where tenant = 'order' order by seq",
    );
    expect(rows.map((row) => row.job_id)).toEqual(shuffled.map((job) => job.jobId));
  });

  it("makes one job of 100 identical enqueues at once", async () => {
    const jobs = Array.from({ length: 100 }, () => newJob("same", { idempotencyKey: "k" }));
    const answers = await Promise.all(jobs.map((job) => store([job])));
    const results = answers.map(({ results: [result] }) => result);
    expect(results.filter((result) => result?.kind === "created")).toHaveLength(1);
    expect(results.filter((result) => result?.kind === "duplicate")).toHaveLength(99);
    const jobIds = results.flatMap((result) =>
      result !== undefined && "jobId" in result ? [result.jobId] : [],
    );
    expect(new Set(jobIds).size).toBe(1);
    expect(await count("job", "same")).toBe(1);
  });

  it("makes one job of a key that stands twice in a batch", async () => {
    const { results } = await store([
      newJob("twice", { idempotencyKey: "k" }),
      newJob("twice", { idempotencyKey: "k" }),
      newJob("twice", { idempotencyKey: "k", priority: 1 }),
    ]);
    expect(results.map((result) => result.kind)).toEqual([
      "created",
      "duplicate",
      "idempotency_conflict",
    ]);
  });

  it("answers other content under a key with both digests, and writes nothing", async () => {
    const first = newJob("conflict", { idempotencyKey: "k" });
    const second = newJob("conflict", { idempotencyKey: "k", payload: Buffer.from("other") });
    await store([first]);
    const { results } = await store([second]);
    expect(results).toEqual([
      {
        kind: "idempotency_conflict",
        jobId: first.jobId,
        existingDigest: `sha256:${Buffer.from(first.contentDigest).toString("hex")}`,
        sentDigest: `sha256:${Buffer.from(second.contentDigest).toString("hex")}`,
      },
    ]);
    expect(await count("job", "conflict")).toBe(1);
  });

  it("takes a repeated call by its job id for what it is", async () => {
    const job = newJob("repeat");
    const other = newJob("repeat", { priority: 9 }, job.jobId);
    await store([job]);
    expect((await store([job])).results).toEqual([{ kind: "duplicate", jobId: job.jobId }]);
    expect((await store([other])).results).toMatchObject([{ kind: "job_id_conflict" }]);
    expect(await count("ready", "repeat")).toBe(1);
  });

  it("does not keep a key that was taken for a job whose id was taken", async () => {
    const job = newJob("unkept");
    await store([job]);
    const late = newJob("unkept", { priority: 1, idempotencyKey: "k" }, job.jobId);
    expect((await store([late])).results).toMatchObject([{ kind: "job_id_conflict" }]);
    expect(await count("idempotency_key", "unkept")).toBe(0);
  });

  it("forgets a key that is over its time", async () => {
    await store([newJob("expiry", { idempotencyKey: "k" })]);
    await owner.query("update idempotency_key set expires_at = now() - interval '1 s'");
    const { results } = await store([newJob("expiry", { idempotencyKey: "k", priority: 1 })]);
    expect(results).toMatchObject([{ kind: "created" }]);
  });

  it("keeps the tenants of a shared batch apart", async () => {
    const { results } = await store([
      newJob("left", { idempotencyKey: "k" }),
      newJob("right", { idempotencyKey: "k" }),
    ]);
    expect(results.map((result) => result.kind)).toEqual(["created", "created"]);
  });

  it("refuses a payload artifact that the tenant does not have, and only that job", async () => {
    const payloadArtifact = `sha256:${"a".repeat(64)}`;
    const { results } = await store([newJob("lacking", { payloadArtifact }), newJob("lacking")]);
    expect(results.map((result) => result.kind)).toEqual(["payload_artifact_not_found", "created"]);
  });

  it("refuses U+0000 as what it is", async () => {
    await expect(store([newJob("nul", { project: "a\0b" })])).rejects.toBeInstanceOf(InvalidText);
    await expect(store([newJob("nul", { labels: { a: "\0" } })])).rejects.toBeInstanceOf(
      InvalidText,
    );
    expect(await count("job", "nul")).toBe(0);
  });
});

it("a repetition whose job retention takes away in between makes a new one", async () => {
  const job = newJob("vanished");
  await store([job]);
  let taken = 0;
  const { results } = await inTransaction(database.pool(), ["vanished"], (tx) =>
    storeJobsInTransaction(
      {
        run: async (statement, ...params) => {
          if (statement.name === idHolders.name && taken++ === 0) {
            for (const table of ["ready", "job_event", "job"]) {
              await owner.query(`delete from ${table} where tenant = 'vanished'`);
            }
          }
          return tx.run(statement, ...params);
        },
      },
      [job],
      DAY_MS,
      () => undefined,
    ),
  );
  expect(taken).toBe(1);
  expect(results).toEqual([{ kind: "created", jobId: job.jobId }]);
  expect(await count("ready", "vanished")).toBe(1);
});
