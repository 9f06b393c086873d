import type { Pool } from "pg";
import type { Audit } from "../app/audit.ts";
import type {
  NewestVersion,
  PipelineDecision,
  PipelineStored,
} from "../app/pipelines/put-pipeline.ts";
import {
  jobJson,
  jobOfJson,
  type PipelineHead,
  pipelineDigest,
  type StoredPipeline,
} from "../app/pipelines/stored-pipeline.ts";
import type { Pipeline } from "../domain/plan/pipeline.ts";
import { asBuffer } from "./job-columns.ts";
import { recordAction } from "./operator-actions.ts";
import {
  insertPipeline,
  listNewestPipelines,
  listPipelineVersions,
  newestPipelineVersion,
  type PipelineHeadRow,
  pipelineVersionOfRun,
  selectPipeline,
} from "./pipeline.sql.ts";
import { inTransaction, type Transaction } from "./transaction.ts";

/** A version of a pipeline, the newest if it is 0; undefined if the tenant has none. */
export async function readPipeline(
  tx: Transaction,
  tenant: string,
  name: string,
  version: number,
): Promise<StoredPipeline | undefined> {
  const [row] = await tx.run(selectPipeline, tenant, name, version);
  return row && { ...headOf(row), jobs: row.jobs.map(jobOfJson) };
}

/** The same, in a transaction of its own. */
export const findPipelineIn =
  (pool: Pool) =>
  (tenant: string, name: string, version: number): Promise<StoredPipeline | undefined> =>
    inTransaction(pool, [tenant], (tx) => readPipeline(tx, tenant, name, version));

/** The version of the pipeline that a run was made from; undefined if there is no such run. */
export const pipelineVersionOfRunIn =
  (pool: Pool) =>
  (tenant: string, runId: string, name: string): Promise<number | undefined> =>
    inTransaction(pool, [tenant], async (tx) => {
      const [row] = await tx.run(pipelineVersionOfRun, tenant, runId, name);
      return row?.version;
    });

/**
 * Decides about a pipeline, writes its next version and records that, in one transaction. Of those
 * who write at once the key lets one through; the others see what it wrote, and decide again.
 */
export const storePipelineIn =
  (pool: Pool) =>
  (
    tenant: string,
    pipeline: Pipeline,
    audit: Audit,
    decide: (newest: NewestVersion | undefined) => PipelineDecision,
  ): Promise<PipelineStored> =>
    inTransaction(pool, [tenant], async (tx) => {
      const { name } = pipeline;
      const digest = asBuffer(pipelineDigest(pipeline));
      for (;;) {
        const [newest] = await tx.run(newestPipelineVersion, tenant, name);
        const decision = decide(
          newest && { version: newest.version, sameContent: newest.content_digest.equals(digest) },
        );
        if (decision === "etag_mismatch") return { kind: decision };
        if (decision === "keep") return storedNow(tx, tenant, name, newest?.version ?? 0);
        const version = (newest?.version ?? 0) + 1;
        const { description, parameters, jobs } = pipeline;
        const head = JSON.stringify({ description, parameters });
        const written = [head, JSON.stringify(jobs.map(jobJson)), digest] as const;
        const [row] = await tx.run(insertPipeline, tenant, name, version, ...written);
        if (row === undefined) continue;
        await recordAction(tx, {
          tenant,
          kind: "pipeline_stored",
          targetKind: "pipeline",
          targetName: name,
          ...audit,
          detail: { version },
        });
        return storedNow(tx, tenant, name, version);
      }
    });

async function storedNow(
  tx: Transaction,
  tenant: string,
  name: string,
  version: number,
): Promise<PipelineStored> {
  const pipeline = await readPipeline(tx, tenant, name, version);
  if (pipeline === undefined) throw new Error("a version vanished; versions are not deleted");
  return { kind: "stored", pipeline };
}

/** Up to `limit` (1,001 at most) newest versions of the pipelines after a name, by name. */
export const listNewestPipelinesIn =
  (pool: Pool) =>
  (tenant: string, after: string, limit: number): Promise<PipelineHead[]> =>
    inTransaction(pool, [tenant], async (tx) => {
      const rows = await tx.run(listNewestPipelines, tenant, after);
      return rows.slice(0, limit).map(headOf);
    });

/** Up to `limit` (1,001 at most) versions of a pipeline below one, newest first. */
export const listPipelineVersionsIn =
  (pool: Pool) =>
  (tenant: string, name: string, before: number, limit: number): Promise<PipelineHead[]> =>
    inTransaction(pool, [tenant], async (tx) => {
      const rows = await tx.run(listPipelineVersions, tenant, name, before);
      return rows.slice(0, limit).map(headOf);
    });

const headOf = ({ name, version, head, created_at }: PipelineHeadRow): PipelineHead => ({
  name,
  version,
  description: head.description,
  parameters: head.parameters,
  createdAt: created_at,
});
