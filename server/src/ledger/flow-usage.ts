import type { Pool } from "pg";
import type { QuotaExceeded } from "../app/flow/refusals.ts";
import { duplicateOrConflict, type EnqueueResult } from "../app/jobs/enqueue-jobs.ts";
import type { NewJob } from "../domain/job-spec.ts";
import { idHolders } from "./enqueue.sql.ts";
import {
  addPayloadBytes,
  countReady,
  liveKeyHolders,
  type PayloadUse,
  sumArtifactBytes,
} from "./flow-usage.sql.ts";
import { inTransaction, type Transaction } from "./transaction.ts";

/** How many payload bytes a tenant may enqueue a day; undefined: as many as it likes. */
export type PayloadQuota = (tenant: string) => number | undefined;

/** How many ready jobs a queue has, counted up to `atMost`. */
export const countReadyIn =
  (pool: Pool) =>
  (tenant: string, queue: string, atMost: number): Promise<number> =>
    inTransaction(pool, [tenant], async (tx) => {
      const [row] = await tx.run(countReady, tenant, queue, atMost);
      return row?.count ?? 0;
    });

/** How many bytes of artifacts a tenant has. */
export const artifactBytesIn =
  (pool: Pool) =>
  (tenant: string): Promise<number> =>
    inTransaction(pool, [tenant], async (tx) => {
      const [row] = await tx.run(sumArtifactBytes, tenant);
      return row?.bytes ?? 0;
    });

/**
 * What an enqueue of these jobs would answer because they are there already; undefined for a job
 * that is new. So a limit refuses no repeated call whose first one was taken.
 */
export const findEnqueuedIn =
  (pool: Pool) =>
  (jobs: readonly NewJob[]): Promise<(EnqueueResult | undefined)[]> =>
    inTransaction(
      pool,
      jobs.map((job) => job.tenant),
      (tx) => findEnqueued(tx, jobs),
    );

const ref = (tenant: string, name: string) => `${tenant}\0${name}`;

/** The same within a transaction. */
export async function findEnqueued(
  tx: Transaction,
  jobs: readonly NewJob[],
): Promise<(EnqueueResult | undefined)[]> {
  const keyed = jobs.filter((job) => job.spec.idempotencyKey !== undefined);
  const byKey = await tx.run(
    liveKeyHolders,
    keyed.map((job) => job.tenant),
    keyed.map((job) => job.spec.idempotencyKey as string),
  );
  const byId = await tx.run(
    idHolders,
    jobs.map((job) => job.tenant),
    jobs.map((job) => job.jobId),
  );
  const keys = new Map(byKey.map((row) => [ref(row.tenant, row.key), row]));
  const ids = new Map(byId.map((row) => [ref(row.tenant, row.ref), row]));
  return jobs.map((job) => {
    const { idempotencyKey: key } = job.spec;
    const keyHolder = key === undefined ? undefined : keys.get(ref(job.tenant, key));
    const holder = keyHolder ?? ids.get(ref(job.tenant, job.jobId));
    if (holder === undefined) return undefined;
    const kind = keyHolder === undefined ? "job_id_conflict" : "idempotency_conflict";
    const existing = { jobId: holder.job_id, contentDigest: holder.content_digest };
    return duplicateOrConflict(kind, existing, job.contentDigest);
  });
}

/**
 * Keeps the payloads of one transaction within the tenants' quotas. The bytes are counted before
 * the jobs are written, which locks the sums, and put right afterwards.
 */
export class PayloadSpending {
  /** What was counted for which job. */
  readonly #counted = new Map<NewJob, number>();

  /** Whether nothing was counted, as for tenants without the quota. */
  get isEmpty(): boolean {
    return this.#counted.size === 0;
  }

  /** Counts jobs, in order; answers those that do not fit any more. */
  async spend(
    tx: Transaction,
    jobs: readonly NewJob[],
    quotaOf: PayloadQuota,
  ): Promise<Map<NewJob, QuotaExceeded>> {
    const refused = new Map<NewJob, QuotaExceeded>();
    const limits = new Map<string, number>();
    for (const tenant of new Set(jobs.map((job) => job.tenant))) {
      const limit = quotaOf(tenant);
      if (limit !== undefined) limits.set(tenant, limit);
    }
    if (limits.size === 0) return refused;
    const wanted = byTenant(jobs.filter((job) => limits.has(job.tenant)));
    if (wanted.size === 0) return refused;
    for (const use of await add(tx, wanted)) {
      const limit = limits.get(use.tenant) ?? Number.POSITIVE_INFINITY;
      const ofTenant = wanted.get(use.tenant) ?? new Map<NewJob, number>();
      for (const [job, exceeded] of overflow(use, limit, ofTenant)) refused.set(job, exceeded);
      for (const [job, bytes] of ofTenant) this.#counted.set(job, bytes);
    }
    return refused;
  }

  /** Takes back what was counted for jobs that did not become new ones. */
  async settle(tx: Transaction, isNew: (job: NewJob) => boolean): Promise<void> {
    const back = new Map<string, Map<NewJob, number>>();
    for (const [job, bytes] of this.#counted) {
      if (bytes === 0 || isNew(job)) continue;
      const ofTenant = back.get(job.tenant) ?? new Map<NewJob, number>();
      back.set(job.tenant, ofTenant.set(job, -bytes));
    }
    if (back.size > 0) await add(tx, back);
  }
}

type Spending = ReadonlyMap<string, ReadonlyMap<NewJob, number>>;

function add(tx: Transaction, spending: Spending): Promise<PayloadUse[]> {
  const tenants = [...spending.keys()].sort();
  const sums = tenants.map((tenant) => {
    const counts = spending.get(tenant)?.values() ?? [];
    return [...counts].reduce((sum, bytes) => sum + bytes, 0);
  });
  return tx.run(addPayloadBytes, tenants, sums);
}

/** The bytes of each job with a payload; a job that stands twice is one, and counts once. */
function byTenant(jobs: readonly NewJob[]): Map<string, Map<NewJob, number>> {
  const tenants = new Map<string, Map<NewJob, number>>();
  const seen = new Set<string>();
  for (const job of jobs) {
    const bytes = job.spec.payload.length;
    if (bytes === 0) continue;
    const counts = tenants.get(job.tenant) ?? new Map<NewJob, number>();
    const identity = ref(job.tenant, job.spec.idempotencyKey ?? job.jobId);
    tenants.set(job.tenant, counts.set(job, seen.has(identity) ? 0 : bytes));
    seen.add(identity);
  }
  return tenants;
}

function overflow(
  use: PayloadUse,
  limit: number,
  counts: ReadonlyMap<NewJob, number>,
): Map<NewJob, QuotaExceeded> {
  const refused = new Map<NewJob, QuotaExceeded>();
  const fates = new Map<string, boolean>();
  let used = use.used - [...counts.values()].reduce((sum, bytes) => sum + bytes, 0);
  for (const [job, bytes] of counts) {
    const identity = job.spec.idempotencyKey ?? job.jobId;
    const fits = fates.get(identity) ?? used + bytes <= limit;
    fates.set(identity, fits);
    if (fits) used += bytes;
    else {
      const retryAfterMs = use.resets_in_ms;
      const quota = "payloadBytesPerDay";
      refused.set(job, { kind: "quota_exceeded", quota, limit, used, retryAfterMs });
    }
  }
  return refused;
}
