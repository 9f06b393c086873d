import { afterAll, beforeAll, expect, it } from "vitest";
import { JobState } from "../../server/src/gen/stellaops/orchestrator/v1/job_pb.ts";
import { enqueue, openStage, SOON, type Stage } from "../support/stage.ts";

// max_interruptions of the contract.
const SURVIVED = 3;

let stage: Stage;

beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

it("a job that kills its workers is quarantined after 3 + 1, others are unharmed", async () => {
  // Worker ids repeat: the new instance says at once that the old one's leases are lost.
  const server = await stage.server();
  const clients = stage.clients(server.url);
  const [poison = ""] = await enqueue(clients, "test.poison");
  for (let crash = 1; crash <= SURVIVED + 1; crash++) {
    const victim = stage.worker(server, "victim");
    const lease = await victim.started(poison);
    expect(lease.attempt).toBe(crash);
    expect(await victim.program.exited).toMatchObject({ signal: "SIGKILL" });
  }
  const healthy = await enqueue(clients, "test.quick", 10);
  stage.worker(server, "victim");
  await expect
    .poll(async () => (await clients.jobs.getJob({ jobId: poison })).job?.state, SOON)
    .toBe(JobState.DEAD);
  const { job } = await clients.jobs.getJob({ jobId: poison });
  expect(job).toMatchObject({ attempt: SURVIVED + 1, failures: 0, interruptions: SURVIVED + 1 });
  for await (const { jobs } of clients.jobs.watchJobs({
    target: { case: "jobs", value: { jobIds: healthy } },
  })) {
    expect(jobs.filter(({ attempt }) => attempt > 1)).toEqual([]);
  }
  const counts = { enqueued: 11, succeeded: 10, dead: 1, unfinished: 0 };
  expect(await stage.balance()).toMatchObject(counts);
});
