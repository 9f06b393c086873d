import type { Pool } from "pg";
import type { TaskRunnerView } from "../app/fleet/list-task-runners.ts";
import { type RunnerSelector, selects } from "../domain/fleet.ts";
import { countHeld, listRunners, selectedRunners } from "./fleet.sql.ts";
import { listTakeOuts } from "./take-out.sql.ts";
import { selectorOf, selectorParams } from "./take-out.ts";
import { inTransaction } from "./transaction.ts";

const EVERYBODY: RunnerSelector = { workerIds: [], host: "", labels: {} };

/** Lists up to `limit` (1,001 at most) task runners with an id after `after`, in order. */
export const listTaskRunnersIn =
  (pool: Pool) =>
  (
    tenant: string,
    selector: RunnerSelector | undefined,
    after: string,
    limit: number,
  ): Promise<TaskRunnerView[]> =>
    inTransaction(pool, [tenant], async (tx) => {
      const found = await tx.run(
        listRunners,
        tenant,
        ...selectorParams(selector ?? EVERYBODY),
        after,
      );
      const rows = found.slice(0, limit);
      if (rows.length === 0) return [];
      const ids = rows.map((row) => row.worker_id);
      const held = await tx.run(countHeld, tenant, ids);
      const leases = new Map(held.map((row) => [row.worker_id, row.leases]));
      const takeOuts = await tx.run(listTakeOuts, tenant);
      return rows.map((row) => {
        const runner = { workerId: row.worker_id, host: row.host, labels: row.labels };
        return {
          ...runner,
          sdk: row.sdk,
          serverId: row.gone_at === null ? row.server_id : undefined,
          connectedAt: row.connected_at,
          closedAt: row.gone_at ?? undefined,
          leases: leases.get(row.worker_id) ?? 0,
          takeOutIds: takeOuts
            .filter((one) => selects(selectorOf(one.selector), runner))
            .map(({ id }) => id),
        };
      });
    });

/** The ids of connected task runners that a selector names, up to 1,000. */
export const selectedRunnersIn =
  (pool: Pool) =>
  (tenant: string, selector: RunnerSelector): Promise<string[]> =>
    inTransaction(pool, [tenant], async (tx) => {
      const rows = await tx.run(selectedRunners, tenant, ...selectorParams(selector));
      return rows.map((row) => row.worker_id);
    });
