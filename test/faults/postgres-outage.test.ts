import { setTimeout as pass } from "node:timers/promises";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Clients, failureOf } from "../../server/src/rpc/testing/clients.ts";
import { openBreakableLink } from "../support/breakable-link.ts";
import { expectConservation } from "../support/conservation.ts";
import {
  canPausePostgres,
  crashPostgres,
  embeddedUrl,
  pausePostgres,
  sweepEmbedded,
} from "../support/postgres-process.ts";
import type { ServerProcess } from "../support/server-process.ts";
import { enqueue, openStage, SOON, type Stage } from "../support/stage.ts";

// The fault is a length of time: longer than a lease lives without a renewal. After it a lease
// lives one TTL more, which a busy machine may need to get its renewals through.
const OUTAGE_MS = 5_000;
const TTL_MS = 4_000;
const POLICY = { leaseTtl: "4s" };
const HELD_JOBS = 3;
const PATIENCE = { timeout: 90_000 };

let stage: Stage;
let undo: (() => unknown)[];

beforeEach(async () => {
  stage = await openStage();
  undo = [];
});
afterEach(async () => {
  for (const step of undo.reverse()) await step();
  await stage.close();
});

/** Enqueues one job after the other until it is stopped; notes what was answered. */
function produce(clients: Clients) {
  const acknowledged: string[] = [];
  const failures: NonNullable<Awaited<ReturnType<typeof failureOf>>>[] = [];
  let stopped = false;
  const ended = (async () => {
    while (!stopped) {
      const failure = await failureOf(
        enqueue(clients, "test.later").then((ids) => acknowledged.push(...ids)),
      );
      if (failure !== undefined) failures.push(failure);
    }
  })();
  const stop = () => {
    stopped = true;
    return ended;
  };
  return { acknowledged, failures, stop };
}

/** Runs jobs and enqueues others through an outage: nothing expires, nothing is lost. */
async function expectSurvival(server: ServerProcess, owner: pg.Pool, fault: () => Promise<void>) {
  const clients = stage.clients(server.url);
  const held = await enqueue(clients, "test.hold", HELD_JOBS);
  const worker = stage.worker(server, "worker");
  await worker.started(undefined, HELD_JOBS);
  const producer = produce(stage.clients(server.url));
  undo.push(() => producer.stop());
  await expect.poll(() => producer.acknowledged.length, SOON).toBeGreaterThan(0);

  await fault();
  const before = producer.acknowledged.length;
  await expect.poll(() => producer.acknowledged.length, SOON).toBeGreaterThan(before);
  await producer.stop();

  // The worker renews again, and no lease ran out in between.
  const renewed = `select from lease where expires_at > now() + interval '${TTL_MS / 2} ms'`;
  await expect.poll(async () => (await owner.query(renewed)).rowCount, SOON).toBe(HELD_JOBS);
  expect((await owner.query("select from attempt")).rowCount).toBe(0);
  worker.release();
  const succeeded = "select job_id from attempt where outcome = 'succeeded' and attempt = 1";
  await expect.poll(async () => (await owner.query(succeeded)).rowCount, SOON).toBe(HELD_JOBS);
  const { rows } = await owner.query(succeeded);
  expect(rows.map((row) => row.job_id).sort()).toEqual([...held].sort());

  const known = "select from job where id = any ($1::uuid[])";
  const { rowCount } = await owner.query(known, [producer.acknowledged]);
  expect(rowCount).toBe(producer.acknowledged.length);
  expect(new Set(producer.acknowledged).size).toBe(producer.acknowledged.length);
  for (const failure of producer.failures) {
    expect(failure).toMatchObject({ code: "Unavailable", reason: "LEDGER_UNAVAILABLE" });
    expect(failure.retryAfterMs).toBeGreaterThan(0);
  }
  expect(await expectConservation(owner)).toMatchObject({ succeeded: HELD_JOBS, dead: 0 });
  expect(server.program.lines.filter(({ level }) => Number(level) >= 60)).toEqual([]);
  return producer;
}

describe.runIf(canPausePostgres)("the embedded Postgres", () => {
  async function startOnEmbedded(): Promise<{ server: ServerProcess; owner: pg.Pool }> {
    const server = await stage.server({ databaseUrl: undefined, policy: POLICY });
    const owner = new pg.Pool({ connectionString: await embeddedUrl(stage.dataDir), max: 1 });
    owner.on("error", () => {}); // cut on purpose
    undo.push(
      () => sweepEmbedded(stage.dataDir),
      () => server.stop(),
      () => owner.end(),
    );
    return { server, owner };
  }

  it("stands still for 5 s: no lease expires, nothing acknowledged is lost", PATIENCE, async () => {
    const { server, owner } = await startOnEmbedded();
    await expectSurvival(server, owner, async () => {
      const resume = await pausePostgres(stage.dataDir);
      undo.push(resume);
      await pass(OUTAGE_MS);
      await resume();
    });
    expect(await server.stop()).toMatchObject({ code: 0 });
  });

  it("crashes: it comes back, nothing acknowledged is lost", PATIENCE, async () => {
    const { server, owner } = await startOnEmbedded();
    await expectSurvival(server, owner, () => crashPostgres(stage.dataDir));
    expect(await server.stop()).toMatchObject({ code: 0 });
  });
});

it(
  "an outside Postgres is out of reach for 5 s: UNAVAILABLE with RetryInfo",
  PATIENCE,
  async () => {
    const link = await openBreakableLink(stage.databaseUrl);
    undo.push(() => link.close());
    const server = await stage.server({ databaseUrl: link.url, policy: POLICY });
    const { failures } = await expectSurvival(server, stage.owner, async () => {
      link.cut();
      await pass(OUTAGE_MS);
      link.mend();
    });
    expect(failures.length).toBeGreaterThan(0);
    expect(await server.stop()).toMatchObject({ code: 0 });
  },
);
