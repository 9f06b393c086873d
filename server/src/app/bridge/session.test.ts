import { expect, it } from "vitest";
import { jobSpec, testPolicy } from "../../../../test/support/ledger.ts";
import type { Offer } from "../../domain/offer.ts";
import { newId } from "../../lib/ids.ts";
import type { LeaseWrites } from "./lease-writes.ts";
import { Session } from "./session.ts";
import type { ServerFrame } from "./session-frames.ts";

const tenant = "acme";

const offer = (): Offer => ({
  lease: { tenant, jobId: newId(), attempt: 1, leaseEpoch: 1, leaseToken: "t" },
  spec: jobSpec(),
  leaseTtlMs: 60_000,
  attemptDeadlineMs: 60_000,
  checkpoint: undefined,
  runId: undefined,
  name: undefined,
  createdAt: new Date(0),
});

/** A session with one pool of two slots, over a ledger that rejects every completion. */
function rejecting() {
  const sent: ServerFrame[] = [];
  const writes: LeaseWrites = {
    accept: async (leases) => leases.map(() => "applied"),
    renew: async () => [],
    progress: async () => [],
    complete: async (requests) =>
      requests.map(() => ({ kind: "result_too_large", bytes: 2, maxBytes: 1 })),
    end: async () => [],
    release: async () => [],
  };
  const session = new Session(
    { writes, policy: testPolicy, pump: () => {}, settled: async () => {}, throttled: () => {} },
    { tenant, sessionId: newId() },
    {
      workerId: "worker-1",
      instanceId: newId(),
      pools: [{ name: "main", jobTypes: ["test.echo"], queues: ["default"], slots: 2 }],
      heldLeases: [],
      maxPayloadBytes: testPolicy.maxPayloadBytes,
      leaseAtOnce: false,
      sdk: "",
      host: "",
      labels: {},
    },
    { send: (frame) => sent.push(frame), onEnd: () => {} },
  );
  return { session, sent, free: () => session.pools[0]?.free() };
}

it("takes no offers that its worker has no credit for any more", async () => {
  const { session, sent } = rejecting();
  await session.take({ kind: "credit", pools: [{ pool: "main", slots: 1 }] });
  expect(session.deliver("main", [offer(), offer()])).toBe(false);
  expect(session.deliver("main", [offer()])).toBe(true);
  expect(sent.map(({ kind }) => kind)).toEqual(["offers"]);
});

it("goes on counting a job whose completion is rejected: its lease stands", async () => {
  const { session, free } = rejecting();
  const { lease, ...rest } = offer();
  session.deliver("main", [{ lease, ...rest }]);
  await session.take({ kind: "accept", leases: [lease] });
  const result = new Uint8Array(2);
  const requests = [{ lease, completionId: newId(), result, artifacts: [] }];
  await session.take({ kind: "complete", requests });
  expect(free()).toBe(1);
  expect(session.held.has(lease.jobId, lease.leaseEpoch)).toBe(true);
});
