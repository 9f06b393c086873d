import type { Pool } from "pg";
import type {
  AcceptVerdict,
  ProgressWrite,
  RenewAnswer,
  Renewal,
  ReturnRequest,
} from "../app/bridge/lease-writes.ts";
import type { LeaseRef } from "../domain/lease.ts";
import { type Aftermath, aftermathOf, mergeLanes } from "./aftermath.ts";
import { fenceColumns } from "./fences.ts";
import { asBuffer } from "./job-columns.ts";
import {
  acceptOffers,
  activeAmong,
  checkLease,
  knownJobs,
  renewLeases,
  returnLeases,
  storeProgress,
  unnamedLeases,
} from "./lease.sql.ts";
import { inTransaction, type Transaction } from "./transaction.ts";

const tenantsOf = (leases: readonly LeaseRef[]): string[] => leases.map((lease) => lease.tenant);

/** Turns offers, of any tenants, into active leases; a verdict per lease, in order. */
export const acceptOffersIn =
  (pool: Pool) =>
  (leases: readonly LeaseRef[]): Promise<AcceptVerdict[]> =>
    inTransaction(pool, tenantsOf(leases), async (tx) => {
      const verdicts: AcceptVerdict[] = leases.map(() => "stale_lease");
      for (const { position } of await tx.run(acceptOffers, ...fenceColumns(leases))) {
        verdicts[position - 1] = "applied";
      }
      // A statement of its own: it sees the accept that this one waited for, or that came with it.
      const open = [...verdicts.keys()].filter((index) => verdicts[index] !== "applied");
      if (open.length === 0) return verdicts;
      const asked = open.map((index) => leases[index] as LeaseRef);
      for (const { position } of await tx.run(activeAmong, ...fenceColumns(asked))) {
        verdicts[open[position - 1] as number] = "already_applied";
      }
      return verdicts;
    });

/** Renews leases, of any tenants, in one statement; an answer per lease, in order. */
export const renewLeasesIn =
  (pool: Pool) =>
  (renewals: readonly Renewal[]): Promise<RenewAnswer[]> => {
    const leases = renewals.map((renewal) => renewal.lease);
    return inTransaction(pool, tenantsOf(leases), async (tx) => {
      const sessionIds = renewals.map((renewal) => renewal.sessionId ?? null);
      const rows = await tx.run(renewLeases, ...fenceColumns(leases), sessionIds);
      const renewed = new Map(rows.map((row) => [fenceKey(leases[row.position - 1]), row]));
      const missing = [...leases.keys()].filter((index) => !renewed.has(fenceKey(leases[index])));
      const known = missing.length === 0 ? [] : await knownAmong(tx, leases, missing);
      return leases.map((lease, index) => {
        const row = renewed.get(fenceKey(lease));
        if (row === undefined) {
          const verdict = known.includes(index) ? "superseded" : "unknown";
          const nothing = { cancelReason: undefined, attemptLeftMs: undefined, jobType: undefined };
          return { verdict, leftMs: 0, ...nothing };
        }
        return {
          verdict: row.cancel_reason === null ? "renewed" : "cancelled",
          cancelReason: row.cancel_reason ?? undefined,
          leftMs: row.left_ms ?? 0,
          attemptLeftMs: row.attempt_left_ms ?? undefined,
          jobType: row.job_type,
        };
      });
    });
  };

const fenceKey = (lease: LeaseRef | undefined): string =>
  `${lease?.tenant}\0${lease?.jobId}\0${lease?.leaseEpoch}\0${lease?.leaseToken}`;

/** Which of some leases' jobs exist, by the leases' places. */
async function knownAmong(
  tx: Transaction,
  leases: readonly LeaseRef[],
  places: readonly number[],
): Promise<number[]> {
  const asked = places.map((place) => leases[place] as LeaseRef);
  const jobIds = asked.map((lease) => lease.jobId);
  const rows = await tx.run(knownJobs, tenantsOf(asked), jobIds);
  return rows.map(({ position }) => places[position - 1] as number);
}

/** Whether a lease is current. */
export interface LeaseStanding {
  readonly current: boolean;
  readonly newestEpoch: number;
  readonly expiresInMs: number | undefined;
}

/** Looks at one lease; undefined if the tenant has no such job. */
export const checkLeaseIn =
  (pool: Pool) =>
  (lease: LeaseRef): Promise<LeaseStanding | undefined> =>
    inTransaction(pool, [lease.tenant], async (tx) => {
      const { tenant, jobId, leaseEpoch, leaseToken } = lease;
      const [row] = await tx.run(checkLease, tenant, jobId, leaseEpoch, leaseToken);
      if (row === undefined) return undefined;
      return {
        current: row.current,
        newestEpoch: row.newest_epoch,
        expiresInMs: row.expires_in_ms ?? undefined,
      };
    });

/** What giving leases back answers, and what the rest of the system should know. */
export interface ReturnAnswer extends Aftermath {
  readonly verdicts: readonly ("applied" | "stale_lease")[];
}

/** Gives leases, of any tenants, back to the head of their lanes at no cost. */
export const returnLeasesIn =
  (pool: Pool) =>
  (request: ReturnRequest): Promise<ReturnAnswer> =>
    inTransaction(pool, tenantsOf(request.leases), (tx) => returnInTransaction(tx, request));

/** The same, as a part of a larger transaction. */
export async function returnInTransaction(
  tx: Transaction,
  { leases, actor, reason, onlyOffered }: ReturnRequest,
): Promise<ReturnAnswer> {
  const rows = await tx.run(returnLeases, ...fenceColumns(leases), actor, reason, onlyOffered);
  const verdicts = leases.map((): "applied" | "stale_lease" => "stale_lease");
  const moved = rows.map((row) => {
    verdicts[row.position - 1] = "applied";
    return { ...row, tenant: (leases[row.position - 1] as LeaseRef).tenant };
  });
  return { verdicts, ...aftermathOf(tenantsOf(leases), mergeLanes(moved)) };
}

/** A stream lease that its worker's newest Hello did not name. */
export interface Unnamed {
  readonly lease: LeaseRef;
  readonly state: "offered" | "running";
}

/** Finds what a worker held over an earlier session and does not name any more. */
export const findUnnamed =
  (pool: Pool) =>
  (
    tenant: string,
    workerId: string,
    sessionId: string,
    named: readonly string[],
  ): Promise<Unnamed[]> =>
    inTransaction(pool, [tenant], async (tx) => {
      const rows = await tx.run(unnamedLeases, tenant, workerId, sessionId, [...named]);
      return rows.map((row) => ({
        lease: {
          tenant,
          jobId: row.job_id,
          attempt: row.attempt,
          leaseEpoch: row.lease_epoch,
          leaseToken: row.token,
        },
        state: row.state,
      }));
    });

/**
 * Stores progress, of any tenants; whether each lease was current, in order. No two of the
 * writes may be about the same job.
 */
export const storeProgressIn =
  (pool: Pool) =>
  (writes: readonly ProgressWrite[]): Promise<boolean[]> => {
    const leases = writes.map((write) => write.lease);
    return inTransaction(pool, tenantsOf(leases), async (tx) => {
      const rows = await tx.run(
        storeProgress,
        ...fenceColumns(leases),
        writes.map((write) => write.fraction),
        writes.map((write) => write.message),
        writes.map(({ checkpoint }) => (checkpoint.length === 0 ? null : asBuffer(checkpoint))),
      );
      const applied = new Set(rows.map(({ position }) => position));
      return leases.map((_, index) => applied.has(index + 1));
    });
  };
