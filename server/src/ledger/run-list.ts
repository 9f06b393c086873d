import type { Pool } from "pg";
import type { RunFilter } from "../app/runs/list-runs.ts";
import type { RunHead } from "../domain/run-view.ts";
import { listRunsBy } from "./run-list.sql.ts";
import { runHead } from "./run-read.ts";
import { inTransaction } from "./transaction.ts";

const NEWEST = "ffffffff-ffff-ffff-ffff-ffffffffffff";

/** Up to `limit` (1,001 at most) runs that match, newest first, with ids below `before`. */
export const listRunsIn =
  (pool: Pool) =>
  (
    tenant: string,
    { project, pipeline, replayOf }: RunFilter,
    before: string | undefined,
    limit: number,
  ): Promise<RunHead[]> =>
    inTransaction(pool, [tenant], async (tx) => {
      const by =
        replayOf !== undefined
          ? "replay"
          : pipeline !== undefined
            ? "pipeline"
            : project !== undefined
              ? "project"
              : "all";
      const statement = listRunsBy.get(by);
      if (statement === undefined) throw new Error(`no list of runs by ${by}`);
      const narrow = [project ?? null, pipeline ?? null, replayOf ?? null] as const;
      const rows = await tx.run(statement, tenant, before ?? NEWEST, ...narrow);
      return rows.slice(0, limit).map((row) => runHead(tenant, row));
    });
