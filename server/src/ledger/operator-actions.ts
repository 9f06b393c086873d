import type { Pool } from "pg";
import type { ActionTarget, ActionView } from "../app/history/list-actions.ts";
import { insertAction, listActions, listActionsOn } from "./operator-actions.sql.ts";
import { inTransaction, type Transaction } from "./transaction.ts";

/** Something that an operator did: `kind` such as "schedule_paused" to the target. */
export interface OperatorAction {
  readonly tenant: string;
  readonly kind: string;
  readonly targetKind:
    | "schedule"
    | "pipeline"
    | "window_series"
    | "backfill"
    | "run"
    | "operation"
    | "take_out"
    | "dead_letter"
    | "job";
  /** Empty: several, which the detail names. */
  readonly targetName: string;
  readonly actor: string;
  readonly reason: string;
  readonly ticket: string;
  /** What was asked for; becomes JSON. */
  readonly detail?: object;
}

/** Adds to the history of operators, in the transaction that does what it says. */
export async function recordAction(tx: Transaction, action: OperatorAction): Promise<void> {
  const { tenant, kind, targetKind, targetName, actor, reason, ticket, detail = {} } = action;
  const said = [actor, reason, ticket] as const;
  await tx.run(insertAction, tenant, kind, targetKind, targetName, ...said, JSON.stringify(detail));
}

/** Up to `limit` (1,001 at most) actions older than the one with the id `before`, newest first. */
export const listActionsIn =
  (pool: Pool) =>
  (
    tenant: string,
    { kind, name }: ActionTarget,
    before: number | undefined,
    limit: number,
  ): Promise<ActionView[]> =>
    inTransaction(pool, [tenant], async (tx) => {
      const from = before ?? Number.MAX_SAFE_INTEGER;
      const rows =
        kind === undefined || name === undefined
          ? await tx.run(listActions, tenant, from, kind ?? null)
          : await tx.run(listActionsOn, tenant, from, kind, name);
      return rows.slice(0, limit).map((row) => ({
        id: row.id,
        at: row.at,
        kind: row.kind,
        targetKind: row.target_kind,
        targetName: row.target_name,
        actor: row.actor,
        reason: row.reason,
        ticket: row.ticket,
        detail: row.detail,
      }));
    });
