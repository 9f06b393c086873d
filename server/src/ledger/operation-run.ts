import type { Pool } from "pg";
import type { Admit } from "../app/flow/admit-jobs.ts";
import { type JobAction, type OperationKind, paceOf } from "../domain/operation.ts";
import { aftermathOf } from "./aftermath.ts";
import { actInTransaction } from "./operate-action.ts";
import {
  nextDueOperation,
  noteStep,
  takeDueOperation,
  tenantsWithDueOperations,
} from "./operation.sql.ts";
import { readJobOperation, type SelectProgress, selectNext } from "./operation-select.ts";
import type { OperationRow, OperationStep, StepAnswer } from "./operation-steps.ts";
import { inTransaction } from "./transaction.ts";

/** What can be done, by the kind of the operation. */
export type OperationSteps = Readonly<Record<OperationKind, OperationStep>>;

/** An operation's step could not be done: a bug, or a fault that may pass. */
export class StepFailed extends Error {
  override readonly name = "StepFailed";
  /** Which operation's. */
  readonly operationId: string;

  constructor(operationId: string, cause: unknown) {
    super(`a step of operation ${operationId} failed`, { cause });
    this.operationId = operationId;
  }
}

/**
 * Does a step of the operation of a tenant that has been due for the longest, apart from `except`
 * and from those that other replicas are at; undefined if there is none. The step's changes, their
 * results and how far it came are one transaction. Throws {@link StepFailed}.
 */
export const takeStepIn =
  (pool: Pool, steps: OperationSteps) =>
  async (tenant: string, except: readonly string[]): Promise<StepAnswer | undefined> => {
    let taken: OperationRow | undefined;
    let answer: StepAnswer | undefined;
    let committed = false;
    try {
      await inTransaction(pool, [tenant], async (tx) => {
        // It is run again when it loses a race.
        answer?.settle?.(false);
        answer = undefined;
        taken = (await tx.run(takeDueOperation, tenant, [...except]))[0];
        if (taken === undefined) return;
        answer = await steps[taken.kind](tx, taken);
        const { results, progress, done, restMs = 0 } = answer;
        await tx.run(
          noteStep,
          ...([tenant, taken.id, JSON.stringify(progress), restMs, done] as const),
          results.map((result) => result.jobId),
          results.map((result) => result.outcome),
          results.map((result) => result.reason),
          results.map((result) => result.state ?? ""),
        );
      });
      committed = true;
      return answer;
    } catch (error) {
      throw taken === undefined ? error : new StepFailed(taken.id, error);
    } finally {
      answer?.settle?.(committed);
    }
  };

/** The steps of what is done to jobs, wherever these come from. */
export function jobSteps(
  drainGraceMs: number,
  admit: Admit = async () => undefined,
): Readonly<Record<JobAction["kind"], OperationStep>> {
  const step: OperationStep = async (tx, row) => {
    const { target, action, maxPerSecond } = readJobOperation(row.request);
    const { tenant, id: operationId, reason } = row;
    const pace = paceOf(maxPerSecond);
    const selection = { tenant, operationId, target, action: action.kind };
    const from = row.progress as SelectProgress;
    const { jobIds, progress, last } = await selectNext(tx, selection, from, pace.size);
    const stopGraceMs = (action.kind === "cancel" ? action.graceMs : undefined) ?? drainGraceMs;
    const rest = { progress, done: last, restMs: pace.restMs(jobIds.length), stopGraceMs };
    if (jobIds.length === 0) return { ...NOTHING, ...rest };
    const order = { tenant, jobIds, action, reason, drainGraceMs, admit };
    return { ...(await actInTransaction(tx, order)), ...rest };
  };
  return {
    ...{ retry: step, cancel: step, discard: step },
    ...{ reprioritise: step, move: step, extend_deadline: step },
  };
}

const NOTHING = { ...aftermathOf([], []), results: [], stops: [] };

/** The tenants with operations that are due, the longest due first. */
export const findTenantsWithDueOperations = (loopsPool: Pool) => async (): Promise<string[]> => {
  const rows = await inTransaction(loopsPool, [], (tx) => tx.run(tenantsWithDueOperations));
  return rows.map((row) => row.tenant);
};

/** How long until the next operation is due, in milliseconds; undefined: there is none. */
export const findNextDueOperation = (loopsPool: Pool) => async (): Promise<number | undefined> => {
  const [row] = await inTransaction(loopsPool, [], (tx) => tx.run(nextDueOperation));
  return row?.due_in_ms ?? undefined;
};
