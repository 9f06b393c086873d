import { expect, it } from "vitest";
import { jobSpec, testPolicy } from "../../../../test/support/ledger.ts";
import { LeasePolicies } from "../../domain/lease-policy.ts";
import type { Offer } from "../../domain/offer.ts";
import { newId } from "../../lib/ids.ts";
import { PostgresReadyQueue } from "../../queue/postgres.ts";
import { claimJobs } from "./claim-jobs.ts";
import type { Claimant } from "./claimant.ts";
import { Dispatcher, type DispatchPorts } from "./dispatcher.ts";
import type { Gates } from "./gates.ts";

const tenant = "acme";
const lane = {
  tenant,
  queue: "default",
  jobType: "test.echo",
  priority: 0,
  source: "",
  concurrencyKey: "",
};

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

/** Gates that hold nothing back. */
const openGates: Gates = {
  plan: async (_tenant, candidates, limit) => ({
    exact: undefined,
    allot: () => candidates.map(({ lane: one }) => ({ lane: one, limit, share: limit, rank: 0 })),
    blocked: () => [],
    passedOver: () => [],
    settle: () => {},
  }),
  open: async (_tenant, lanes) => lanes,
  known: async () => {},
  takenOut: () => false,
  weight: () => 1,
};

/** A dispatcher over a ledger that has work without end. */
function endlessWork(over: Partial<DispatchPorts> = {}): Dispatcher {
  let seq = 0;
  return new Dispatcher({
    queue: new PostgresReadyQueue(),
    policies: new LeasePolicies(testPolicy),
    gates: openGates,
    claimsAtOnce: 2,
    claim: async ({ choose }) => {
      if ((await choose(undefined)).length === 0) {
        return { claimed: [], exhausted: true, repeated: false };
      }
      await new Promise((resolve) => setImmediate(resolve));
      seq += 1;
      return { claimed: [{ offer: offer(), lane, seq }], exhausted: false, repeated: false };
    },
    findLanes: async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return { lanes: [{ ...lane, minSeq: 1 }], last: true };
    },
    giveBack: async () => {},
    onError: (error) => {
      throw error;
    },
    ...over,
  });
}

/** Takes whatever comes, without end. */
const greedy = (): Claimant => ({
  tenant,
  workerId: "greedy",
  host: "",
  labels: {},
  sessionId: newId(),
  pools: [
    {
      name: "main",
      queues: new Set(["default"]),
      jobTypes: new Set(["test.echo"]),
      free: () => 1,
    },
  ],
  maxPayloadBytes: testPolicy.maxPayloadBytes,
  claimRequestId: undefined,
  leaseAtOnce: false,
  deliver: () => true,
  idle: () => {},
  full: () => {},
});

const claimOver = (dispatcher: Dispatcher) =>
  claimJobs({
    policy: testPolicy,
    findReceipt: async () => undefined,
    register: (claimant) => dispatcher.register(claimant),
    unregister: (claimant) => dispatcher.unregister(claimant),
  });

const request = (waitMs: number) => ({
  tenant,
  claimRequestId: newId(),
  workerId: "cron",
  jobTypes: ["test.echo"],
  queues: ["default"],
  maxJobs: 1,
  waitMs,
  maxPayloadBytes: testPolicy.maxPayloadBytes,
});

it("answers a unary claim, a drain and a close while others take job after job", async () => {
  const dispatcher = endlessWork();
  const worker = greedy();
  dispatcher.register(worker);
  const signal = new AbortController().signal;
  expect(await claimOver(dispatcher)(request(5_000), signal)).toHaveLength(1);
  await dispatcher.settled(tenant);
  const other = greedy();
  dispatcher.register(other);
  await dispatcher.unregister(other);
  await dispatcher.stop();
});

it("looks at the ledger before it tells a claim without a wait that there is nothing", async () => {
  const dispatcher = endlessWork();
  const signal = new AbortController().signal;
  expect(await claimOver(dispatcher)(request(0), signal)).toHaveLength(1);
  await dispatcher.stop();
});
