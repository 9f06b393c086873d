import type pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { expectConservation } from "../../../test/support/conservation.ts";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import { ledgerOf, newJob, wholeLanes } from "../../../test/support/ledger.ts";
import { operatorOf } from "./testing/operator.ts";

let database: TestDatabase;
let owner: pg.Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = database.owner();
});
afterAll(() => database.drop());

const JOBS = 400;

it("a dead letter that is retried and discarded at once becomes one of the two", async () => {
  const ledger = ledgerOf(database.pool(), "letters");
  const jobs = Array.from({ length: JOBS }, () => newJob("letters"));
  await ledger.store(jobs);
  await owner.query(`with r as (delete from ready where tenant = 'letters' returning *),
    d as (insert into dead_letter (tenant, job_id, signature, pattern, failure_class, job_type,
      queue, source) select tenant, job_id, 's', 'p', 'user', job_type, queue, source from r)
    update job j set base_state = 'dead', ended_at = now() from r where j.id = r.job_id`);
  const [one, other] = [
    operatorOf(database.pool(), "letters"),
    operatorOf(database.pool(), "letters"),
  ];
  const applied = { retry: [] as string[], discard: [] as string[] };
  const ids = jobs.map((job) => job.jobId);
  // Parts of different sizes from both ends, so that the two meet again and again.
  const parts = (size: number, from: readonly string[]) =>
    Array.from({ length: Math.ceil(JOBS / size) }, (_, at) =>
      from.slice(at * size, (at + 1) * size),
    );
  const work = async (kind: "retry" | "discard", operator: typeof one, all: string[][]) => {
    for (const part of all) {
      const { results } = await operator.act({ kind }, part);
      for (const { jobId, outcome } of results) {
        if (outcome === "applied") applied[kind].push(jobId);
      }
    }
  };
  await Promise.all([
    work("retry", one, parts(7, ids)),
    work("discard", other, parts(11, ids.toReversed())),
  ]);
  expect(applied.retry.length).toBeGreaterThan(0);
  expect(applied.discard.length).toBeGreaterThan(0);
  expect([...applied.retry, ...applied.discard].sort()).toEqual(ids.sort());
  const { rows } = await owner.query(
    `select kind, count(*)::int as count from job_event where tenant = 'letters'
      and kind in ('retried', 'discarded') group by kind order by kind`,
  );
  expect(rows).toEqual([
    { kind: "discarded", count: applied.discard.length },
    { kind: "retried", count: applied.retry.length },
  ]);
  await expectConservation(owner);
});

it("what is set while jobs are claimed and cancelled holds for each that says so", async () => {
  const tenant = "lanes";
  const ledger = ledgerOf(database.pool(), tenant);
  const jobs = Array.from({ length: JOBS }, () => newJob(tenant));
  await ledger.store(jobs);
  const ids = jobs.map((job) => job.jobId);
  const [setter, mover, canceller] = [1, 2, 3].map(() => operatorOf(database.pool(), tenant));
  const applied = new Map<string, Set<string>>();
  const work = async (
    name: string,
    operator: ReturnType<typeof operatorOf> | undefined,
    action: Parameters<ReturnType<typeof operatorOf>["act"]>[0],
    [from, size]: readonly [number, number],
  ) => {
    const done = new Set<string>();
    applied.set(name, done);
    for (let at = from; at < JOBS; at += size) {
      const answer = await operator?.act(action, ids.slice(at, at + size));
      for (const { jobId, outcome } of answer?.results ?? []) {
        if (outcome === "applied") done.add(jobId);
      }
    }
  };
  const claiming = async () => {
    const workers = ledgerOf(database.pool(), tenant);
    for (let round = 0; round < 15; round++) {
      await workers.claimWith({ limit: 8, choose: async () => wholeLanes(tenant) });
    }
  };
  await Promise.all([
    work("priority", setter, { kind: "reprioritise", priority: 1 }, [0, 9]),
    work("deadline", mover, { kind: "extend_deadline", deadlineMs: 12_345 }, [0, 13]),
    work("cancel", canceller, { kind: "cancel", graceMs: 60_000 }, [300, 5]),
    claiming(),
  ]);
  await expectConservation(owner);
  const { rows } = await owner.query<{
    id: string;
    priority: number;
    deadline: number;
    place: number;
    held: number;
  }>(
    `select j.id, j.priority, j.attempt_deadline_ms as deadline,
      coalesce(r.priority, l.priority, j.priority) as place, l.deadline_ms as held
    from job j left join ready r on (r.tenant, r.job_id) = (j.tenant, j.id)
      left join lease l on (l.tenant, l.job_id) = (j.tenant, j.id)
    where j.tenant = $1`,
    [tenant],
  );
  expect(rows).toHaveLength(JOBS);
  let held = 0;
  for (const row of rows) {
    // The token says what the job says, wherever it is.
    expect(row.place).toBe(row.priority);
    if (applied.get("priority")?.has(row.id)) expect(row.priority).toBe(1);
    if (!applied.get("deadline")?.has(row.id)) continue;
    expect(row.deadline).toBe(12_345);
    if (row.held === null) continue;
    held += 1;
    expect(row.held).toBe(12_345);
  }
  expect(held).toBeGreaterThan(0);
  expect(applied.get("cancel")?.size).toBeGreaterThan(0);
});
