import type { Pool } from "pg";
import type {
  Claim,
  ClaimAnswer,
  Claimed,
  RankedRange,
  Usage,
  WindowQuota,
} from "../app/bridge/claim.ts";
import type { ReadSeqs } from "../app/bridge/ready-queue.ts";
import { formatDigest } from "../domain/digest.ts";
import type { Lane, Offer, ReadyLane } from "../domain/offer.ts";
import { newLeaseTokens } from "../lib/ids.ts";
import {
  type ClaimedJob,
  type ClaimParams,
  claimStatements,
  discoverLanes,
  laneSeqs,
} from "./claim.sql.ts";
import {
  dropReceipt,
  fillReceipt,
  knownReceipt,
  openReceipt,
  receiptLeases,
} from "./claim-receipt.sql.ts";
import { activeLeases, quotaUse, spendQuota, takeClaimTurn } from "./claim-usage.sql.ts";
import { toLane } from "./lane.sql.ts";
import { inTransaction, type Transaction } from "./transaction.ts";
import { windowOf } from "./view-rows.ts";

/**
 * Hands out jobs in one transaction: offers for a stream, active leases under a receipt for a
 * claim with a request id. The second call with the same id gets what the first one got and is
 * still current; a claim that got nothing leaves no receipt, so that it can be tried again.
 */
export const claimJobsIn =
  (pool: Pool) =>
  async (claim: Claim): Promise<ClaimAnswer> => {
    // Without limits nothing has to be known before: the search is over when the transaction opens.
    const ranges = claim.exact === undefined ? await claim.choose(undefined) : undefined;
    if (ranges?.length === 0) return NOTHING;
    return inTransaction(pool, [claim.tenant], (tx) =>
      claim.requestId === undefined
        ? handOut(tx, claim, ranges)
        : handOutOnce(tx, claim, claim.requestId, ranges),
    );
  };

const NOTHING: ClaimAnswer = { claimed: [], exhausted: true, repeated: false };

async function handOutOnce(
  tx: Transaction,
  claim: Claim,
  requestId: string,
  ranges: readonly RankedRange[] | undefined,
): Promise<ClaimAnswer> {
  const opened = await tx.run(openReceipt, claim.tenant, requestId, claim.workerId);
  if (opened.length === 0) {
    const rows = await tx.run(receiptLeases, claim.tenant, requestId, claim.workerId);
    const claimed = rows.map((row) => toClaimed(claim.tenant, row));
    return { claimed, exhausted: false, repeated: true };
  }
  const answer = await handOut(tx, claim, ranges);
  if (answer.claimed.length === 0) {
    await tx.run(dropReceipt, claim.tenant, requestId);
    return answer;
  }
  const leases = answer.claimed.map(({ offer }) => offer.lease);
  await tx.run(
    fillReceipt,
    claim.tenant,
    requestId,
    leases.map((lease) => lease.jobId),
    leases.map((lease) => lease.leaseEpoch),
  );
  return answer;
}

async function handOut(
  tx: Transaction,
  claim: Claim,
  chosen: readonly RankedRange[] | undefined,
): Promise<ClaimAnswer> {
  const ranges = chosen ?? (await claim.choose(await usageInTurn(tx, claim)));
  if (ranges.length === 0) return NOTHING;
  const statement = claimStatements.get(claim.limit);
  if (statement === undefined) throw new Error(`no claim statement of size ${claim.limit}`);
  const column = <T>(pick: (range: RankedRange) => T): T[] => ranges.map(pick);
  const params: ClaimParams = [
    claim.tenant,
    column(({ lane }) => lane.queue),
    column(({ lane }) => lane.jobType),
    column(({ lane }) => lane.priority),
    column(({ lane }) => lane.source),
    column(({ lane }) => lane.concurrencyKey),
    column((range) => range.rank),
    column((range) => range.after),
    column((range) => range.upTo),
    column((range) => range.limit),
    column((range) => range.ttlMs),
    column((range) => range.deadlineMs),
    claim.maxPayloadBytes,
    newLeaseTokens(claim.limit),
    claim.workerId,
    claim.sessionId ?? null,
    claim.active ? "running" : "offered",
    claim.offerDeadlineMs,
  ];
  const rows = await tx.run(statement, ...params);
  const claimed = rows.flatMap((row) =>
    row.job_id === null ? [] : [toClaimed(claim.tenant, row)],
  );
  const quotas = claim.exact?.quotas ?? [];
  if (claimed.length > 0 && quotas.length > 0) {
    await tx.run(spendQuota, claim.tenant, [...quotas], claimed.length);
  }
  // It looks at up to twice as many as it takes: fewer taken than seen means its size or a lock
  // held it back.
  const exhausted = claimed.length >= (rows[0]?.seen ?? 0);
  return { claimed, exhausted, repeated: false };
}

async function usageInTurn(tx: Transaction, { tenant, exact }: Claim): Promise<Usage> {
  await tx.run(takeClaimTurn, tenant);
  return readUsage(tx, tenant, exact?.quotas ?? []);
}

/** What is out of a tenant now; nothing keeps it so. For explanations. */
export const usageIn =
  (pool: Pool) =>
  (tenant: string): Promise<Usage> =>
    inTransaction(pool, [tenant], (tx) => readUsage(tx, tenant, ["jobsPerHour", "jobsPerDay"]));

async function readUsage(
  tx: Transaction,
  tenant: string,
  quotas: readonly WindowQuota[],
): Promise<Usage> {
  // Both at once: they go out together.
  const [active, used] = await Promise.all([
    tx.run(activeLeases, tenant),
    quotas.length === 0 ? [] : tx.run(quotaUse, tenant, [...quotas]),
  ]);
  const handedOut = { jobsPerHour: 0, jobsPerDay: 0 };
  for (const row of used) handedOut[row.quota as keyof typeof handedOut] = row.used;
  return {
    active: active.map((row) => ({
      queue: row.queue,
      jobType: row.job_type,
      source: row.source,
      concurrencyKey: row.concurrency_key,
      count: row.count,
    })),
    handedOut,
  };
}

/** What an earlier claim with this id got and still holds; undefined: there was none. */
export const findReceipt =
  (pool: Pool) =>
  (tenant: string, requestId: string, workerId: string): Promise<Offer[] | undefined> =>
    inTransaction(pool, [tenant], async (tx) => {
      const known = await tx.run(knownReceipt, tenant, requestId);
      if (known.length === 0) return undefined;
      const rows = await tx.run(receiptLeases, tenant, requestId, workerId);
      return rows.map((row) => toClaimed(tenant, row).offer);
    });

const toClaimed = (tenant: string, row: ClaimedJob): Claimed => ({
  offer: {
    lease: {
      tenant,
      jobId: row.job_id,
      attempt: row.attempt,
      leaseEpoch: row.lease_epoch,
      leaseToken: row.token,
    },
    spec: {
      jobType: row.job_type,
      queue: row.queue,
      project: row.project,
      source: row.source,
      priority: row.priority,
      concurrencyKey: row.concurrency_key,
      payload: row.payload ?? new Uint8Array(),
      payloadMediaType: row.payload_media_type,
      payloadArtifact:
        row.payload_artifact === null ? undefined : formatDigest(row.payload_artifact),
      idempotencyKey: undefined,
      labels: row.labels ?? {},
      notBefore: undefined,
      retry: undefined,
      attemptDeadlineMs: row.deadline_ms,
      correlationId: row.correlation_id ?? row.job_id,
      traceparent: row.traceparent ?? undefined,
      tracestate: row.tracestate ?? undefined,
      window: windowOf(row),
    },
    leaseTtlMs: row.ttl_ms,
    attemptDeadlineMs: row.deadline_ms,
    checkpoint: row.checkpoint ?? undefined,
    runId: row.run_id ?? undefined,
    name: row.name ?? undefined,
    createdAt: row.created_at,
  },
  lane: toLane(tenant, row),
  seq: row.seq,
});

/** The most lanes that one look at the ledger answers. */
const MAX_LANES_A_LOOK = 1_000;

/**
 * Looks which lanes of a tenant have work: up to 1,000 of them after `after`, in the order of
 * their keys; fewer than that are the last ones.
 */
export const findLanes =
  (pool: Pool) =>
  (tenant: string, after: Lane | undefined): Promise<{ lanes: ReadyLane[]; last: boolean }> =>
    inTransaction(pool, [tenant], async (tx) => {
      const rows = await tx.run(
        discoverLanes,
        tenant,
        MAX_LANES_A_LOOK,
        after?.queue ?? "",
        after?.jobType ?? "",
        after?.priority ?? 0,
        after?.source ?? "",
        after?.concurrencyKey ?? "",
      );
      const lanes = rows.map((row) => ({ ...toLane(tenant, row), minSeq: row.seq }));
      return { lanes, last: rows.length < MAX_LANES_A_LOOK };
    });

/** Reads the places of a lane's ready jobs, for a shared queue that has lost them. */
export const readSeqsIn =
  (pool: Pool): ReadSeqs =>
  (lane, after, limit) =>
    inTransaction(pool, [lane.tenant], async (tx) => {
      const { tenant, queue, jobType, priority, source, concurrencyKey } = lane;
      const rows = await tx.run(
        laneSeqs,
        tenant,
        queue,
        jobType,
        priority,
        source,
        concurrencyKey,
        after,
        limit,
      );
      return rows.map((row) => row.seq);
    });
