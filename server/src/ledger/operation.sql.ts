import { sql } from "./sql.ts";

/** Notes an operation; no row if the id is taken. */
export const insertOperation = sql<
  readonly [
    tenant: string,
    id: string,
    kind: string,
    request: string,
    requestDigest: Buffer,
    actor: string,
    reason: string,
    ticket: string,
    runId: string | null,
    matching: number,
  ],
  { readonly id: string }
>(
  "insert_operation",
  `
insert into operation (tenant, id, kind, state, request, request_digest, actor, reason, ticket,
  run_id, matching)
values ($1, $2, $3, 'running', $4, $5, $6, $7, $8, $9, $10)
on conflict (tenant, id) do nothing returning id`,
);

/** What an operation was asked for. */
export const operationDigest = sql<
  readonly [tenant: string, id: string],
  { readonly request_digest: Buffer }
>("operation_digest", "select request_digest from operation where tenant = $1 and id = $2");
