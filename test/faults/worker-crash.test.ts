import { afterEach, beforeEach, expect, it } from "vitest";
import { JobState } from "../../server/src/gen/stellaops/orchestrator/v1/job_pb.ts";
import { WriteVerdict } from "../../server/src/gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import { TTL_MS } from "../support/server-process.ts";
import { enqueue, openStage, SOON, type Stage } from "../support/stage.ts";

let stage: Stage;

beforeEach(async () => {
  stage = await openStage();
});
afterEach(() => stage.close());

it("kill -9 of a worker in mid-job: another finishes it, one interruption counted", async () => {
  const server = await stage.server();
  const clients = stage.clients(server.url);
  const [jobId = ""] = await enqueue(clients, "test.hold");
  const victim = stage.worker(server, "victim");
  await victim.started(jobId);
  await victim.program.end("SIGKILL");

  const heir = stage.worker(server, "heir");
  const lease = await heir.started(jobId);
  expect(lease.attempt).toBe(2);
  heir.release();
  await expect
    .poll(async () => (await clients.jobs.getJob({ jobId })).job?.state, SOON)
    .toBe(JobState.SUCCEEDED);
  const { job } = await clients.jobs.getJob({ jobId });
  expect(job).toMatchObject({ interruptions: 1, failures: 0, attempt: 2 });
  expect(await stage.attempts(jobId)).toEqual([
    { attempt: 1, outcome: "interrupted", worker_id: "victim" },
    { attempt: 2, outcome: "succeeded", worker_id: "heir" },
  ]);
  expect(await stage.balance()).toMatchObject({ enqueued: 1, succeeded: 1 });
});

it("SIGSTOP of a worker for two TTLs: its completion is stale, one success", async () => {
  const server = await stage.server();
  const clients = stage.clients(server.url);
  const [jobId = ""] = await enqueue(clients, "test.hold");
  const sleeper = stage.worker(server, "sleeper");
  const stale = await sleeper.started(jobId);
  sleeper.program.signal("SIGSTOP");
  const stoppedAt = await databaseTime();

  const heir = stage.worker(server, "heir");
  const current = await heir.started(jobId);
  expect(BigInt(current.leaseEpoch)).toBeGreaterThan(BigInt(stale.leaseEpoch));
  await expect.poll(databaseTime, SOON).toBeGreaterThan(stoppedAt + 2 * TTL_MS);

  // It wakes up in the middle of its handler, which ends at once.
  sleeper.release();
  sleeper.program.signal("SIGCONT");
  await sleeper.finished(jobId);
  await sleeper.logged(/lease is stale|lease lost/);
  // What it would have written, had it not noticed: the fence holds without its help.
  const { leaseEpoch, ...rest } = stale;
  const lease = { ...rest, leaseEpoch: BigInt(leaseEpoch) };
  const completionId = "5bd6a1f2-4c0f-4a52-9d8c-111111111111";
  const { results } = await clients.taskRunner.completeAttempts({
    completions: [{ lease, completionId }],
  });
  expect(results[0]?.verdict).toBe(WriteVerdict.STALE_LEASE);
  expect((await clients.jobs.getJob({ jobId })).job?.state).toBe(JobState.RUNNING);

  heir.release();
  await expect
    .poll(async () => (await clients.jobs.getJob({ jobId })).job?.state, SOON)
    .toBe(JobState.SUCCEEDED);
  expect(await stage.attempts(jobId)).toEqual([
    { attempt: 1, outcome: "interrupted", worker_id: "sleeper" },
    { attempt: 2, outcome: "succeeded", worker_id: "heir" },
  ]);
  const { rows } = await stage.owner.query(
    "select to_state from job_event where to_state in ('succeeded', 'dead', 'cancelled')",
  );
  expect(rows).toEqual([{ to_state: "succeeded" }]);
  await stage.balance();
});

async function databaseTime(): Promise<number> {
  const { rows } = await stage.owner.query(
    "select extract(epoch from clock_timestamp())::float8 * 1000 as ms",
  );
  return rows[0].ms;
}
