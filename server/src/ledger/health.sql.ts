import { sql } from "./sql.ts";

/** Runs as orch_loops: whether the ledger answers. */
export const ping = sql<readonly [], { readonly here: number }>("loops_ping", "select 1 as here");

/** How many jobs of these tenants are ready, counted up to a number. */
export const sampleReady = sql<
  readonly [tenants: string[], atMost: number],
  { readonly count: number }
>(
  "health_sample_ready",
  `
select count(*)::bigint as count from (
  select from unnest($1::text[]) t (tenant) join ready using (tenant) limit $2::bigint
) head`,
);
