import type { Pool } from "pg";
import type { OperationPosition } from "../app/operations/list-operations.ts";
import type {
  OperationResultView,
  OperationStop,
  OperationView,
  StopResult,
} from "../app/operations/operation-view.ts";
import type { NewJobOperation } from "../app/operations/start-operation.ts";
import type { OperationOutcome } from "../domain/operation.ts";
import {
  listOperations,
  listResults,
  type OperationViewRow,
  operationDigest,
  readOperation,
  stopOperation,
} from "./operation.sql.ts";
import { createOperation } from "./operation-steps.ts";
import { recordAction } from "./operator-actions.ts";
import { inTransaction, type Transaction } from "./transaction.ts";

/** Notes an operation on jobs, to be done by the loop. */
export const createJobOperationIn =
  (pool: Pool) =>
  (
    wanted: NewJobOperation,
  ): Promise<{ kind: "created" | "existing"; view: OperationView } | { kind: "conflict" }> =>
    inTransaction(pool, [wanted.tenant], async (tx) => {
      const { tenant, id, operation, ...rest } = wanted;
      const { kind } = operation.action;
      const made = { tenant, id, kind, request: operation, runId: undefined, ...rest };
      const created = await createOperation(tx, made);
      if (created === "conflict") return { kind: created };
      return { kind: created, view: await viewIn(tx, tenant, id) };
    });

async function viewIn(tx: Transaction, tenant: string, id: string): Promise<OperationView> {
  const [row] = await tx.run(readOperation, tenant, id);
  if (row === undefined) throw new Error(`operation ${id} is not where it was written`);
  return operationView(row);
}

/** Reads one operation; undefined if the tenant has no such one. */
export const findOperationIn =
  (pool: Pool) =>
  (tenant: string, id: string): Promise<OperationView | undefined> =>
    inTransaction(pool, [tenant], (tx) => findOperation(tx, tenant, id));

/** The same, as a part of a larger transaction. */
export async function findOperation(
  tx: Transaction,
  tenant: string,
  id: string,
): Promise<OperationView | undefined> {
  const [row] = await tx.run(readOperation, tenant, id);
  return row && operationView(row);
}

/** Reads one operation, and the digest of what was asked for. */
export const findRequestedOperationIn =
  (pool: Pool) =>
  (
    tenant: string,
    id: string,
  ): Promise<{ view: OperationView; requestDigest: Uint8Array } | undefined> =>
    inTransaction(pool, [tenant], async (tx) => {
      const [digest] = await tx.run(operationDigest, tenant, id);
      if (digest === undefined) return undefined;
      return { view: await viewIn(tx, tenant, id), requestDigest: digest.request_digest };
    });

/** Beyond every operation, for a list from the beginning. */
const NEWEST: OperationPosition = {
  createdUs: Date.UTC(9999, 11, 31) * 1_000,
  id: "ffffffff-ffff-ffff-ffff-ffffffffffff",
};

/** Up to `limit` (1,001 at most) operations behind one, newest first. */
export const listOperationsIn =
  (pool: Pool) =>
  (
    tenant: string,
    runningOnly: boolean,
    before: OperationPosition | undefined,
    limit: number,
  ): Promise<OperationView[]> =>
    inTransaction(pool, [tenant], async (tx) => {
      const { createdUs, id } = before ?? NEWEST;
      const rows = await tx.run(listOperations, tenant, createdUs, id, runningOnly);
      return rows.slice(0, limit).map(operationView);
    });

/** Up to `limit` (1,001 at most) results after a job's; undefined: no such operation. */
export const listResultsIn =
  (pool: Pool) =>
  (
    tenant: string,
    id: string,
    outcome: OperationOutcome | undefined,
    after: string | undefined,
    limit: number,
  ): Promise<OperationResultView[] | undefined> =>
    inTransaction(pool, [tenant], async (tx) => {
      const rows = await tx.run(listResults, tenant, id, after ?? null, outcome ?? null);
      if (rows.length === 0 && (await findOperation(tx, tenant, id)) === undefined) {
        return undefined;
      }
      return rows.slice(0, limit).map((row) => ({
        jobId: row.job_id,
        outcome: row.outcome,
        reason: row.reason,
        state: row.state === "" ? undefined : row.state,
      }));
    });

/** Stops an operation on jobs where it is, after the step that is under way. */
export const stopOperationIn =
  (pool: Pool) =>
  ({ tenant, id, actor, reason, ticket }: OperationStop): Promise<StopResult> =>
    inTransaction(pool, [tenant], async (tx) => {
      const stopped = await tx.run(stopOperation, tenant, id);
      if (stopped.length > 0) {
        const target = { targetKind: "operation", targetName: id } as const;
        const said = { actor, reason, ticket };
        await recordAction(tx, { tenant, kind: "operation_stopped", ...target, ...said });
      }
      const operation = await findOperation(tx, tenant, id);
      if (operation === undefined) return { kind: "not_found" };
      // Half of a run's cancellation or of a replay would be neither the one nor the other.
      const goesOn = operation.state === "running" && operation.runId !== undefined;
      return goesOn ? { kind: "not_stoppable", runId: operation.runId } : { kind: "ok", operation };
    });

const operationView = (row: OperationViewRow): OperationView => ({
  tenant: row.tenant,
  id: row.id,
  kind: row.kind,
  state: row.state,
  actor: row.actor,
  reason: row.reason,
  ticket: row.ticket,
  runId: row.run_id ?? undefined,
  matching: row.matching,
  applied: row.applied,
  unchanged: row.unchanged,
  refused: row.refused,
  createdAt: row.created_at,
  createdUs: row.created_us,
  finishedAt: row.finished_at ?? undefined,
});
