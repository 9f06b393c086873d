import { expect, test } from "vitest";
import {
  ReleaseReason,
  WriteKind,
  WriteVerdict,
} from "../src/gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import { aborted, controlled, fast, newLease, serve, settle, work } from "./worker-harness.ts";

const { APPLIED } = WriteVerdict;

test("drain is a barrier: offers before the ack go back, running jobs finish", async () => {
  const server = await serve();
  const { handler, call, calls } = controlled();
  const { drain, done } = work(server.url, handler, { drainGraceMs: 20_000 });
  const session = await server.welcomed(fast);
  const [running, accepted] = [newLease(), newLease()];
  const [late, active] = [newLease(), newLease()];
  await session.start(running);
  const { finish, job } = await call(0);
  session.offer(accepted);
  await session.take("accept");
  drain();
  await session.take("drain");
  // These crossed the drain on the wire.
  session.answer(WriteKind.ACCEPT, accepted, APPLIED);
  session.offer(late);
  session.offerActive(active);
  const releases = [];
  while (releases.length < 3) releases.push(...(await session.take("release")).releases);
  for (const { lease, reason } of releases) {
    expect(reason).toBe(ReleaseReason.UNSTARTED);
    if (lease) session.answer(WriteKind.RELEASE, lease, APPLIED);
  }
  session.send({ case: "drainAck", value: {} });
  expect(job.signal.aborted).toBe(false);
  finish("in time");
  await settle(session, running);
  await session.closed;
  session.end();
  await done;
  expect(calls).toHaveLength(1);
});

test("what does not finish within the drain's grace is stopped and released", async () => {
  const server = await serve();
  const { handler, call } = controlled();
  const { drain, done } = work(server.url, handler, { drainGraceMs: 100 });
  const session = await server.welcomed(fast);
  const [polite, deaf] = [newLease(), newLease()];
  await session.start(polite);
  const first = await call(0);
  await session.start(deaf);
  const second = await call(1);
  drain();
  await session.take("drain");
  session.send({ case: "drainAck", value: {} });
  expect(await aborted(first.job)).toMatchObject({ reason: "drain" });
  first.fail(first.job.signal.reason);
  expect(second.job.signal.aborted).toBe(true);
  const releases = [];
  while (releases.length < 2) releases.push(...(await session.take("release")).releases);
  for (const { lease, reason } of releases) {
    expect(reason).toBe(ReleaseReason.DRAINED);
    if (lease) session.answer(WriteKind.RELEASE, lease, APPLIED);
  }
  session.end();
  await done;
});

test("a drain without a server ends at once when nothing is held", async () => {
  const server = await serve();
  const { drain, done } = work(server.url, controlled().handler, { drainGraceMs: 20_000 });
  await server.welcomed(fast);
  await server.stop();
  drain();
  await done;
});
