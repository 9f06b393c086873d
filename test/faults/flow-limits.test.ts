import { afterEach, beforeEach, expect, it } from "vitest";
import { FlowScopeKind } from "../../server/src/gen/stellaops/orchestrator/v1/flow_control_pb.ts";
import type { Clients } from "../../server/src/rpc/testing/clients.ts";
import type { ServerProcess } from "../support/server-process.ts";
import { enqueue, openStage, SOON, type Stage } from "../support/stage.ts";
import type { WorkerProcess } from "../support/worker-process.ts";

const LIMIT = 4;
const JOBS = 400;

let stage: Stage;

beforeEach(async () => {
  stage = await openStage();
});
afterEach(() => stage.close());

const limitType = (clients: Clients, name: string) =>
  clients.flow.updateFlowSettings({
    settings: { scope: { kind: FlowScopeKind.JOB_TYPE, name }, maxConcurrency: LIMIT },
    reason: "test",
  });

/** The most leases at a time of a job type by its history, and how many are out now. */
async function leasesOf(jobType: string): Promise<{ most: number; now: number }> {
  const { rows } = await stage.owner.query<{ most: number; now: number }>(
    `select coalesce(max(running), 0)::int as most,
       (select count(*)::int from lease where job_type = $1) as now
     from (
       select sum(case when e.to_state = 'offered' then 1
         when e.from_state in ('offered', 'running') and e.to_state <> 'running' then -1
         else 0 end) over (order by e.at, e.id) as running
       from job_event e join job j on j.tenant = e.tenant and j.id = e.job_id
       where j.job_type = $1) s`,
    [jobType],
  );
  return rows[0] ?? { most: -1, now: -1 };
}

const succeeded = async (): Promise<number> => {
  const { rows } = await stage.owner.query(
    "select count(*)::int as count from job_event where to_state = 'succeeded'",
  );
  return rows[0].count;
};

/** The most handlers that ran at a time in one process, by its own account. */
function mostInHand({ program }: WorkerProcess): number {
  let now = 0;
  let most = 0;
  for (const { event } of program.lines) {
    if (event === "started") most = Math.max(most, ++now);
    if (event === "finished" || event === "stopped") now -= 1;
  }
  return most;
}

// Programs are started, killed and waited out; on a machine that is busy that takes its time.
const LONG_MS = 90_000;

const workersOf = (server: ServerProcess, names: readonly string[]) =>
  names.map((name) => stage.worker(server, name, { concurrency: LIMIT }));

it(
  "a limit is exact over two servers, also while one of them and a worker are killed",
  async () => {
    const servers = await Promise.all([stage.server(), stage.server()]);
    const [first, second] = servers as [ServerProcess, ServerProcess];
    const clients = stage.clients(second.url);
    await limitType(clients, "test.quick");
    const workers = [...workersOf(first, ["a1"]), ...workersOf(second, ["b1", "b2"])];
    await Promise.all(workers.map((worker) => worker.up()));
    await enqueue(clients, "test.quick", JOBS);
    const victim = workers[1] as WorkerProcess;
    await victim.started();
    // In the middle of it all: what these two hold is known to the ledger alone.
    await Promise.all([first.kill(), victim.program.end("SIGKILL")]);
    expect(await succeeded()).toBeLessThan(JOBS);

    await expect.poll(succeeded, SOON).toBe(JOBS);
    expect(await leasesOf("test.quick")).toMatchObject({ now: 0 });
    expect((await leasesOf("test.quick")).most).toBeLessThanOrEqual(LIMIT);
    for (const worker of workers) expect(mostInHand(worker)).toBeLessThanOrEqual(LIMIT);
    expect(await stage.balance()).toMatchObject({ enqueued: JOBS, succeeded: JOBS, unfinished: 0 });

    // Nothing leaked: the whole limit can be had again, and no more.
    await limitType(clients, "test.hold");
    const held = await enqueue(clients, "test.hold", LIMIT + 3);
    await expect.poll(async () => (await leasesOf("test.hold")).now, SOON).toBe(LIMIT);
    const explained = await Promise.all(
      held.map(async (jobId) => (await clients.jobs.explainJob({ jobId })).blockedBy?.cause),
    );
    const waiting = explained.filter((cause) => cause?.case === "concurrency");
    expect(waiting).toHaveLength(3);
    expect(waiting[0]?.value).toMatchObject({ limit: LIMIT, active: LIMIT });
  },
  LONG_MS,
);

it(
  "leases that a dead server handed out count until their workers are done",
  async () => {
    const servers = await Promise.all([stage.server(), stage.server()]);
    const [first, second] = servers as [ServerProcess, ServerProcess];
    const clients = stage.clients(second.url);
    await limitType(clients, "test.hold");
    await enqueue(clients, "test.hold", LIMIT * 2);
    const [holder] = workersOf(first, ["holder"]);
    await holder?.started(undefined, LIMIT);
    await first.kill();
    // Its worker finds no server, but works on: until a lease runs out nobody may have its slot.
    const [heir] = workersOf(second, ["heir"]);
    await heir?.started();
    const { most, now } = await leasesOf("test.hold");
    expect(most).toBe(LIMIT);
    expect(now).toBeLessThanOrEqual(LIMIT);
    await heir?.started(undefined, LIMIT);
    heir?.release();
    await expect.poll(succeeded, SOON).toBe(LIMIT * 2);
    expect((await leasesOf("test.hold")).most).toBe(LIMIT);
    await stage.balance();
  },
  LONG_MS,
);
