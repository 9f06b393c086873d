import type { Pool } from "pg";
import {
  duplicateOrConflict,
  type EnqueueResult,
  type StoredJobs,
} from "../app/jobs/enqueue-jobs.ts";
import { formatDigest, parseDigest } from "../domain/digest.ts";
import type { NewJob } from "../domain/job-spec.ts";
import type { ReadyLane } from "../domain/offer.ts";
import { mergeLanes } from "./aftermath.ts";
import {
  dropKeys,
  type Holder,
  type InsertedJob,
  idHolders,
  insertJobs,
  keyHolders,
  presentArtifacts,
  takeKeys,
} from "./enqueue.sql.ts";
import { LostRace } from "./errors.ts";
import { findEnqueued, type PayloadQuota, PayloadSpending } from "./flow-usage.ts";
import { asBuffer, jobColumns } from "./job-columns.ts";
import { laneRowOf } from "./lane.sql.ts";
import { inTransaction, type Transaction } from "./transaction.ts";
import { refusedWindows } from "./window-series.ts";

/**
 * Writes a batch of jobs, of any tenants, in one transaction. Jobs that share an id or a key
 * within the batch are settled as if they had come one after the other. Payloads that are more
 * than their tenant's quota of the day are refused, each by itself.
 */
export const storeJobs =
  (pool: Pool, idempotencyRetentionMs: number, payloadQuota: PayloadQuota = () => undefined) =>
  (jobs: readonly NewJob[]): Promise<StoredJobs> =>
    inTransaction(
      pool,
      jobs.map((job) => job.tenant),
      (tx) => storeJobsInTransaction(tx, jobs, idempotencyRetentionMs, payloadQuota),
    );

/** The same, as a part of a larger transaction. */
export async function storeJobsInTransaction(
  tx: Transaction,
  jobs: readonly NewJob[],
  idempotencyRetentionMs: number,
  payloadQuota: PayloadQuota,
): Promise<StoredJobs> {
  const batch = new EnqueueBatch(jobs);
  await batch.rejectWindows(tx);
  await batch.rejectMissingArtifacts(tx);
  await batch.keepWithinQuota(tx, payloadQuota);
  await batch.takeKeys(tx, idempotencyRetentionMs);
  const lanes = await batch.insert(tx);
  await batch.settleQuota(tx);
  return { results: batch.results(), lanes };
}

const ref = (tenant: string, name: string) => `${tenant}\0${name}`;

/** The steps of one batch; a job without a result yet is still on its way in. */
class EnqueueBatch {
  readonly #jobs: readonly NewJob[];
  readonly #results: (EnqueueResult | undefined)[];
  /** Positions of jobs whose key this batch took. */
  readonly #keyed = new Set<number>();
  readonly #spending = new PayloadSpending();

  constructor(jobs: readonly NewJob[]) {
    this.#jobs = jobs;
    this.#results = new Array(jobs.length).fill(undefined);
  }

  results(): EnqueueResult[] {
    return this.#results as EnqueueResult[];
  }

  /** No statement unless a job has a window. */
  async rejectWindows(tx: Transaction): Promise<void> {
    const refused = await refusedWindows(tx, this.#jobs);
    if (refused.size === 0) return;
    this.#jobs.forEach((job, position) => {
      this.#results[position] = refused.get(job);
    });
  }

  async rejectMissingArtifacts(tx: Transaction): Promise<void> {
    const named = this.#pending().filter(([job]) => job.spec.payloadArtifact !== undefined);
    if (named.length === 0) return;
    const digests = named.map(([job]) => job.spec.payloadArtifact as string);
    const present = await tx.run(
      presentArtifacts,
      named.map(([job]) => job.tenant),
      digests.map(parseDigest),
    );
    const known = new Set(present.map((row) => ref(row.tenant, formatDigest(row.digest))));
    named.forEach(([job, position], index) => {
      const digest = digests[index] as string;
      if (known.has(ref(job.tenant, digest))) return;
      this.#results[position] = { kind: "payload_artifact_not_found", digest };
    });
  }

  async keepWithinQuota(tx: Transaction, quotaOf: PayloadQuota): Promise<void> {
    const pending = this.#pending();
    const jobs = pending.map(([job]) => job);
    const refused = await this.#spending.spend(tx, jobs, quotaOf);
    if (refused.size === 0) return;
    const over = pending.filter(([job]) => refused.has(job));
    const known = await findEnqueued(
      tx,
      over.map(([job]) => job),
    );
    over.forEach(([job, position], index) => {
      this.#results[position] = known[index] ?? refused.get(job);
    });
  }

  async settleQuota(tx: Transaction): Promise<void> {
    if (this.#spending.isEmpty) return;
    const results = new Map(this.#jobs.map((job, position) => [job, this.#results[position]]));
    await this.#spending.settle(tx, (job) => results.get(job)?.kind === "created");
  }

  async takeKeys(tx: Transaction, retentionMs: number): Promise<void> {
    const first = new Map<string, [NewJob, number]>();
    const keyed = this.#pending().filter(([job]) => job.spec.idempotencyKey !== undefined);
    for (const entry of keyed) {
      const key = ref(entry[0].tenant, entry[0].spec.idempotencyKey as string);
      if (!first.has(key)) first.set(key, entry);
    }
    if (first.size === 0) return;
    const wanted = [...first].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
    const taken = await tx.run(
      takeKeys,
      wanted.map(([job]) => job.tenant),
      wanted.map(([job]) => job.spec.idempotencyKey as string),
      wanted.map(([job]) => job.jobId),
      wanted.map(([job]) => asBuffer(job.contentDigest)),
      retentionMs,
    );
    const ours = new Set(taken.map((row) => ref(row.tenant, row.key)));
    for (const [key, [, position]] of first) if (ours.has(key)) this.#keyed.add(position);
    const late = keyed.filter(([, position]) => !this.#keyed.has(position));
    await this.#settle(tx, late, "idempotency_conflict", keyHolders, (job) => ({
      ref: job.spec.idempotencyKey as string,
    }));
  }

  async insert(tx: Transaction): Promise<ReadyLane[]> {
    const firstById = new Map<string, [NewJob, number]>();
    for (const entry of this.#pending()) {
      const id = ref(entry[0].tenant, entry[0].jobId);
      if (!firstById.has(id)) firstById.set(id, entry);
    }
    const entries = [...firstById.values()];
    if (entries.length === 0) return [];
    const inserted = await tx.run(insertJobs, ...jobColumns(entries.map(([job]) => ({ job }))));
    const rows = new Map(inserted.map((row) => [ref(row.tenant, row.job_id), row]));
    for (const [job, position] of entries) {
      if (!rows.has(ref(job.tenant, job.jobId))) continue;
      this.#results[position] = { kind: "created", jobId: job.jobId };
    }
    const taken = this.#pending();
    await this.#settle(tx, taken, "job_id_conflict", idHolders, (job) => ({ ref: job.jobId }));
    await this.#giveBackKeys(tx, taken);
    return lanesOf(entries, rows);
  }

  /** A job that turned out to be there under its id did not need the key that it took. */
  async #giveBackKeys(tx: Transaction, taken: readonly [NewJob, number][]): Promise<void> {
    const unused = taken.filter(
      ([, position]) =>
        this.#keyed.has(position) && this.#results[position]?.kind === "job_id_conflict",
    );
    if (unused.length === 0) return;
    await tx.run(
      dropKeys,
      unused.map(([job]) => job.tenant),
      unused.map(([job]) => job.spec.idempotencyKey as string),
    );
  }

  async #settle(
    tx: Transaction,
    entries: readonly [NewJob, number][],
    kind: "idempotency_conflict" | "job_id_conflict",
    statement: typeof keyHolders | typeof idHolders,
    by: (job: NewJob) => { ref: string },
  ): Promise<void> {
    if (entries.length === 0) return;
    const found = await tx.run(
      statement,
      entries.map(([job]) => job.tenant),
      entries.map(([job]) => by(job).ref),
    );
    const holders = new Map<string, Holder>(found.map((row) => [ref(row.tenant, row.ref), row]));
    for (const [job, position] of entries) {
      const holder = holders.get(ref(job.tenant, by(job).ref));
      if (holder === undefined) throw new LostRace(`${kind}: the holder vanished`);
      const existing = { jobId: holder.job_id, contentDigest: holder.content_digest };
      this.#results[position] = duplicateOrConflict(kind, existing, job.contentDigest);
    }
  }

  #pending(): [NewJob, number][] {
    return this.#jobs
      .map((job, position): [NewJob, number] => [job, position])
      .filter(([, position]) => this.#results[position] === undefined);
  }
}

/** The lanes that got work. */
const lanesOf = (
  entries: readonly [NewJob, number][],
  rows: ReadonlyMap<string, InsertedJob>,
): ReadyLane[] =>
  mergeLanes(
    entries.map(([job]) => ({
      tenant: job.tenant,
      ...laneRowOf(job.spec),
      seq: rows.get(ref(job.tenant, job.jobId))?.seq ?? null,
    })),
  );
