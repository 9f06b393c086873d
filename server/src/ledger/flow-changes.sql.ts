import type { FlowChangeKind } from "../app/flow/change.ts";
import type { FlowScopeKind } from "../domain/flow/settings.ts";
import { sql } from "./sql.ts";

/** A step of the history of settings and sources. */
export interface FlowChangeRow {
  readonly id: number;
  readonly at: Date;
  readonly kind: FlowChangeKind;
  readonly scope_kind: FlowScopeKind;
  readonly scope_name: string;
  readonly actor: string;
  readonly reason: string;
  readonly ticket: string;
  /** Settings or a source, as `kind` says; null for the first. */
  readonly before: unknown;
  readonly after: unknown;
}

/** Adds to the history. */
export const insertChange = sql<
  readonly [
    tenant: string,
    kind: FlowChangeKind,
    scopeKind: FlowScopeKind,
    scopeName: string,
    actor: string,
    reason: string,
    ticket: string,
    before: string | null,
    after: string,
  ],
  never
>(
  "flow_insert_change",
  `
insert into flow_change (tenant, kind, scope_kind, scope_name, actor, reason, ticket, before, after)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
);

const COLUMNS = "id, at, kind, scope_kind, scope_name, actor, reason, ticket, before, after";

/** Up to 1,001 changes before one, newest first. */
export const listAllChanges = sql<readonly [tenant: string, before: number], FlowChangeRow>(
  "flow_list_changes",
  `
select ${COLUMNS} from flow_change where tenant = $1 and id < $2 order by id desc limit 1001`,
);

/** The same, of one scope. */
export const listScopeChanges = sql<
  readonly [tenant: string, before: number, scopeKind: FlowScopeKind, scopeName: string],
  FlowChangeRow
>(
  "flow_list_scope_changes",
  `
select ${COLUMNS} from flow_change
where tenant = $1 and scope_kind = $3 and scope_name = $4 and id < $2
order by id desc limit 1001`,
);
