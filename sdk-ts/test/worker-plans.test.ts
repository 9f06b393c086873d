import { hostname } from "node:os";
import type { DescMessage, Message, MessageInitShape } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import type { JobSpecSchema } from "../src/gen/stellaops/orchestrator/v1/job_pb.ts";
import type { AppendJobsRequest } from "../src/gen/stellaops/orchestrator/v1/run_pb.ts";
import {
  type LeaseRef,
  LeaseVerdict,
  type OfferSchema,
  WriteKind,
  WriteVerdict,
} from "../src/gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import { refusal } from "./connect.ts";
import { ms, type ScriptedSession } from "./scripted-server.ts";
import { aborted, controlled, fast, newLease, serve, settle, work } from "./worker-harness.ts";

type Init<T extends DescMessage> = Exclude<MessageInitShape<T>, Message>;

/** Offers a job with more than the usual, waits for its accept and applies it. */
async function start(
  session: ScriptedSession,
  lease: LeaseRef,
  offer: Init<typeof OfferSchema> & { spec?: Init<typeof JobSpecSchema> },
): Promise<void> {
  const spec = { jobId: lease.jobId, jobType: "test.job", ...offer.spec };
  const offers = [{ lease, pool: "main", ...offer, spec }];
  session.send({ case: "offers", value: { offers } });
  await session.take("accept");
  session.answer(WriteKind.ACCEPT, lease, WriteVerdict.APPLIED);
}

function renewed(session: ScriptedSession, lease: LeaseRef, timeLeftMs?: number): void {
  const { jobId, leaseEpoch } = lease;
  const left = timeLeftMs === undefined ? {} : { attemptTimeLeft: ms(timeLeftMs) };
  const verdicts = [{ jobId, leaseEpoch, verdict: LeaseVerdict.RENEWED, ...left }];
  session.send({ case: "verdicts", value: { verdicts } });
}

test("a handler fans out under its lease, with its trace and its run's correlation", async () => {
  const requests: AppendJobsRequest[] = [];
  const server = await serve({
    runs: {
      appendJobs(request) {
        requests.push(request);
        if (requests.length === 2) throw refusal(Code.FailedPrecondition, "STALE_LEASE");
        return { jobIds: ["1"], existing: 0 };
      },
    },
  });
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const said: unknown[] = [];
  work(server.url, async (job) => {
    said.push(await job.fanOut([{ name: "part", jobType: "part.job" }]));
    await job.fanOut([{ name: "late", jobType: "part.job" }]).catch((e: unknown) => said.push(e));
  });
  const session = await server.welcomed(fast);
  const lease = newLease();
  await start(session, lease, { runId: "r-1", spec: { correlationId: "c-1", traceparent } });
  await settle(session, lease);
  expect(said).toMatchObject([
    { jobIds: { part: "1" }, existing: 0 },
    { code: "failed_precondition", reason: "STALE_LEASE" },
  ]);
  const { jobId, leaseEpoch, leaseToken } = lease;
  expect(requests[0]).toMatchObject({ runId: "r-1", fanOut: { jobId, leaseEpoch, leaseToken } });
  expect(requests[0]?.jobs).toMatchObject([
    { name: "part", spec: { jobId: "", traceparent, correlationId: "" } },
  ]);
});

test("outside of a run there is nothing to fan out into", async () => {
  const server = await serve();
  const { handler, call } = controlled();
  work(server.url, handler);
  const session = await server.welcomed(fast);
  const lease = newLease();
  await session.start(lease);
  const { job, finish } = await call(0);
  const fanOut = job.fanOut([{ name: "part", jobType: "part.job" }]);
  await expect(fanOut).rejects.toMatchObject({
    code: "failed_precondition",
    reason: "JOB_NOT_IN_RUN",
  });
  finish();
  await settle(session, lease);
});

test("an operator moves an attempt's deadline, nearer and further away", async () => {
  const server = await serve();
  const { handler, call } = controlled();
  work(server.url, handler, { concurrency: 2 });
  const session = await server.welcomed(fast);
  const [longer, shorter] = [newLease(), newLease()];
  await start(session, longer, { attemptDeadline: ms(250) });
  renewed(session, longer, 600_000);
  renewed(session, longer);
  await start(session, shorter, { attemptDeadline: ms(600_000) });
  const [first, second] = [await call(0), await call(1)];
  // Three renewals later, the deadline of the offer is long over.
  for (let beats = 0; beats < 3; beats++) await session.take("heartbeat");
  expect(first.job.signal.aborted).toBe(false);
  renewed(session, shorter, 10);
  expect(await aborted(second.job)).toMatchObject({ reason: "deadline" });
  second.fail(new Error("stopped"));
  await session.take("fail");
  first.finish();
  await settle(session, longer);
});

test("a deadline that was moved before the handler began counts from its beginning", async () => {
  const server = await serve();
  const { handler, call } = controlled();
  work(server.url, handler);
  const session = await server.welcomed(fast);
  const lease = newLease();
  session.offer(lease);
  await session.take("accept");
  renewed(session, lease, 10);
  session.answer(WriteKind.ACCEPT, lease, WriteVerdict.APPLIED);
  const { job, fail } = await call(0);
  expect(await aborted(job)).toMatchObject({ reason: "deadline" });
  fail(new Error("stopped"));
  await session.take("fail");
});

test("a handler sees the event time that its job covers", async () => {
  const server = await serve();
  const { handler, call } = controlled();
  work(server.url, handler);
  const session = await server.welcomed(fast);
  const lease = newLease();
  const window = { scope: "npm", startTime: ms(86_400_000), endTime: ms(172_800_000) };
  await start(session, lease, { spec: { source: "osv.dev", window } });
  const { job, finish } = await call(0);
  expect(job.window).toEqual({
    scope: "npm",
    start: new Date("1970-01-02T00:00:00Z"),
    end: new Date("1970-01-03T00:00:00Z"),
  });
  finish();
  await settle(session, lease);
});

test("Hello says on which machine the worker runs, unless it is told otherwise", async () => {
  const server = await serve();
  const { handler } = controlled();
  work(server.url, handler, { workerId: "w-1" });
  expect((await server.welcomed(fast)).hello.host).toBe(hostname());
  work(server.url, handler, { workerId: "w-2", host: "node-7" });
  expect((await server.welcomed(fast)).hello.host).toBe("node-7");
  work(server.url, handler, { workerId: "w-3", host: "" });
  expect((await server.welcomed(fast)).hello.host).toBe("");
});

test("a hint about slots is not taken for idleness", async () => {
  const server = await serve();
  const { handler } = controlled();
  const lines: string[] = [];
  const keep = (_fields: object, text: string) => lines.push(text);
  const logger = { debug: keep, info: () => {}, warn: () => {}, error: () => {} };
  work(server.url, handler, { logger });
  const session = await server.welcomed(fast);
  session.send({ case: "hint", value: { readyJobs: 5n, moreWorkersHelp: true } });
  session.send({ case: "hint", value: { readyJobs: 0n } });
  session.send({ case: "ping", value: { nonce: 7n } });
  await session.take("pong");
  expect(lines).toEqual(["all slots are taken and more jobs wait", "idle"]);
});
