import type { Pool } from "pg";
import type { SessionRow } from "../app/bridge/sessions.ts";
import { closeSession, openSession } from "./session.sql.ts";
import { inTransaction } from "./transaction.ts";

/** Makes a session the newest one of its worker; answers the id of the one before, if any. */
export const openSessionIn =
  (pool: Pool, serverId: string) =>
  (row: SessionRow): Promise<string | undefined> =>
    inTransaction(pool, [row.tenant], async (tx) => {
      const { tenant, workerId, sessionId, instanceId, sdk } = row;
      const previous = await tx.run(
        openSession,
        tenant,
        workerId,
        sessionId,
        instanceId,
        serverId,
        sdk,
        row.host,
        JSON.stringify(row.labels),
      );
      return previous[0]?.previous_id ?? undefined;
    });

/** Notes that a session ended. */
export const closeSessionIn =
  (pool: Pool) =>
  (row: Pick<SessionRow, "tenant" | "workerId" | "sessionId">): Promise<void> =>
    inTransaction(pool, [row.tenant], async (tx) => {
      await tx.run(closeSession, row.tenant, row.workerId, row.sessionId);
    });
