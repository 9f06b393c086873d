import type { Pool } from "pg";
import { formatDigest } from "../domain/digest.ts";
import type { Lane, Offer } from "../domain/offer.ts";
import { newLeaseToken } from "../lib/ids.ts";
import {
  CLAIM_SIZES,
  type ClaimedJob,
  type ClaimParams,
  claimStatements,
  discoverLanes,
  dropReceipt,
  fillReceipt,
  knownReceipt,
  MAX_CLAIM_BYTES,
  openReceipt,
  receiptLeases,
} from "./claim.sql.ts";
import { inTransaction, type Transaction } from "./transaction.ts";

/** A lane to claim from: where to start, and the clocks of its job type in milliseconds. */
export interface ClaimLane extends Lane {
  readonly watermark: number;
  readonly ttlMs: number;
  readonly deadlineMs: number;
}

/** A claim for one worker. All lanes are of its tenant. */
export interface Claim {
  readonly tenant: string;
  readonly workerId: string;
  readonly sessionId: string | undefined;
  readonly lanes: readonly ClaimLane[];
  readonly limit: number;
  readonly maxPayloadBytes: number;
  /** "offered" leases wait this long for their accept, in milliseconds. */
  readonly offerDeadlineMs: number;
  readonly state: "offered" | "running";
}

/** A claimed job and where it stood in its lane. */
export interface Claimed {
  readonly offer: Offer;
  readonly lane: Lane;
  readonly seq: number;
}

/**
 * Hands out jobs in one transaction: the largest claim size that `limit` allows, so fewer than
 * `limit` may mean that more are there. See {@link claimedAll}.
 */
export const claimJobs =
  (pool: Pool) =>
  (claim: Claim): Promise<Claimed[]> =>
    inTransaction(pool, [claim.tenant], (tx) => runClaim(tx, claim));

/** Whether a claim of up to `limit` jobs that got these saw the end of its lanes. */
export function claimedAll(limit: number, claimed: readonly Claimed[]): boolean {
  const bytes = claimed.reduce(
    (sum, { offer }) => sum + offer.spec.payload.length + (offer.checkpoint?.length ?? 0),
    0,
  );
  return claimed.length < sizeFor(limit) && bytes < MAX_CLAIM_BYTES;
}

/** The largest claim size that `limit` allows. */
const sizeFor = (limit: number): number => CLAIM_SIZES.findLast((size) => size <= limit) ?? 1;

/** What a repeatable claim answered: new leases, or what is left of those of an earlier call. */
export interface ReceiptAnswer {
  readonly repeated: boolean;
  readonly claimed: readonly Claimed[];
}

/**
 * Claims under a request id: the second call with the same id gets what the first one got and is
 * still current. A claim that got nothing leaves no receipt, so that it can be tried again.
 */
export const claimWithReceipt =
  (pool: Pool) =>
  (claim: Claim, requestId: string): Promise<ReceiptAnswer> =>
    inTransaction(pool, [claim.tenant], async (tx) => {
      const opened = await tx.run(openReceipt, claim.tenant, requestId, claim.workerId);
      if (opened.length === 0) {
        const rows = await tx.run(receiptLeases, claim.tenant, requestId, claim.workerId);
        return { repeated: true, claimed: rows.map((row) => toClaimed(claim.tenant, row)) };
      }
      const claimed = await runClaim(tx, claim);
      if (claimed.length === 0) {
        await tx.run(dropReceipt, claim.tenant, requestId);
        return { repeated: false, claimed };
      }
      const leases = claimed.map(({ offer }) => offer.lease);
      await tx.run(
        fillReceipt,
        claim.tenant,
        requestId,
        leases.map((lease) => lease.jobId),
        leases.map((lease) => lease.leaseEpoch),
      );
      return { repeated: false, claimed };
    });

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

async function runClaim(tx: Transaction, claim: Claim): Promise<Claimed[]> {
  const limit = sizeFor(claim.limit);
  const statement = claimStatements.get(limit);
  if (statement === undefined) throw new Error(`no claim statement of size ${limit}`);
  const { lanes } = claim;
  const params: ClaimParams = [
    claim.tenant,
    lanes.map((lane) => lane.queue),
    lanes.map((lane) => lane.jobType),
    lanes.map((lane) => lane.priority),
    lanes.map((lane) => lane.watermark),
    lanes.map((lane) => lane.ttlMs),
    lanes.map((lane) => lane.deadlineMs),
    limit,
    claim.maxPayloadBytes,
    Array.from({ length: limit }, newLeaseToken),
    claim.workerId,
    claim.sessionId ?? null,
    claim.state,
    claim.offerDeadlineMs,
  ];
  const rows = await tx.run(statement, ...params);
  return rows.map((row) => toClaimed(claim.tenant, row));
}

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
    },
    leaseTtlMs: row.ttl_ms,
    attemptDeadlineMs: row.deadline_ms,
    checkpoint: row.checkpoint ?? undefined,
    runId: row.run_id ?? undefined,
    name: row.name ?? undefined,
    createdAt: row.created_at,
  },
  lane: { tenant, queue: row.queue, jobType: row.job_type, priority: row.priority },
  seq: row.seq,
});

/** A lane with work, and the sequence number of its oldest job. */
export interface DiscoveredLane extends Lane {
  readonly minSeq: number;
}

/** Looks which lanes of a tenant have work. */
export const findLanes =
  (pool: Pool) =>
  (tenant: string): Promise<DiscoveredLane[]> =>
    inTransaction(pool, [tenant], async (tx) => {
      const rows = await tx.run(discoverLanes, tenant);
      return rows.map((row) => ({
        tenant,
        queue: row.queue,
        jobType: row.job_type,
        priority: row.priority,
        minSeq: row.seq,
      }));
    });
