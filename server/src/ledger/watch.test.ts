import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import {
  attemptRow,
  eventRow,
  insertRows,
  jobRow,
  type Row,
  readyRow,
  runRow,
} from "../../../test/support/ledger-rows.ts";
import { type WatchTarget, watchJobs } from "../app/jobs/watch-jobs.ts";
import type { JobView } from "../domain/job-view.ts";
import { newId } from "../lib/ids.ts";
import { changedSince, readJobViews } from "./read.ts";
import { runJobIds } from "./run-read.ts";

const HOUR = 3_600_000;
/** Clocks that never strike, so that only wakes move a watch. */
const STILL = { pollMs: HOUR, gapMs: 0, keepAliveMs: HOUR };

let database: TestDatabase;
let owner: pg.Pool;
let pool: pg.Pool;
const listeners = new Set<() => void>();

beforeAll(async () => {
  database = await createTestDatabase();
  owner = database.owner();
  pool = database.pool();
});
afterAll(() => database.drop());

const watch = (target: WatchTarget, clocks = STILL, signal = new AbortController().signal) =>
  watchJobs(
    {
      runJobIds: runJobIds(pool),
      changed: changedSince(pool),
      read: readJobViews(pool, () => 0),
      onChange: (_, wake) => {
        listeners.add(wake);
        return () => listeners.delete(wake);
      },
    },
    clocks,
  )("a", target, signal);

async function watching(
  target: WatchTarget,
  clocks = STILL,
  signal?: AbortSignal,
): Promise<AsyncIterator<readonly JobView[]>> {
  const result = await watch(target, clocks, signal);
  if (result.kind !== "watching") throw new Error(result.kind);
  return result.batches[Symbol.asyncIterator]();
}

const wake = () => {
  for (const listener of listeners) listener();
};

async function readyJob(over: Row = {}): Promise<string> {
  const row = jobRow("a", over);
  await insertRows(owner, "job", row);
  await insertRows(owner, "ready", readyRow("a", row.id));
  await insertRows(owner, "job_event", eventRow("a", row.id));
  return row.id;
}

async function succeed(jobId: string): Promise<void> {
  await owner.query("delete from ready where job_id = $1", [jobId]);
  await insertRows(owner, "attempt", attemptRow("a", jobId));
  const done = { kind: "succeeded", from_state: "running", to_state: "succeeded", actor: "worker" };
  await insertRows(owner, "job_event", eventRow("a", jobId, done));
}

const states = (result: IteratorResult<readonly JobView[]>) =>
  result.done === true ? "end" : result.value.map((job) => [job.jobId, job.state]);

describe("a watch", () => {
  it("shows each job as it is, then each change, and ends when all are finished", async () => {
    const [one, two] = [await readyJob(), await readyJob()];
    const batches = await watching({ kind: "jobs", jobIds: [two, one] });
    expect(states(await batches.next())).toEqual([
      [two, "ready"],
      [one, "ready"],
    ]);
    const next = batches.next();
    await succeed(one);
    wake();
    expect(states(await next)).toEqual([[one, "succeeded"]]);
    const last = batches.next();
    await succeed(two);
    wake();
    expect(states(await last)).toEqual([[two, "succeeded"]]);
    expect(states(await batches.next())).toBe("end");
    expect(listeners.size).toBe(0);
  });

  it("makes one of the changes that its reader was too slow for", async () => {
    const id = await readyJob();
    const batches = await watching({ kind: "jobs", jobIds: [id] });
    await batches.next();
    for (let change = 0; change < 100; change++) {
      await insertRows(owner, "job_event", eventRow("a", id));
      wake();
    }
    await succeed(id);
    wake();
    expect(states(await batches.next())).toEqual([[id, "succeeded"]]);
    expect(states(await batches.next())).toBe("end");
  });

  it("is woken by nothing that happens to other jobs, and by progress", async () => {
    const [mine, other] = [await readyJob(), await readyJob()];
    const batches = await watching({ kind: "jobs", jobIds: [mine] }, { ...STILL, pollMs: 5 });
    await batches.next();
    const next = batches.next();
    await succeed(other);
    wake();
    const progress = { tenant: "a", job_id: mine, attempt: 1, fraction: 0.5, message: "half" };
    await insertRows(owner, "progress", progress);
    const batch = (await next).value as readonly JobView[];
    expect(batch.map((job) => [job.jobId, job.progress?.fraction])).toEqual([[mine, 0.5]]);
    await batches.return?.();
  });

  it("finds by itself what nobody told it", async () => {
    const id = await readyJob();
    const batches = await watching({ kind: "jobs", jobIds: [id] }, { ...STILL, pollMs: 5 });
    await batches.next();
    const next = batches.next();
    await succeed(id);
    expect(states(await next)).toEqual([[id, "succeeded"]]);
    await batches.return?.();
  });

  it("gives a sign of life when nothing happens", async () => {
    const id = await readyJob();
    const clocks = { pollMs: 5, gapMs: 0, keepAliveMs: 20 };
    const batches = await watching({ kind: "jobs", jobIds: [id] }, clocks);
    await batches.next();
    expect(await batches.next()).toEqual({ done: false, value: [] });
    expect(await batches.next()).toEqual({ done: false, value: [] });
    await batches.return?.();
  });

  it("of finished jobs shows them and ends", async () => {
    const id = await readyJob();
    await succeed(id);
    const batches = await watching({ kind: "jobs", jobIds: [id, id.toUpperCase()] });
    expect(states(await batches.next())).toEqual([[id, "succeeded"]]);
    expect(states(await batches.next())).toBe("end");
  });

  it("ends when its caller goes away, and is no longer woken", async () => {
    const id = await readyJob();
    const gone = new AbortController();
    const batches = await watching({ kind: "jobs", jobIds: [id] }, STILL, gone.signal);
    await batches.next();
    const next = batches.next();
    expect(listeners.size).toBe(1);
    gone.abort();
    expect(states(await next)).toBe("end");
    expect(listeners.size).toBe(0);
  });

  it("of a run follows its jobs in their order", async () => {
    const run = runRow("a");
    await insertRows(owner, "run", run);
    const second = await readyJob({ run_id: run.id, run_position: 2, name: "second" });
    const first = await readyJob({ run_id: run.id, run_position: 1, name: "first" });
    const batches = await watching({ kind: "run", runId: run.id });
    expect(states(await batches.next())).toEqual([
      [first, "ready"],
      [second, "ready"],
    ]);
    await batches.return?.();
  });

  it("of what the tenant does not have is refused", async () => {
    const mine = await readyJob();
    const [jobId, runId] = [newId(), newId()];
    expect(await watch({ kind: "jobs", jobIds: [mine, jobId] })).toEqual({
      kind: "job_not_found",
      jobId,
    });
    expect(await watch({ kind: "run", runId })).toEqual({ kind: "run_not_found", runId });
  });
});
