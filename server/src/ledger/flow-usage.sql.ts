import { sql } from "./sql.ts";

/** How much of today's payload bytes a tenant has used, and when a new day begins. */
export interface PayloadUse {
  readonly tenant: string;
  readonly used: number;
  readonly resets_in_ms: number;
}

/**
 * Adds to the payload bytes of today, by UTC, of tenants that are all different and sorted, and
 * answers the sums. Their rows stay locked until the end of the transaction, which makes the sums
 * exact.
 */
export const addPayloadBytes = sql<readonly [tenants: string[], bytes: number[]], PayloadUse>(
  "flow_add_payload_bytes",
  `
insert into flow_usage as u (tenant, quota, window_start, used)
select tenant, 'payloadBytesPerDay', date_trunc('day', now(), 'UTC'), bytes
from unnest($1::text[], $2::bigint[]) as i (tenant, bytes)
on conflict (tenant, quota, window_start) do update set used = u.used + excluded.used
returning tenant, used,
  (extract(epoch from window_start + interval '24 hours' - now()) * 1000)::bigint as resets_in_ms`,
);

/** How many ready jobs a queue has, counted up to a number. */
export const countReady = sql<
  readonly [tenant: string, queue: string, atMost: number],
  { readonly count: number }
>(
  "flow_count_ready",
  `
select count(*)::bigint as count from (
  select from ready where tenant = $1 and queue = $2 limit $3::bigint
) head`,
);

/** How many bytes of artifacts a tenant has. */
export const sumArtifactBytes = sql<readonly [tenant: string], { readonly bytes: number }>(
  "flow_sum_artifact_bytes",
  "select coalesce(sum(size_bytes), 0)::bigint as bytes from artifact where tenant = $1",
);

/** Who holds idempotency keys that are not over their time; see keyHolders. */
export const liveKeyHolders = sql<
  readonly [tenants: string[], keys: string[]],
  {
    readonly tenant: string;
    readonly key: string;
    readonly job_id: string;
    readonly content_digest: Buffer;
  }
>(
  "flow_live_key_holders",
  `
select k.tenant, k.key, k.job_id, k.content_digest
from unnest($1::text[], $2::text[]) as i (tenant, key) join idempotency_key k using (tenant, key)
where k.expires_at > now()`,
);

/** Runs as orch_loops: forgets windows that no quota looks at any more, 1,000 at most. */
export const forgetUsage = sql<readonly [], { readonly tenant: string }>(
  "loops_forget_usage",
  `
delete from flow_usage where ctid = any (array(
  select ctid from flow_usage where window_start < now() - interval '2 days' limit 1000))
returning tenant`,
);
