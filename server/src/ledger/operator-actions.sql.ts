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

/** Something that an operator did. */
export interface ActionRow {
  readonly id: number;
  readonly at: Date;
  readonly kind: string;
  readonly target_kind: string;
  readonly target_name: string;
  readonly actor: string;
  readonly reason: string;
  readonly ticket: string;
  readonly detail: object;
}

const COLUMNS = "id, at, kind, target_kind, target_name, actor, reason, ticket, detail";

/** Up to 1,001 actions before one, newest first: of one kind of thing unless $3 is null. */
export const listActions = sql<
  readonly [tenant: string, before: number, targetKind: string | null],
  ActionRow
>(
  "list_actions",
  `
select ${COLUMNS} from operator_action
where tenant = $1 and id < $2 and ($3::text is null or target_kind = $3)
order by id desc limit 1001`,
);

/** The same, of one thing. */
export const listActionsOn = sql<
  readonly [tenant: string, before: number, targetKind: string, targetName: string],
  ActionRow
>(
  "list_actions_on",
  `
select ${COLUMNS} from operator_action
where tenant = $1 and target_kind = $3 and target_name = $4 and id < $2
order by id desc limit 1001`,
);
