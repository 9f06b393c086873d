import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { EnqueueOutcome, JobState } from "../../server/src/gen/stellaops/orchestrator/v1/job_pb.ts";
import {
  LeaseVerdict,
  WriteVerdict,
} from "../../server/src/gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import type { Clients } from "../../server/src/rpc/testing/clients.ts";
import { openStage, type Stage } from "../support/stage.ts";

const CALLERS = 100;
const CONNECTIONS = 10;

let stage: Stage;
let clients: Clients;
let url: string;

beforeAll(async () => {
  stage = await openStage();
  ({ url } = await stage.server());
  clients = stage.clients(url);
});
afterAll(() => stage.close());

it("100 identical concurrent enqueues make one job, and all answers name it", async () => {
  const connections = Array.from({ length: CONNECTIONS }, () => stage.clients(url));
  const request = {
    jobs: [{ jobType: "test.same", idempotencyKey: "one", payload: Buffer.from("{}") }],
  };
  const answers = await Promise.all(
    Array.from({ length: CALLERS }, (_, n) =>
      connections[n % CONNECTIONS]?.jobs.enqueueJobs(request),
    ),
  );
  const results = answers.map((answer) => answer?.results[0]);
  expect(new Set(results.map((result) => result?.jobId)).size).toBe(1);
  const { CREATED, DUPLICATE } = EnqueueOutcome;
  const outcomes = results.map((result) => result?.outcome).sort();
  expect(outcomes).toEqual([CREATED, ...Array.from({ length: CALLERS - 1 }, () => DUPLICATE)]);
  expect(await stage.balance()).toMatchObject({ enqueued: 1, unfinished: 1 });
});

it("a lease that is renewed many times over stays current in every answer", async () => {
  const { results } = await clients.jobs.enqueueJobs({ jobs: [{ jobType: "test.renewed" }] });
  const jobTypes = ["test.renewed"];
  const request = { claimRequestId: randomUUID(), workerId: "w", jobTypes };
  const { jobs } = await clients.taskRunner.claimJobs(request);
  const lease = jobs[0]?.lease;
  if (lease === undefined) throw new Error("nothing to claim");
  // Twice in one call, and in calls that share a statement.
  const answers = await Promise.all(
    Array.from({ length: CALLERS }, () =>
      clients.taskRunner.renewLeases({ leases: [lease, lease] }),
    ),
  );
  const verdicts = answers.flatMap((answer) => answer.verdicts.map(({ verdict }) => verdict));
  expect(new Set(verdicts)).toEqual(new Set([LeaseVerdict.RENEWED]));
  await clients.taskRunner.releaseLeases({ releases: [{ lease }] });
  await clients.jobs.cancelJobs({ jobIds: results.map(({ jobId }) => jobId) });
  expect(await stage.balance()).toMatchObject({ enqueued: 2, cancelled: 1, unfinished: 1 });
});

it("a completion that is sent many times over is applied once", async () => {
  const request = { claimRequestId: randomUUID(), workerId: "w", jobTypes: ["test.same"] };
  const { jobs } = await clients.taskRunner.claimJobs(request);
  const lease = jobs[0]?.lease;
  if (lease === undefined) throw new Error("nothing to claim");
  const completions = [{ lease, completionId: randomUUID() }];
  const answers = await Promise.all(
    Array.from({ length: CALLERS }, () => clients.taskRunner.completeAttempts({ completions })),
  );
  const verdicts = answers.map(({ results }) => results[0]?.verdict).sort();
  const { APPLIED, ALREADY_APPLIED } = WriteVerdict;
  expect(verdicts).toEqual([
    APPLIED,
    ...Array.from({ length: CALLERS - 1 }, () => ALREADY_APPLIED),
  ]);
  const states = new Set(answers.map(({ results }) => results[0]?.state));
  expect([...states]).toEqual([JobState.SUCCEEDED]);
  // Another completion under the ended lease is a stale one.
  const other = [{ lease, completionId: randomUUID() }];
  const { results } = await clients.taskRunner.completeAttempts({ completions: other });
  expect(results[0]?.verdict).toBe(WriteVerdict.STALE_LEASE);
  expect(await stage.balance()).toMatchObject({ enqueued: 2, succeeded: 1, unfinished: 0 });
});
