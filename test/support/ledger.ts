import { randomUUID } from "node:crypto";
import type pg from "pg";
import type { Claim, RankedRange } from "../../server/src/app/bridge/claim.ts";
import { decideEnding, type EndingCause } from "../../server/src/domain/ending.ts";
import { contentDigest, type JobSpec, type NewJob } from "../../server/src/domain/job-spec.ts";
import type { FailureClass, LeaseRef } from "../../server/src/domain/lease.ts";
import type { LeasePolicy } from "../../server/src/domain/lease-policy.ts";
import type { Offer } from "../../server/src/domain/offer.ts";
import { claimJobsIn } from "../../server/src/ledger/claim.ts";
import { completeAttemptsIn } from "../../server/src/ledger/complete.ts";
import { endAttemptsWith } from "../../server/src/ledger/end.ts";
import { storeJobs } from "../../server/src/ledger/enqueue.ts";
import { acceptOffersIn, returnLeasesIn } from "../../server/src/ledger/leases.ts";
import { promoteDueIn, reapExpiredIn } from "../../server/src/ledger/loops.ts";
import { cancelJobsIn, retryJobsIn } from "../../server/src/ledger/operate.ts";
import { storeRunIn } from "../../server/src/ledger/runs.ts";
import { newId } from "../../server/src/lib/ids.ts";
import { readLeasePolicies } from "../../server/src/rpc/lease-policy.ts";

const DAY_MS = 86_400_000;

/** The contract's policy, with retries that are due at once. */
export const testPolicy: LeasePolicy = readLeasePolicies(
  JSON.stringify({ default: { retry: { initialBackoff: "0.001s", maxAttempts: 2 } } }),
).base;

/** A job spec with defaults. */
export const jobSpec = (over: Partial<JobSpec> = {}): JobSpec => ({
  jobType: "test.echo",
  queue: "default",
  project: "",
  source: "",
  priority: 0,
  concurrencyKey: "",
  payload: new Uint8Array(),
  payloadMediaType: "",
  payloadArtifact: undefined,
  idempotencyKey: undefined,
  labels: {},
  notBefore: undefined,
  retry: undefined,
  attemptDeadlineMs: undefined,
  correlationId: undefined,
  traceparent: undefined,
  tracestate: undefined,
  window: undefined,
  ...over,
});

/** A job on its way into the ledger. */
export const newJob = (tenant: string, over: Partial<JobSpec> = {}, jobId = newId()): NewJob => {
  const spec = jobSpec(over);
  return { tenant, jobId, spec, contentDigest: contentDigest(spec) };
};

/** The lanes in which most tests' jobs stand, from their beginnings to their ends. */
export const wholeLanes = (tenant: string): RankedRange[] =>
  [-1, 0, 1].map((priority) => ({
    lane: {
      tenant,
      queue: "default",
      jobType: "test.echo",
      priority,
      source: "",
      concurrencyKey: "",
    },
    after: 0,
    upTo: Number.MAX_SAFE_INTEGER,
    limit: 64,
    rank: priority,
    ttlMs: testPolicy.leaseTtlMs,
    deadlineMs: testPolicy.attemptDeadlineMs,
  }));

const said = { actor: "operator", reason: "test", ticket: "" };

/** The ledger's writes for one tenant, with the arguments that most tests do not care about. */
export function ledgerOf(pool: pg.Pool, tenant = "acme") {
  const decide = (facts: Parameters<typeof decideEnding>[0], cause: EndingCause) =>
    decideEnding(facts, cause, testPolicy, 0.5);
  const claim = claimJobsIn(pool);
  const end = endAttemptsWith(pool, decide);
  const claimWith = async (over: Partial<Claim> = {}): Promise<Offer[]> => {
    const { claimed } = await claim({
      tenant,
      workerId: "worker-1",
      sessionId: undefined,
      limit: 64,
      maxPayloadBytes: testPolicy.maxPayloadBytes,
      offerDeadlineMs: testPolicy.offerAcceptDeadlineMs,
      requestId: newId(),
      active: true,
      exact: undefined,
      choose: async () => wholeLanes(tenant),
      ...over,
    });
    return claimed.map(({ offer }) => offer);
  };
  const finish = (lease: LeaseRef, cause: EndingCause) =>
    end([{ lease, cause, completionId: randomUUID(), actor: "worker" }]);
  return {
    tenant,
    store: storeJobs(pool, DAY_MS),
    storeRun: storeRunIn(pool, DAY_MS),
    /** Enqueues one job; answers its id. */
    async enqueue(over: Partial<JobSpec> = {}): Promise<string> {
      const job = newJob(tenant, over);
      await storeJobs(pool, DAY_MS)([job]);
      return job.jobId;
    },
    claimWith,
    /** Claims one job as a unary claim does; its lease is active. */
    async claimOne(): Promise<LeaseRef> {
      const [offer] = await claimWith({ limit: 1 });
      if (offer === undefined) throw new Error("nothing is ready");
      return offer.lease;
    },
    /** Offers one job as a stream's claim does. */
    async offerOne(): Promise<LeaseRef> {
      const stream = { requestId: undefined, active: false, sessionId: newId() };
      const [offer] = await claimWith({ limit: 1, ...stream });
      if (offer === undefined) throw new Error("nothing is ready");
      return offer.lease;
    },
    accept: acceptOffersIn(pool),
    giveBack: (leases: readonly LeaseRef[], onlyOffered = false) =>
      returnLeasesIn(pool)({ leases, actor: "worker", reason: "test", onlyOffered }),
    async complete(lease: LeaseRef, completionId: string = randomUUID()) {
      const request = { lease, completionId, result: new Uint8Array(), artifacts: [] };
      return (await completeAttemptsIn(pool)([request])).verdicts[0];
    },
    fail: async (lease: LeaseRef, failureClass: FailureClass = "user", terminal = false) =>
      (
        await finish(lease, {
          kind: "failed",
          failure: { failureClass, message: "no", terminal, retryAfterMs: undefined },
        })
      ).verdicts[0],
    interrupt: async (lease: LeaseRef) =>
      (await finish(lease, { kind: "interrupted", failureClass: "lease_expired", message: "gone" }))
        .verdicts[0],
    cancel: (jobIds: readonly string[], graceMs = 0) =>
      cancelJobsIn(pool)(tenant, jobIds, said.reason, graceMs, said),
    retry: (jobIds: readonly string[]) => retryJobsIn(pool)(tenant, jobIds, said),
    promote: () => promoteDueIn(pool)([tenant]),
    reap: () => reapExpiredIn(pool, decide)([tenant]),
  };
}

/** {@link ledgerOf}'s answer. */
export type TestLedger = ReturnType<typeof ledgerOf>;
