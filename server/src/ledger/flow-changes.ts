import type { Pool } from "pg";
import type { FlowChangeTarget } from "../app/flow/change.ts";
import type { ChangedContent, FlowChangeView } from "../app/flow/list-changes.ts";
import type { FlowScope, FlowSettings } from "../domain/flow/settings.ts";
import type { SourceProperties } from "../domain/flow/source.ts";
import {
  type FlowChangeRow,
  insertChange,
  listAllChanges,
  listScopeChanges,
} from "./flow-changes.sql.ts";
import { inTransaction, type Transaction } from "./transaction.ts";

/** Adds a change to the history, in the transaction that makes it. */
export async function recordChange(
  tx: Transaction,
  target: FlowChangeTarget,
  before: FlowSettings | SourceProperties | undefined,
  after: FlowSettings | SourceProperties,
): Promise<void> {
  const { tenant, kind, scope, actor, reason, ticket } = target;
  const old = before === undefined ? null : JSON.stringify(before);
  const said = [actor, reason, ticket] as const;
  const now = JSON.stringify(after);
  await tx.run(insertChange, tenant, kind, scope.kind, scope.name, ...said, old, now);
}

/** Up to `limit` (1,001 at most) changes older than the one with the id `before`, newest first. */
export const listFlowChanges =
  (pool: Pool) =>
  (
    tenant: string,
    scope: FlowScope | undefined,
    before: number | undefined,
    limit: number,
  ): Promise<FlowChangeView[]> =>
    inTransaction(pool, [tenant], async (tx) => {
      const from = before ?? Number.MAX_SAFE_INTEGER;
      const rows =
        scope === undefined
          ? await tx.run(listAllChanges, tenant, from)
          : await tx.run(listScopeChanges, tenant, from, scope.kind, scope.name);
      return rows.slice(0, limit).map(changeView);
    });

const changeView = (row: FlowChangeRow): FlowChangeView => ({
  id: row.id,
  at: row.at,
  scope: { kind: row.scope_kind, name: row.scope_name },
  kind: row.kind,
  actor: row.actor,
  reason: row.reason,
  ticket: row.ticket,
  content: contentOf(row),
});

/** What stands under a kind is what recordChange was given for it. */
function contentOf(row: FlowChangeRow): ChangedContent {
  if (row.kind === "source_created" || row.kind === "source_updated") {
    const before = (row.before ?? undefined) as SourceProperties | undefined;
    return { of: "source", before, after: row.after as SourceProperties };
  }
  const before = (row.before ?? undefined) as FlowSettings | undefined;
  return { of: "settings", before, after: row.after as FlowSettings };
}
