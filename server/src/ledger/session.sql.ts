import { sql } from "./sql.ts";

/** The session that a new one takes the place of. */
export interface PreviousSession {
  readonly session_id: string | null;
  readonly instance_id: string | null;
}

/** Makes a session the newest one of its worker and says which one was before. */
export const openSession = sql<
  readonly [
    tenant: string,
    workerId: string,
    sessionId: string,
    instanceId: string,
    serverId: string,
    sdk: string,
  ],
  PreviousSession
>(
  "open_session",
  `
with previous as materialized (
  select session_id, instance_id from session where tenant = $1 and worker_id = $2 for update
),
opened as (
  insert into session (tenant, worker_id, session_id, instance_id, server_id, sdk)
  values ($1, $2, $3, $4, $5, $6)
  on conflict (tenant, worker_id) do update set session_id = excluded.session_id,
    instance_id = excluded.instance_id, server_id = excluded.server_id, sdk = excluded.sdk,
    connected_at = now(), closed_at = null
  returning 1
)
select p.session_id, p.instance_id from opened left join previous p on true`,
);

/** Notes that a session ended, unless a newer one took its place. */
export const closeSession = sql<
  readonly [tenant: string, workerId: string, sessionId: string],
  never
>(
  "close_session",
  "update session set closed_at = now() where tenant = $1 and worker_id = $2 and session_id = $3",
);
