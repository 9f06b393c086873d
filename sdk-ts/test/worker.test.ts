import { expect, test } from "vitest";
import { FailureClass } from "../src/gen/stellaops/orchestrator/v1/failure_pb.ts";
import { EnqueueOutcome, type JobSpec } from "../src/gen/stellaops/orchestrator/v1/job_pb.ts";
import {
  CancelReason,
  LeaseVerdict,
  WriteKind,
  WriteVerdict,
} from "../src/gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import { JobAbortedError, TerminalError, ThrottledError } from "../src/index.ts";
import { ms } from "./scripted-server.ts";
import { aborted, controlled, fast, newLease, serve, settle, work } from "./worker-harness.ts";

const { APPLIED, ALREADY_APPLIED, REJECTED, STALE_LEASE } = WriteVerdict;

test("a job goes from offer to completion, and the handler waits for the accept", async () => {
  const server = await serve();
  const { handler, calls, call } = controlled();
  work(server.url, handler, { workerId: "w-1", concurrency: 3, queues: ["fast"] });
  const session = await server.welcomed(fast);
  expect(session.hello).toMatchObject({ workerId: "w-1", sdk: "sdk-ts/0.1.0", heldLeases: [] });
  expect(session.hello.leaseAtOnce).toBe(false);
  expect(session.hello.pools).toMatchObject([
    { name: "main", jobTypes: ["test.job"], queues: ["fast"], slots: 3 },
  ]);
  const lease = newLease();
  session.offer(lease);
  expect((await session.take("accept")).leases).toMatchObject([{ jobId: lease.jobId }]);
  expect(calls).toHaveLength(0);
  session.answer(WriteKind.ACCEPT, lease, APPLIED);
  const { job, finish } = await call(0);
  expect(job).toMatchObject({ jobId: lease.jobId, jobType: "test.job", correlationId: "c-1" });
  expect(job.lease).toMatchObject({ leaseEpoch: 1n, leaseToken: "token" });
  finish({ answer: 42 });
  const { completions } = await session.take("complete");
  expect(new TextDecoder().decode(completions[0]?.result)).toBe('{"answer":42}');
  session.answer(WriteKind.COMPLETE, lease, APPLIED, completions[0]?.completionId);
});

test("a stale accept starts nothing; a duplicate offer starts nothing twice", async () => {
  const server = await serve();
  const { handler, calls, call } = controlled();
  work(server.url, handler);
  const session = await server.welcomed(fast);
  const [stale, good] = [newLease(), newLease()];
  session.offer(stale, good);
  expect((await session.take("accept")).leases).toHaveLength(2);
  session.answer(WriteKind.ACCEPT, stale, STALE_LEASE);
  session.answer(WriteKind.ACCEPT, good, APPLIED);
  const { finish } = await call(0);
  session.offer(good);
  session.answer(WriteKind.ACCEPT, good, ALREADY_APPLIED);
  finish();
  await settle(session, good);
  expect(calls).toHaveLength(1);
});

test("an active lease starts without an accept, once, and is held from the start", async () => {
  const server = await serve();
  const { handler, calls, call } = controlled();
  work(server.url, handler, { leaseAtOnce: true });
  const session = await server.welcomed(fast);
  expect(session.hello.leaseAtOnce).toBe(true);
  const lease = newLease();
  session.offerActive(lease);
  session.offerActive(lease);
  const { finish } = await call(0);
  expect((await session.take("heartbeat")).leases).toMatchObject([{ jobId: lease.jobId }]);
  expect(session.untaken("accept")).toBe(0);
  session.end();
  const next = await server.welcomed(fast);
  expect(next.hello.heldLeases).toMatchObject([{ jobId: lease.jobId, leaseEpoch: 1n }]);
  finish();
  await settle(next, lease);
  expect(next.untaken("accept")).toBe(0);
  expect(calls).toHaveLength(1);
});

test("an accept that is never answered is repeated", async () => {
  const server = await serve();
  const { handler, call } = controlled();
  work(server.url, handler);
  const session = await server.welcomed(fast);
  const lease = newLease();
  session.offer(lease);
  await session.take("accept");
  expect((await session.take("accept")).leases).toMatchObject([{ jobId: lease.jobId }]);
  session.answer(WriteKind.ACCEPT, lease, ALREADY_APPLIED);
  (await call(0)).finish();
  await settle(session, lease);
});

test("heartbeats name what is held, and verdicts stop handlers", async () => {
  const server = await serve();
  const { handler, call } = controlled();
  work(server.url, handler);
  const session = await server.welcomed(fast);
  const [lost, cancelled] = [newLease(), newLease()];
  await session.start(lost);
  const first = await call(0);
  await session.start(cancelled);
  const second = await call(1);
  let heartbeat = await session.take("heartbeat");
  while (heartbeat.leases.length < 2) heartbeat = await session.take("heartbeat");
  expect(heartbeat.leases.map(({ jobId }) => jobId)).toEqual([lost.jobId, cancelled.jobId]);
  session.send({
    case: "verdicts",
    value: {
      verdicts: [
        { jobId: lost.jobId, leaseEpoch: 1n, verdict: LeaseVerdict.SUPERSEDED },
        { jobId: cancelled.jobId, leaseEpoch: 1n, verdict: LeaseVerdict.CANCELLED },
      ],
    },
  });
  expect(await aborted(first.job)).toMatchObject({ reason: "lease_lost" });
  expect(await aborted(second.job)).toMatchObject({ reason: "cancelled" });
  // A lost lease still takes a slot while its handler runs.
  expect((await session.take("credit")).pools).toMatchObject([{ pool: "main", slots: 7 }]);
  first.finish("dropped");
  second.fail(second.job.signal.reason);
  const { failures } = await session.take("fail");
  expect(failures).toMatchObject([
    { lease: { jobId: cancelled.jobId }, failure: { failureClass: FailureClass.CANCELLED } },
  ]);
  expect((await session.take("credit")).pools).toMatchObject([{ pool: "main", slots: 8 }]);
  expect(session.untaken("complete")).toBe(0);
});

test("a handler that ignores its signal loses its slot after the grace", async () => {
  const server = await serve();
  const { handler, call } = controlled();
  work(server.url, handler);
  const session = await server.welcomed(fast);
  const lease = newLease();
  await session.start(lease);
  const { job, finish } = await call(0);
  const cancel = { jobId: lease.jobId, leaseEpoch: 1n, reason: CancelReason.USER, grace: ms(30) };
  session.send({ case: "cancels", value: { cancels: [cancel] } });
  expect(await aborted(job)).toBeInstanceOf(JobAbortedError);
  const { failures } = await session.take("fail");
  expect(failures[0]?.failure?.failureClass).toBe(FailureClass.CANCELLED);
  session.answer(WriteKind.FAIL, lease, APPLIED, failures[0]?.completionId);
  finish("too late");
  const next = newLease();
  await session.start(next);
  (await call(1)).finish();
  const { completions } = await session.take("complete");
  expect(completions).toMatchObject([{ lease: { jobId: next.jobId } }]);
});

test("the attempt's deadline is kept locally", async () => {
  const server = await serve();
  const { handler, call } = controlled();
  work(server.url, handler);
  const session = await server.welcomed(fast);
  const lease = newLease();
  const spec = { jobId: lease.jobId, jobType: "test.job" };
  const offer = { lease, pool: "main", spec, attemptDeadline: ms(30) };
  session.send({ case: "offers", value: { offers: [offer] } });
  await session.take("accept");
  session.answer(WriteKind.ACCEPT, lease, APPLIED);
  const { job, fail } = await call(0);
  expect(await aborted(job)).toMatchObject({ reason: "deadline" });
  fail(new Error("stopped"));
  const { failures } = await session.take("fail");
  expect(failures[0]?.failure).toMatchObject({
    failureClass: FailureClass.TIMEOUT,
    terminal: false,
  });
});

test("typed errors become failures, and a throttle feeds the limiter", async () => {
  const server = await serve();
  const { handler, call } = controlled();
  work(server.url, handler);
  const session = await server.welcomed(fast);
  const thrown = [
    new TerminalError("bad", { failureClass: "parse_error" }),
    new ThrottledError("slow", { resourceKey: "osv.dev", retryAfterMs: 1500, remaining: 3 }),
    new Error("boom"),
    "a string",
  ];
  for (const [index, error] of thrown.entries()) {
    await session.start(newLease());
    (await call(index)).fail(error);
  }
  const failures = [];
  while (failures.length < 4) failures.push(...(await session.take("fail")).failures);
  expect(failures.map(({ failure }) => failure)).toMatchObject([
    { failureClass: FailureClass.PARSE_ERROR, terminal: true, message: "bad" },
    { failureClass: FailureClass.HTTP_429, retryAfter: { seconds: 1n, nanos: 500_000_000 } },
    { failureClass: FailureClass.USER, terminal: false, message: "Error: boom" },
    { failureClass: FailureClass.PANIC },
  ]);
  expect(await session.take("throttle")).toMatchObject({ resourceKey: "osv.dev", remaining: 3n });
});

test("what many handlers produce in one turn goes as one frame", async () => {
  const server = await serve();
  const { handler, call } = controlled();
  work(server.url, handler, { concurrency: 50 });
  const session = await server.welcomed(fast);
  const leases = Array.from({ length: 50 }, () => newLease());
  session.offer(...leases);
  expect((await session.take("accept")).leases).toHaveLength(50);
  const { ACCEPT: kind } = WriteKind;
  const results = leases.map(({ jobId, leaseEpoch }) => ({
    kind,
    jobId,
    leaseEpoch,
    verdict: APPLIED,
  }));
  session.send({ case: "results", value: { results } });
  await call(49);
  for (let index = 0; index < 50; index++) (await call(index)).finish(index);
  expect((await session.take("complete")).completions).toHaveLength(50);
});

test("progress is coalesced and its checkpoint goes before the failure", async () => {
  const server = await serve();
  const { handler, call } = controlled();
  work(server.url, handler);
  const session = await server.welcomed(fast);
  const lease = newLease();
  await session.start(lease);
  const { job, fail } = await call(0);
  const checkpoint = new TextEncoder().encode("page 7");
  const stored = job.progress(0.1, { message: "begun" });
  expect((await session.take("progress")).reports[0]?.progress?.fraction).toBe(0.1);
  void job.progress(0.2, { checkpoint });
  void job.progress(0.3);
  session.answer(WriteKind.PROGRESS, lease, APPLIED);
  expect(await stored).toBe(true);
  const { reports } = await session.take("progress");
  expect(reports).toHaveLength(1);
  expect(reports[0]?.progress).toMatchObject({ fraction: 0.3, checkpoint });
  const last = job.progress(0.9, { checkpoint: new TextEncoder().encode("page 9") });
  fail(new Error("boom"));
  const final = await session.take("progress");
  expect(new TextDecoder().decode(final.reports[0]?.progress?.checkpoint)).toBe("page 9");
  const { failures } = await session.take("fail");
  session.answer(WriteKind.FAIL, lease, APPLIED, failures[0]?.completionId);
  expect(await last).toBe(false);
});

test("progress goes twice a second at most, and the last word gets there", async () => {
  const server = await serve();
  const { handler, call } = controlled();
  work(server.url, handler);
  const session = await server.welcomed(fast);
  const lease = newLease();
  await session.start(lease);
  const { job } = await call(0);
  void job.progress(0.1);
  await session.take("progress");
  const begun = performance.now();
  session.answer(WriteKind.PROGRESS, lease, APPLIED);
  for (let step = 2; step <= 9; step++) void job.progress(step / 10);
  const { reports } = await session.take("progress");
  expect(reports[0]?.progress?.fraction).toBe(0.9);
  expect(performance.now() - begun).toBeGreaterThan(450);
});

test("jobs that a handler enqueues inherit its trace and its correlation id", async () => {
  const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
  const enqueued: JobSpec[] = [];
  const server = await serve({
    jobs: {
      enqueueJobs: ({ jobs }) => {
        enqueued.push(...jobs);
        const outcome = EnqueueOutcome.CREATED;
        return { results: jobs.map(({ jobId }) => ({ jobId, outcome })) };
      },
    },
  });
  work(server.url, async (job) => {
    await job.orchestrator.enqueue("test.child", { of: job.jobId });
  });
  const session = await server.welcomed(fast);
  const lease = newLease();
  const spec = { jobId: lease.jobId, jobType: "test.job", correlationId: "c-7", traceparent };
  session.send({ case: "offers", value: { offers: [{ lease, pool: "main", spec }] } });
  await session.take("accept");
  session.answer(WriteKind.ACCEPT, lease, APPLIED);
  await settle(session, lease);
  expect(enqueued).toMatchObject([{ jobType: "test.child", correlationId: "c-7", traceparent }]);
});

test("a job that moved on under a newer lease stops the older handler", async () => {
  const server = await serve();
  const { handler, call } = controlled();
  work(server.url, handler);
  const session = await server.welcomed(fast);
  const old = newLease();
  await session.start(old);
  const first = await call(0);
  const newer = newLease(old.jobId, 2n);
  await session.start(newer);
  expect(await aborted(first.job)).toMatchObject({ reason: "lease_lost" });
  first.finish("of the old lease");
  const second = await call(1);
  expect(second.job.lease.leaseEpoch).toBe(2n);
  second.finish("of the new lease");
  const { completions } = await session.take("complete");
  expect(completions).toMatchObject([{ lease: { leaseEpoch: 2n } }]);
});

test("an oversize result is terminal, and a rejected completion becomes a failure", async () => {
  const server = await serve();
  const { handler, call } = controlled();
  work(server.url, handler);
  const session = await server.welcomed({ ...fast, maxPayloadBytes: 100 });
  await session.start(newLease());
  (await call(0)).finish("x".repeat(200));
  const oversize = await session.take("fail");
  expect(oversize.failures[0]?.failure).toMatchObject({
    failureClass: FailureClass.OVERSIZE,
    terminal: true,
  });
  const lease = newLease();
  await session.start(lease);
  (await call(1)).finish("small");
  const { completions } = await session.take("complete");
  session.answer(WriteKind.COMPLETE, lease, REJECTED, completions[0]?.completionId);
  const { failures } = await session.take("fail");
  expect(failures[0]?.failure).toMatchObject({ failureClass: FailureClass.USER, terminal: false });
});
