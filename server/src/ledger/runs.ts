import type { Pool } from "pg";
import type { NewRun, RunConflict, StoredRun } from "../app/runs/create-run.ts";
import { formatDigest, parseDigest } from "../domain/digest.ts";
import { type Aftermath, aftermathOf, mergeLanes } from "./aftermath.ts";
import { insertJobs, presentArtifacts, takeKeys } from "./enqueue.sql.ts";
import { type PayloadQuota, PayloadSpending } from "./flow-usage.ts";
import { asBuffer, jobColumns } from "./job-columns.ts";
import { laneRowOf } from "./lane.sql.ts";
import { existingRun, insertEdges, insertRun } from "./run.sql.ts";
import { inTransaction, type Transaction } from "./transaction.ts";

/** What storing a run answers, and what the rest of the system should know. */
export interface RunAnswer extends Aftermath {
  readonly stored: StoredRun;
}

/** Carries a conflict out of a transaction, which rolls it back: nothing was written. */
export class RunRefused extends Error {
  readonly conflict: RunConflict;

  constructor(conflict: RunConflict) {
    super(conflict.kind);
    this.conflict = conflict;
  }
}

/** Writes a run with its jobs and edges in one transaction: all of it or nothing. */
export const storeRunIn =
  (pool: Pool, idempotencyRetentionMs: number, payloadQuota: PayloadQuota = () => undefined) =>
  async (run: NewRun): Promise<RunAnswer> => {
    try {
      return await inTransaction(pool, [run.tenant], (tx) =>
        storeRunInTransaction(tx, run, idempotencyRetentionMs, payloadQuota),
      );
    } catch (error) {
      if (error instanceof RunRefused) return { stored: error.conflict, ...aftermathOf([], []) };
      throw error;
    }
  };

/** What a run that is there already would be answered; undefined if it is not. */
export const findStoredRun =
  (pool: Pool) =>
  (run: NewRun): Promise<StoredRun | undefined> =>
    inTransaction(pool, [run.tenant], (tx) => repeated(tx, run));

/** The same, as a part of a larger transaction; throws {@link RunRefused} for a conflict. */
export async function storeRunInTransaction(
  tx: Transaction,
  run: NewRun,
  retentionMs: number,
  payloadQuota: PayloadQuota,
): Promise<RunAnswer> {
  const { tenant, runId, displayName, project, correlationId } = run;
  const digest = asBuffer(run.contentDigest);
  const inserted = await tx.run(
    insertRun,
    tenant,
    runId,
    displayName,
    project,
    correlationId,
    digest,
  );
  if (inserted.length === 0) {
    const stored = await repeated(tx, run);
    if (stored === undefined) throw new Error("a run vanished; runs are not deleted");
    return { stored, ...aftermathOf([], []) };
  }
  await requireArtifacts(tx, run);
  await requireQuota(tx, run, payloadQuota);
  await requireKeys(tx, run, retentionMs);
  const rows = run.jobs.map(({ job, name, unmet }, index) => ({
    job,
    run: { runId, name, unmet, position: index + 1 },
  }));
  const written = await tx.run(insertJobs, ...jobColumns(rows));
  const ids = new Set(written.map((row) => row.job_id));
  run.jobs.forEach(({ job }, index) => {
    if (ids.has(job.jobId)) return;
    const path = `jobs[${index}].spec.job_id`;
    throw new RunRefused({ kind: "job_id_conflict", path, jobId: job.jobId });
  });
  if (run.edges.length > 0) {
    await tx.run(
      insertEdges,
      tenant,
      runId,
      run.edges.map((edge) => edge.from),
      run.edges.map((edge) => edge.to),
      run.edges.map((edge) => edge.onFailure),
    );
  }
  const specs = new Map(run.jobs.map(({ job }) => [job.jobId, job.spec]));
  const moved = written.flatMap(({ job_id, seq }) => {
    const spec = specs.get(job_id);
    if (spec === undefined) return [];
    return [{ tenant, ...laneRowOf(spec), seq }];
  });
  const scheduled = written.some((row) => row.base_state === "scheduled");
  return {
    stored: { kind: "created", runId, jobIds: run.jobs.map(({ job }) => job.jobId) },
    ...aftermathOf([tenant], mergeLanes(moved), scheduled),
  };
}

async function repeated(tx: Transaction, run: NewRun): Promise<StoredRun | undefined> {
  const [existing] = await tx.run(existingRun, run.tenant, run.runId);
  if (existing === undefined) return undefined;
  return Buffer.compare(existing.content_digest, run.contentDigest) === 0
    ? { kind: "existing", runId: run.runId, jobIds: existing.job_ids }
    : { kind: "run_id_conflict", runId: run.runId };
}

async function requireArtifacts(tx: Transaction, run: NewRun): Promise<void> {
  const named = run.jobs.flatMap(({ job }, index) =>
    job.spec.payloadArtifact === undefined ? [] : [{ index, digest: job.spec.payloadArtifact }],
  );
  if (named.length === 0) return;
  const present = await tx.run(
    presentArtifacts,
    named.map(() => run.tenant),
    named.map(({ digest }) => parseDigest(digest)),
  );
  const known = new Set(present.map((row) => formatDigest(row.digest)));
  const missing = named.find(({ digest }) => !known.has(digest));
  if (missing === undefined) return;
  const path = `jobs[${missing.index}].spec.payload_artifact`;
  throw new RunRefused({ kind: "payload_artifact_not_found", path, digest: missing.digest });
}

/** Nothing needs to be put right afterwards: all jobs of a run are new, or nothing is written. */
async function requireQuota(tx: Transaction, run: NewRun, quotaOf: PayloadQuota): Promise<void> {
  const jobs = run.jobs.map(({ job }) => job);
  const [exceeded] = (await new PayloadSpending().spend(tx, jobs, quotaOf)).values();
  if (exceeded !== undefined) throw new RunRefused(exceeded);
}

/** In a run a key must be free: a job of another run cannot stand in for one of this. */
async function requireKeys(tx: Transaction, run: NewRun, retentionMs: number): Promise<void> {
  const keyed = run.jobs.flatMap(({ job }, index) =>
    job.spec.idempotencyKey === undefined ? [] : [{ job, index, key: job.spec.idempotencyKey }],
  );
  if (keyed.length === 0) return;
  const byKey = new Map(keyed.map((entry) => [entry.key, entry]));
  const wanted = [...byKey.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  const taken = await tx.run(
    takeKeys,
    wanted.map(() => run.tenant),
    wanted.map(({ key }) => key),
    wanted.map(({ job }) => job.jobId),
    wanted.map(({ job }) => asBuffer(job.contentDigest)),
    retentionMs,
  );
  const ours = new Set(taken.map((row) => row.key));
  const refused = keyed.find((entry) => !ours.has(entry.key) || byKey.get(entry.key) !== entry);
  if (refused === undefined) return;
  const path = `jobs[${refused.index}].spec.idempotency_key`;
  throw new RunRefused({ kind: "idempotency_conflict", path, jobId: refused.job.jobId });
}
