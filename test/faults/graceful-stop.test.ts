import { afterEach, beforeEach, expect, it } from "vitest";
import { clientsOf } from "../../server/src/rpc/testing/clients.ts";
import { enqueue, openStage, SOON, type Stage } from "../support/stage.ts";

const JOBS = 300;
const PATIENCE = { timeout: 90_000 };
const DRAIN_GRACE_MS = 15_000;

let stage: Stage;

beforeEach(async () => {
  stage = await openStage();
});
afterEach(() => stage.close());

const countOf = async (query: string): Promise<number> =>
  (await stage.owner.query(`select count(*)::int as n from ${query}`)).rows[0].n;

const succeeded = () => countOf("attempt where outcome = 'succeeded'");
const interrupted = () => countOf("attempt where outcome <> 'succeeded'");

it("SIGTERM to a server under load loses nothing, and workers come back", PATIENCE, async () => {
  const policy = { leaseTtl: "60s" };
  const first = await stage.server({ policy });
  const workers = ["one", "two"].map((id) => stage.worker(first, id, { concurrency: 2 }));
  await Promise.all(workers.map((worker) => worker.up()));
  await enqueue(stage.clients(first.url), "test.quick", JOBS);
  await expect.poll(succeeded, { ...SOON, interval: 1 }).toBeGreaterThan(0);
  const stoppedAt = performance.now();
  expect(await first.stop()).toEqual({ code: 0, signal: null });
  expect(performance.now() - stoppedAt).toBeLessThan(DRAIN_GRACE_MS);
  const before = await succeeded();
  expect(before).toBeLessThan(JOBS);

  await stage.server({ policy, port: first.port });
  await Promise.all(workers.map((worker) => worker.up(2)));
  await expect.poll(succeeded, SOON).toBe(JOBS);
  expect(await interrupted()).toBe(0);
  expect(await stage.balance()).toMatchObject({ enqueued: JOBS, succeeded: JOBS, unfinished: 0 });
  for (const { program } of workers) {
    expect(await program.end("SIGTERM")).toEqual({ code: 0, signal: null });
  }
});

it("a second SIGTERM ends a server at once", async () => {
  const server = await stage.server();
  const clients = clientsOf(server.url);
  // A worker that stays, whatever it is told: the stop waits for it.
  const stay = new Promise<never>(() => {});
  async function* frames() {
    const pools = [{ name: "p", jobTypes: ["test.none"], slots: 1 }];
    const instanceId = "5bd6a1f2-4c0f-4a52-9d8c-222222222222";
    yield { frame: { case: "hello" as const, value: { workerId: "w", instanceId, pools } } };
    await stay;
  }
  const session = clients.taskRunner.session(frames())[Symbol.asyncIterator]();
  expect((await session.next()).value?.frame.case).toBe("welcome");
  server.program.signal("SIGTERM");
  await server.program.line(({ msg }) => msg === "stopping");
  // A signal that follows on the heels of the first counts as the same.
  const again = setInterval(() => server.program.signal("SIGTERM"), 50);
  const exit = await server.program.exited.finally(() => clearInterval(again));
  expect(exit).toEqual({ code: 1, signal: null });
  clients.close();
  await session.next().catch(() => undefined);
});

it("SIGTERM to a worker under load is a barrier: no lease stays behind", PATIENCE, async () => {
  const server = await stage.server();
  const clients = stage.clients(server.url);
  const [held = ""] = await enqueue(clients, "test.hold");
  const leaver = stage.worker(server, "leaver", { concurrency: 4 });
  await leaver.started(held);
  await enqueue(clients, "test.quick", JOBS);
  await expect.poll(succeeded, { ...SOON, interval: 1 }).toBeGreaterThan(0);
  leaver.program.signal("SIGTERM");
  await leaver.logged("draining");
  // Its last handler ends within the grace.
  leaver.release();
  expect(await leaver.program.exited).toEqual({ code: 0, signal: null });
  expect(await countOf("lease")).toBe(0);
  expect(await interrupted()).toBe(0);
  expect(await stage.attempts(held)).toEqual([
    { attempt: 1, outcome: "succeeded", worker_id: "leaver" },
  ]);
  await stage.balance();

  stage.worker(server, "stayer");
  await expect.poll(succeeded, SOON).toBe(JOBS + 1);
  expect(await interrupted()).toBe(0);
  expect(await stage.balance()).toMatchObject({ succeeded: JOBS + 1, unfinished: 0 });
});
