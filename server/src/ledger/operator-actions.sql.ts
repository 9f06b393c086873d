import { sql } from "./sql.ts";

/** Adds to the history of operators. */
export const insertAction = sql<
  readonly [
    tenant: string,
    kind: string,
    targetKind: string,
    targetName: string,
    actor: string,
    reason: string,
    ticket: string,
    detail: string,
  ],
  never
>(
  "insert_action",
  `
insert into operator_action (tenant, kind, target_kind, target_name, actor, reason, ticket, detail)
values ($1, $2, $3, $4, $5, $6, $7, $8)`,
);
