import { sql } from "./sql.ts";

/** Makes a session the newest one of its worker and says which one was before, if any. */
export const openSession = sql<
  readonly [
    tenant: string,
    workerId: string,
    sessionId: string,
    instanceId: string,
    serverId: string,
    sdk: string,
    host: string,
    labels: string,
  ],
  { readonly previous_id: string | null }
>(
  "open_session",
  `
insert into session as s (tenant, worker_id, session_id, instance_id, server_id, sdk, host, labels)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (tenant, worker_id) do update set previous_id = s.session_id,
  session_id = excluded.session_id, instance_id = excluded.instance_id,
  server_id = excluded.server_id, sdk = excluded.sdk, host = excluded.host,
  labels = excluded.labels, connected_at = now(), closed_at = null
returning previous_id`,
);

/** Notes that a session ended, unless a newer one took its place. */
export const closeSession = sql<
  readonly [tenant: string, workerId: string, sessionId: string],
  never
>(
  "close_session",
  "update session set closed_at = now() where tenant = $1 and worker_id = $2 and session_id = $3",
);
