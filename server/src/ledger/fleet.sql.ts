import { sql } from "./sql.ts";
import { IS_CONNECTED } from "./take-out.sql.ts";

/** A task runner that has a session, or had one within a day. */
export interface RunnerRow {
  readonly worker_id: string;
  readonly host: string;
  readonly labels: Record<string, string>;
  readonly sdk: string;
  readonly server_id: string;
  readonly connected_at: Date;
  /** When its session ended; null while it is connected. */
  readonly gone_at: Date | null;
}

/** Whom to list: null and empty mean all. */
type SelectorParams = readonly [
  tenant: string,
  workerIds: string[] | null,
  host: string,
  labels: string,
];

// A session whose replica went away ended when that was last seen.
const GONE_AT = `case when ${IS_CONNECTED} then null
  else coalesce(s.closed_at, r.last_seen, s.connected_at) end`;

const SELECTED = `s.tenant = $1 and ($2::text[] is null or s.worker_id = any ($2))
  and ($3 = '' or s.host = $3) and s.labels @> $4::jsonb`;

/** Up to 1,001 task runners after one, by their ids. */
export const listRunners = sql<readonly [...selector: SelectorParams, after: string], RunnerRow>(
  "list_task_runners",
  `
select s.worker_id, s.host, s.labels, s.sdk, s.server_id, s.connected_at, gone.at as gone_at
from session s left join replica r on r.server_id = s.server_id
cross join lateral (select ${GONE_AT} as at) gone
where ${SELECTED} and s.worker_id > $5
  and (gone.at is null or gone.at > now() - interval '1 day')
order by s.worker_id limit 1001`,
);

/** Up to 1,000 ids of task runners that are connected and that a selector names. */
export const selectedRunners = sql<SelectorParams, { readonly worker_id: string }>(
  "selected_task_runners",
  `
select s.worker_id from session s left join replica r on r.server_id = s.server_id
where ${SELECTED} and ${IS_CONNECTED} order by s.worker_id limit 1000`,
);

/** How many jobs task runners hold; who holds none is left out. */
export const countHeld = sql<
  readonly [tenant: string, workerIds: string[]],
  { readonly worker_id: string; readonly leases: number }
>(
  "count_held_leases",
  `
select worker_id, count(*)::integer as leases from lease
where tenant = $1 and worker_id = any ($2) group by worker_id`,
);
