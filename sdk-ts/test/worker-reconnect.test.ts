import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { ErrorInfoSchema } from "../src/gen/google/rpc/error_details_pb.ts";
import {
  GoawayReason,
  LeaseVerdict,
  WriteKind,
  WriteVerdict,
} from "../src/gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import { ms, ScriptedServer } from "./scripted-server.ts";
import { controlled, fast, newLease, serve, settle, undo, work } from "./worker-harness.ts";

const { APPLIED, ALREADY_APPLIED } = WriteVerdict;

test("a completion is resent over a new stream with the same id until it is answered", async () => {
  const server = await serve();
  const { handler, call } = controlled();
  work(server.url, handler);
  const session = await server.welcomed(fast);
  const lease = newLease();
  await session.start(lease);
  (await call(0)).finish("done");
  const { completions } = await session.take("complete");
  server.cut();
  const again = await server.welcomed(fast);
  expect(again.hello.instanceId).toBe(session.hello.instanceId);
  expect(again.hello.heldLeases).toMatchObject([{ jobId: lease.jobId, leaseEpoch: 1n }]);
  const resent = await again.take("complete");
  expect(resent.completions[0]?.completionId).toBe(completions[0]?.completionId);
  // The job ended: its lease is superseded, but only the completion's own answer counts.
  const verdict = { jobId: lease.jobId, leaseEpoch: 1n, verdict: LeaseVerdict.SUPERSEDED };
  again.send({ case: "verdicts", value: { verdicts: [verdict] } });
  again.answer(WriteKind.COMPLETE, lease, ALREADY_APPLIED, completions[0]?.completionId);
  const next = newLease();
  await again.start(next);
  (await call(1)).finish();
  await settle(again, next);
});

test("handlers run on while the connection is away", async () => {
  const server = await serve();
  const { handler, call } = controlled();
  work(server.url, handler);
  const session = await server.welcomed(fast);
  const lease = newLease();
  await session.start(lease);
  const { job, finish } = await call(0);
  const { url } = server;
  await server.stop();
  finish("made in the dark");
  const back = await ScriptedServer.start({}, Number(new URL(url).port));
  undo.push(() => back.stop());
  const again = await back.welcomed(fast);
  expect(again.hello.heldLeases).toMatchObject([{ jobId: lease.jobId }]);
  await settle(again, lease);
  expect(job.signal.aborted).toBe(false);
});

test("a half-open connection is declared dead within two renew intervals", async () => {
  const server = await serve();
  work(server.url, controlled().handler);
  const session = await server.session();
  session.isLively = false;
  session.welcome(fast);
  expect((await session.take("ping")).nonce).toBe(1n);
  // Nothing is answered from here on; TCP would not notice for minutes.
  const again = await server.welcomed(fast);
  expect(again.hello.instanceId).toBe(session.hello.instanceId);
});

test("pings are answered, and pongs keep the connection alive", async () => {
  const server = await serve();
  work(server.url, controlled().handler);
  const session = await server.welcomed(fast);
  session.send({ case: "ping", value: { nonce: 77n } });
  expect((await session.take("pong")).nonce).toBe(77n);
  for (const nonce of [1n, 2n, 3n, 4n]) expect((await session.take("ping")).nonce).toBe(nonce);
});

test("after a goaway the worker moves, and the old stream's answers still count", async () => {
  const server = await serve();
  const { handler, call } = controlled();
  work(server.url, handler);
  const session = await server.welcomed(fast);
  const lease = newLease();
  await session.start(lease);
  const { finish, job } = await call(0);
  const goaway = { reason: GoawayReason.MAX_AGE, finishBy: ms(5000), reconnectWindow: ms(20) };
  session.send({ case: "goaway", value: goaway });
  const next = await server.session();
  expect(next.hello.heldLeases).toMatchObject([{ jobId: lease.jobId }]);
  // The new stream is not up yet: the old one still carries results.
  finish("over the old stream");
  const { completions } = await session.take("complete");
  next.welcome(fast);
  expect((await next.take("complete")).completions[0]?.completionId).toBe(
    completions[0]?.completionId,
  );
  await session.closed;
  session.answer(WriteKind.COMPLETE, lease, APPLIED, completions[0]?.completionId);
  session.end();
  expect(job.signal.aborted).toBe(false);
  const second = newLease();
  await next.start(second);
  (await call(1)).finish();
  await settle(next, second);
});

test("a newer instance ends the worker, and its handlers", async () => {
  const server = await serve();
  const { handler, call } = controlled();
  const { done } = work(server.url, handler);
  const session = await server.welcomed(fast);
  await session.start(newLease());
  const { job, fail } = await call(0);
  job.signal.addEventListener("abort", () => fail(job.signal.reason));
  const info = { reason: "SESSION_SUPERSEDED", domain: "orchestrator.stellaops" };
  session.end(
    new ConnectError("superseded", Code.Aborted, undefined, [
      { desc: ErrorInfoSchema, value: info },
    ]),
  );
  await expect(done).rejects.toMatchObject({ reason: "SESSION_SUPERSEDED", code: "aborted" });
  expect(job.signal.reason).toMatchObject({ reason: "lease_lost" });
});

test("a first hello that is refused ends the worker with the reason", async () => {
  const server = await serve();
  const { done } = work(server.url, controlled().handler);
  const session = await server.session();
  session.end(new ConnectError("bad worker id", Code.InvalidArgument));
  await expect(done).rejects.toMatchObject({ code: "invalid_argument" });
});
