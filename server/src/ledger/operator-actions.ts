import { insertAction } from "./operator-actions.sql.ts";
import type { Transaction } from "./transaction.ts";

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
    | "dead_letter";
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
