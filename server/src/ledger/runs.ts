import type { Pool } from "pg";
import { LedgerUnavailable } from "../app/ledger-unavailable.ts";
import type { NewRun, StoredRun } from "../app/runs/create-run.ts";
import { type Aftermath, aftermathOf, mergeLanes } from "./aftermath.ts";
import { LostRace } from "./errors.ts";
import type { PayloadQuota } from "./flow-usage.ts";
import { asBuffer } from "./job-columns.ts";
import { existingRun, insertRun } from "./run.sql.ts";
import { RunRefused, writeRunJobs } from "./run-jobs.ts";
import { inTransaction, type Transaction } from "./transaction.ts";

export { RunRefused } from "./run-jobs.ts";

/** What storing a run answers, and what the rest of the system should know. */
export interface RunAnswer extends Aftermath {
  readonly stored: StoredRun;
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
  const { tenant, runId, edges } = run;
  const inserted = await tx.run(
    insertRun,
    tenant,
    runId,
    run.displayName,
    run.project,
    run.correlationId,
    asBuffer(run.contentDigest),
    run.pipeline?.name ?? null,
    run.pipeline?.version ?? null,
    run.schedule ?? null,
    run.open === true,
    run.jobs.length,
  );
  if (inserted.length === 0) {
    const stored = await repeated(tx, run);
    if (stored === undefined) throw new LostRace("the holder of a run's id vanished");
    return { stored, ...aftermathOf([], []) };
  }
  const jobs = run.jobs.map((job, index) => ({ ...job, index }));
  const options = { retentionMs, payloadQuota };
  const wrote = await writeRunJobs(tx, { tenant, runId, jobs, edges, jobCount: 0 }, options);
  return {
    stored: { kind: "created", runId, jobIds: run.jobs.map(({ job }) => job.jobId) },
    ...aftermathOf([tenant], mergeLanes(wrote.moved), wrote.scheduled),
  };
}

async function repeated(tx: Transaction, run: NewRun): Promise<StoredRun | undefined> {
  const [existing] = await tx.run(existingRun, run.tenant, run.runId, run.jobs.length);
  if (existing === undefined) return undefined;
  const same = Buffer.compare(existing.content_digest, run.contentDigest) === 0;
  if (!same) return { kind: "run_id_conflict", runId: run.runId };
  // Not all of its jobs are there any more, and its id will soon be free.
  if (existing.removing) {
    throw new LedgerUnavailable(undefined, undefined, "a run of this id is being removed");
  }
  return { kind: "existing", runId: run.runId, jobIds: existing.job_ids };
}
