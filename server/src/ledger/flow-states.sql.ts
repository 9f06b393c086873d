import { sql } from "./sql.ts";

/** A state as it is stored; null: its place is taken, and nothing is there. */
export interface StateRow {
  readonly key: string;
  readonly state: unknown;
  readonly now_ms: number;
}

/** Takes the places of states that nobody has stored yet, so that they can be locked. */
export const placeStates = sql<readonly [tenant: string, keys: string[]], never>(
  "place_flow_states",
  `
insert into flow_state (tenant, key, state)
select $1, key, 'null' from unnest($2::text[]) as i (key) order by key
on conflict (tenant, key) do nothing`,
);

/** Locks states, in one order for everybody, and reads the clock after the wait. */
export const lockStates = sql<readonly [tenant: string, keys: string[]], StateRow>(
  "lock_flow_states",
  `
select key, state, extract(epoch from clock_timestamp())::double precision * 1000 as now_ms
from flow_state where tenant = $1 and key = any ($2::text[]) order by key for update`,
);

/** Stores states whose places this transaction holds locked. */
export const storeStates = sql<readonly [tenant: string, keys: string[], states: string[]], never>(
  "store_flow_states",
  `
update flow_state f set state = i.state::jsonb
from unnest($2::text[], $3::text[]) as i (key, state) where f.tenant = $1 and f.key = i.key`,
);

/** Gives up the places of states that are nothing any more. */
export const dropStates = sql<readonly [tenant: string, keys: string[]], never>(
  "drop_flow_states",
  "delete from flow_state where tenant = $1 and key = any ($2::text[])",
);

/** All states of the visible tenants. */
export const readStates = sql<
  readonly [tenants: string[]],
  { readonly tenant: string; readonly key: string; readonly state: unknown }
>(
  "read_flow_states",
  "select tenant, key, state from flow_state where tenant = any ($1::text[]) and state <> 'null'",
);
