import { randomUUID } from "node:crypto";
import { v7 } from "uuid";
import { afterAll, beforeAll, expect, it } from "vitest";
import { EnqueueOutcome } from "../../server/src/gen/stellaops/orchestrator/v1/job_pb.ts";
import { WriteVerdict } from "../../server/src/gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import { type Clients, failureOf } from "../../server/src/rpc/testing/clients.ts";
import type { ServerProcess } from "../support/server-process.ts";
import { openStage, SOON, type Stage } from "../support/stage.ts";
import { openSwallowingLink, type SwallowingLink } from "../support/swallowing-link.ts";

let stage: Stage;
let server: ServerProcess;
let link: SwallowingLink;
let clients: Clients;

beforeAll(async () => {
  stage = await openStage();
  server = await stage.server({ policy: { leaseTtl: "600s" } });
  link = await openSwallowingLink(server.url);
  clients = stage.clients(link.url);
});
afterAll(async () => {
  await link.close();
  await stage.close();
});

/**
 * Makes the call, kills the server with SIGKILL once the call is committed and before its answer
 * has passed the link, starts it again and makes the same call again: the second answer.
 */
async function killBetweenCommitAndAnswer<Answer>(
  call: () => Promise<Answer>,
  committed: string,
): Promise<Answer> {
  const rows = async () => (await stage.owner.query(committed)).rows.length;
  await clients.taskRunner.getLeasePolicy({});
  expect(await rows()).toBe(0);
  link.swallow();
  const unanswered = failureOf(call());
  await expect.poll(rows, SOON).toBeGreaterThan(0);
  await server.kill();
  link.mend();
  expect(await unanswered).toBeDefined();
  server = await stage.server({ port: server.port, policy: { leaseTtl: "600s" } });
  return await call();
}

const counts = async (): Promise<Record<string, number>> => {
  const { rows } = await stage.owner.query(
    `select (select count(*) from job)::int as jobs, (select count(*) from ready)::int as ready,
      (select count(*) from lease)::int as leases, (select count(*) from attempt)::int as attempts`,
  );
  return rows[0];
};

it("EnqueueJobs: the repeated call answers DUPLICATE with the same ids", async () => {
  const jobs = [
    { jobType: "test.lost", jobId: v7() },
    { jobType: "test.lost", jobId: v7(), idempotencyKey: "lost-answer" },
  ];
  const { results } = await killBetweenCommitAndAnswer(
    () => clients.jobs.enqueueJobs({ jobs }),
    "select from job",
  );
  const { DUPLICATE } = EnqueueOutcome;
  expect(results.map(({ outcome, jobId }) => ({ outcome, jobId }))).toEqual(
    jobs.map(({ jobId }) => ({ outcome: DUPLICATE, jobId })),
  );
  expect(await counts()).toEqual({ jobs: 2, ready: 2, leases: 0, attempts: 0 });
  await stage.balance();
});

it("ClaimJobs: the repeated call answers the leases of the first", async () => {
  const request = { claimRequestId: randomUUID(), workerId: "w", jobTypes: ["test.lost"] };
  const { jobs } = await killBetweenCommitAndAnswer(
    () => clients.taskRunner.claimJobs(request),
    "select from lease",
  );
  const { rows } = await stage.owner.query("select job_id, token from lease");
  expect(jobs.map(({ lease }) => ({ job_id: lease?.jobId, token: lease?.leaseToken }))).toEqual(
    rows,
  );
  expect(await counts()).toEqual({ jobs: 2, ready: 1, leases: 1, attempts: 0 });
  await stage.balance();
});

it("CompleteAttempts: the repeated call answers ALREADY_APPLIED", async () => {
  const { rows } = await stage.owner.query("select * from lease");
  const { job_id: jobId, attempt, lease_epoch, token: leaseToken } = rows[0];
  const lease = { jobId, attempt, leaseEpoch: BigInt(lease_epoch), leaseToken };
  const completions = [{ lease, completionId: randomUUID(), result: Buffer.from("42") }];
  const { results } = await killBetweenCommitAndAnswer(
    () => clients.taskRunner.completeAttempts({ completions }),
    "select from attempt",
  );
  expect(results[0]?.verdict).toBe(WriteVerdict.ALREADY_APPLIED);
  expect(await counts()).toEqual({ jobs: 2, ready: 1, leases: 0, attempts: 1 });
  const again = await clients.taskRunner.completeAttempts({ completions });
  expect(again.results).toEqual(results);
  expect((await clients.jobs.getJob({ jobId })).job?.result).toEqual(
    Uint8Array.from(Buffer.from("42")),
  );
  expect(await stage.balance()).toMatchObject({ enqueued: 2, succeeded: 1, unfinished: 1 });
});
