import { randomUUID } from "node:crypto";
import { setTimeout as pass } from "node:timers/promises";
import { ConnectError } from "@connectrpc/connect";
import { afterEach, beforeEach, expect, it } from "vitest";
import { kindOf, missingService } from "../../server/src/queue/testing/queue-kinds.ts";
import { type Balancer, openBalancer } from "../support/balancer.ts";
import type { ServerProcess } from "../support/server-process.ts";
import type { ServiceProcess } from "../support/service-process.ts";
import { openStage, SOON, type Stage } from "../support/stage.ts";
import type { WorkerProcess } from "../support/worker-process.ts";

const REPLICAS = 3;
const WORKERS = 3;
const PRODUCERS = 2;
const JOBS_A_CALL = 5;
const TTL_MS = 10_000;
const POLICY = { leaseTtl: `${TTL_MS / 1_000}s` };
const PATIENCE = { timeout: 240_000 };

// A producer's rest after a call, answered or not: load that leaves two cores room for the rest.
const REST_MS = 20;

const missing = await missingService("valkey");
if (missing !== undefined) {
  console.warn(`LEFT OUT: the rolling restart on Valkey, it is on Postgres alone: ${missing}`);
}

let stage: Stage;
let balancer: Balancer;
let valkey: ServiceProcess | undefined;

beforeEach(async () => {
  stage = await openStage();
  balancer = await openBalancer();
  valkey = missing === undefined ? await kindOf("valkey").start() : undefined;
});
afterEach(async () => {
  await stage.close();
  await balancer.close();
  await valkey?.stop();
});

async function startReplica(): Promise<ServerProcess> {
  const env = valkey && { ORCH_READY_QUEUE: "valkey", ORCH_VALKEY_URL: valkey.url };
  const server = await stage.server({ policy: POLICY, ...(env && { env }) });
  balancer.add(server);
  return server;
}

/** Enqueues call after call; one that fails is said again with the same keys. */
function produce() {
  const { jobs } = stage.clients(balancer.url);
  const acknowledged: string[] = [];
  const repeated: string[] = [];
  let stopped = false;
  const ended = (async () => {
    while (!stopped) {
      const specs = Array.from({ length: JOBS_A_CALL }, () => ({
        jobType: "test.quick",
        idempotencyKey: randomUUID(),
      }));
      for (let answered = false; !answered; ) {
        try {
          const { results } = await jobs.enqueueJobs({ jobs: specs }, { timeoutMs: 10_000 });
          acknowledged.push(...results.map(({ jobId }) => jobId));
          answered = true;
        } catch (error) {
          repeated.push(ConnectError.from(error).message);
        }
        await pass(REST_MS);
      }
    }
  })();
  return {
    acknowledged,
    repeated,
    stop() {
      stopped = true;
      return ended;
    },
  };
}

const events = (workers: readonly WorkerProcess[], name: string) =>
  workers.flatMap(({ program }) => program.lines.filter(({ event }) => event === name));

const sessionsOf = ({ program }: WorkerProcess): number =>
  program.lines.filter(({ message }) => message === "session up").length;

async function rows<Row extends object>(query: string): Promise<Row[]> {
  return (await stage.owner.query<Row>(query)).rows;
}

it(
  "three replicas are replaced one by one under load: nothing is lost or doubled",
  PATIENCE,
  async () => {
    const servers = await Promise.all(Array.from({ length: REPLICAS }, startReplica));
    const workers = Array.from({ length: WORKERS }, (_, index) =>
      stage.worker(balancer, `worker-${index}`, { concurrency: 4 }),
    );
    await Promise.all(workers.map((worker) => worker.up()));
    const { jobs } = stage.clients(balancer.url);
    const { results } = await jobs.enqueueJobs({
      jobs: Array.from({ length: WORKERS }, () => ({ jobType: "test.hold" })),
    });
    const held = results.map(({ jobId }) => jobId);
    await expect.poll(() => events(workers, "started").length, SOON).toBe(WORKERS);
    const leaseEnds = () =>
      rows<{ job_id: string; ends: number }>(
        `select job_id, extract(epoch from expires_at) * 1000 as ends from lease
       where job_type = 'test.hold' order by job_id`,
      );
    const before = await leaseEnds();
    const producers = Array.from({ length: PRODUCERS }, produce);

    for (const [index, server] of servers.entries()) {
      const done = events(workers, "finished").length;
      balancer.remove(server);
      expect(await server.stop()).toEqual({ code: 0, signal: null });
      servers[index] = await startReplica();
      // The next one goes when this one's work has been taken over: jobs finish.
      await expect.poll(() => events(workers, "finished").length, SOON).toBeGreaterThan(done);
    }

    // Each lease has been renewed, by whoever its worker is with now, past its first end.
    await expect
      .poll(async () => {
        const now = await leaseEnds();
        return now.filter(({ ends }, index) => ends > Number(before[index]?.ends) + TTL_MS).length;
      }, SOON)
      .toBe(WORKERS);
    await Promise.all(producers.map((producer) => producer.stop()));
    for (const worker of workers) worker.release();
    const acknowledged = [...held, ...producers.flatMap((producer) => producer.acknowledged)];
    const total = acknowledged.length;
    await expect.poll(() => stage.balance(), SOON).toMatchObject({ succeeded: total });
    expect(await stage.balance()).toMatchObject({ enqueued: total, unfinished: 0 });
    expect(new Set(acknowledged).size).toBe(total);

    for (const jobId of held) {
      expect(await stage.attempts(jobId)).toMatchObject([{ attempt: 1, outcome: "succeeded" }]);
    }
    // What the workers say themselves: every job ran to its end once, and so was handed out once,
    // but for those that a stop caught between the ledger and the worker.
    const finished = events(workers, "finished").map(({ jobId }) => jobId);
    expect(finished.sort()).toEqual([...acknowledged].sort());
    const outcomes = await rows<{ outcome: string; n: number }>(
      "select outcome, count(*)::int as n from attempt group by outcome",
    );
    const started = events(workers, "started").length;
    const again = outcomes.filter(({ outcome }) => outcome !== "succeeded");
    expect(again.every(({ outcome }) => outcome === "interrupted")).toBe(true);
    expect(started).toBe(total);
    const moved = workers.map((worker) => sessionsOf(worker) - 1);
    const repeats = producers.reduce((sum, { repeated }) => sum + repeated.length, 0);
    console.info(
      `rolling restart: ${total} jobs, ${JSON.stringify(again)} attempts besides, workers moved ` +
        `${moved.join(" + ")} times, ${repeats} calls were repeated`,
    );
    // Whoever was with the first replica moved; all three were replaced, so everybody did.
    expect(Math.min(...moved)).toBeGreaterThan(0);
    for (const { program } of workers) {
      expect(await program.end("SIGTERM")).toEqual({ code: 0, signal: null });
    }
  },
);
