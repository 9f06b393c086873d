import type { Runner, RunnerSelector } from "../../domain/fleet.ts";
import { type PageRequest, readPage } from "../page.ts";

/** A task runner as operators see it. */
export interface TaskRunnerView extends Runner {
  readonly sdk: string;
  /** The replica that holds its session; undefined if it has none. */
  readonly serverId: string | undefined;
  readonly connectedAt: Date;
  /** When its newest session ended; undefined while it is connected. */
  readonly closedAt: Date | undefined;
  readonly leases: number;
  /** Of the take-outs that are in force for it. */
  readonly takeOutIds: readonly string[];
}

/** What {@link listTaskRunners} needs. */
export interface ListTaskRunnersPorts {
  /** Up to `limit` (1,001 at most) task runners with an id after `after`, in order. */
  readonly list: (
    tenant: string,
    selector: RunnerSelector | undefined,
    after: string,
    limit: number,
  ) => Promise<readonly TaskRunnerView[]>;
}

/** Lists task runners by their ids. */
export const listTaskRunners =
  (ports: ListTaskRunnersPorts) =>
  (tenant: string, selector: RunnerSelector | undefined, asked: PageRequest) =>
    readPage(asked, {
      scope: { tenant, list: "task_runners", query: selector ?? null },
      read: (after, limit) => ports.list(tenant, selector, after, limit),
      positionOf: ({ workerId }) => workerId,
    });
