import type { NewEdge, RunConflict } from "../app/runs/create-run.ts";
import { formatDigest, parseDigest } from "../domain/digest.ts";
import type { NewJob } from "../domain/job-spec.ts";
import type { Moved } from "./aftermath.ts";
import { insertJobs, keyHolders, presentArtifacts, takeKeys } from "./enqueue.sql.ts";
import { type PayloadQuota, PayloadSpending } from "./flow-usage.ts";
import { asBuffer, jobColumns } from "./job-columns.ts";
import { laneRowOf } from "./lane.sql.ts";
import { insertEdges } from "./run.sql.ts";
import type { Transaction } from "./transaction.ts";
import { refusedWindows } from "./window-series.ts";

/** Carries a conflict out of a transaction, which rolls it back: nothing was written. */
export class RunRefused extends Error {
  readonly conflict: RunConflict;

  constructor(conflict: RunConflict) {
    super(conflict.kind);
    this.conflict = conflict;
  }
}

/** A job of a run on its way into the ledger. */
export interface NewRunJobRow {
  readonly job: NewJob;
  readonly name: string;
  readonly unmet: number;
  /** Its index in the request, for the paths of faults. */
  readonly index: number;
}

/** An edge, and whether the count of its second job says already that its first one ended. */
export interface NewEdgeRow extends NewEdge {
  readonly settled?: boolean;
}

/** Jobs and edges that one transaction adds to a run. */
export interface RunBatch {
  readonly tenant: string;
  readonly runId: string;
  readonly jobs: readonly NewRunJobRow[];
  readonly edges: readonly NewEdgeRow[];
  /** How many jobs the run has before. */
  readonly jobCount: number;
}

/** Limits of what is written. */
export interface RunWriteOptions {
  readonly retentionMs: number;
  readonly payloadQuota: PayloadQuota;
}

/** Writes jobs and edges of a run; throws {@link RunRefused} for a conflict. */
export async function writeRunJobs(
  tx: Transaction,
  batch: RunBatch,
  { retentionMs, payloadQuota }: RunWriteOptions,
): Promise<{ readonly moved: readonly Moved[]; readonly scheduled: boolean }> {
  const { tenant, runId, jobs, edges, jobCount } = batch;
  await requireWindows(tx, jobs);
  await requireArtifacts(tx, tenant, jobs);
  await requireQuota(tx, jobs, payloadQuota);
  await requireKeys(tx, tenant, jobs, retentionMs);
  const rows = jobs.map(({ job, name, unmet }, offset) => ({
    job,
    run: { runId, name, unmet, position: jobCount + offset + 1 },
  }));
  const written = await tx.run(insertJobs, ...jobColumns(rows));
  const ids = new Set(written.map((row) => row.job_id));
  for (const { job, index } of jobs) {
    if (ids.has(job.jobId)) continue;
    const path = `jobs[${index}].spec.job_id`;
    throw new RunRefused({ kind: "job_id_conflict", path, jobId: job.jobId });
  }
  if (edges.length > 0) await tx.run(insertEdges, tenant, runId, ...edgeColumns(edges));
  const specs = new Map(jobs.map(({ job }) => [job.jobId, job.spec]));
  const moved = written.flatMap(({ job_id, seq }) => {
    const spec = specs.get(job_id);
    return spec === undefined ? [] : [{ tenant, ...laneRowOf(spec), seq }];
  });
  const scheduled = written.some((row) => row.base_state === "scheduled");
  return { moved, scheduled };
}

const edgeColumns = (edges: readonly NewEdgeRow[]) =>
  [
    edges.map((edge) => edge.from),
    edges.map((edge) => edge.to),
    edges.map((edge) => edge.condition),
    edges.map((edge) => edge.onFailure),
    edges.map((edge) => edge.includeFanOut),
    edges.map((edge) => edge.settled === true),
  ] as const;

/** Windows must be of series that are declared; no statement unless a job has one. */
async function requireWindows(tx: Transaction, jobs: readonly NewRunJobRow[]): Promise<void> {
  const refused = await refusedWindows(
    tx,
    jobs.map(({ job }) => job),
  );
  for (const { job, index } of jobs) {
    const refusal = refused.get(job);
    if (refusal === undefined) continue;
    throw new RunRefused({ ...refusal, path: `jobs[${index}].spec.window` });
  }
}

async function requireArtifacts(
  tx: Transaction,
  tenant: string,
  jobs: readonly NewRunJobRow[],
): Promise<void> {
  const named = jobs.flatMap(({ job, index }) =>
    job.spec.payloadArtifact === undefined ? [] : [{ index, digest: job.spec.payloadArtifact }],
  );
  if (named.length === 0) return;
  const present = await tx.run(
    presentArtifacts,
    named.map(() => tenant),
    named.map(({ digest }) => parseDigest(digest)),
  );
  const known = new Set(present.map((row) => formatDigest(row.digest)));
  const missing = named.find(({ digest }) => !known.has(digest));
  if (missing === undefined) return;
  const path = `jobs[${missing.index}].spec.payload_artifact`;
  throw new RunRefused({ kind: "payload_artifact_not_found", path, digest: missing.digest });
}

/** Nothing needs to be put right afterwards: all jobs of a batch are new, or nothing is written. */
async function requireQuota(
  tx: Transaction,
  rows: readonly NewRunJobRow[],
  quotaOf: PayloadQuota,
): Promise<void> {
  const jobs = rows.map(({ job }) => job);
  const [exceeded] = (await new PayloadSpending().spend(tx, jobs, quotaOf)).values();
  if (exceeded !== undefined) throw new RunRefused(exceeded);
}

/** In a run a key must be free: a job of another run cannot stand in for one of this. */
async function requireKeys(
  tx: Transaction,
  tenant: string,
  jobs: readonly NewRunJobRow[],
  retentionMs: number,
): Promise<void> {
  const keyed = jobs.flatMap(({ job, index }) =>
    job.spec.idempotencyKey === undefined ? [] : [{ job, index, key: job.spec.idempotencyKey }],
  );
  if (keyed.length === 0) return;
  // Of jobs with the same key the first one has it.
  const byKey = new Map(keyed.toReversed().map((entry) => [entry.key, entry]));
  const wanted = [...byKey.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  const taken = await tx.run(
    takeKeys,
    wanted.map(() => tenant),
    wanted.map(({ key }) => key),
    wanted.map(({ job }) => job.jobId),
    wanted.map(({ job }) => asBuffer(job.contentDigest)),
    retentionMs,
  );
  const ours = new Set(taken.map((row) => row.key));
  const refused = keyed.find((entry) => !ours.has(entry.key) || byKey.get(entry.key) !== entry);
  if (refused === undefined) return;
  const path = `jobs[${refused.index}].spec.idempotency_key`;
  const [holder] = await tx.run(keyHolders, [tenant], [refused.key]);
  const jobId = holder?.job_id ?? refused.job.jobId;
  throw new RunRefused({ kind: "idempotency_conflict", path, jobId });
}
