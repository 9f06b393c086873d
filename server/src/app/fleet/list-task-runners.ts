import type { Runner, RunnerSelector } from "../../domain/fleet.ts";
import { readPageToken, writePageToken } from "../../domain/page-token.ts";
import { cutPage, pageSizeOf } from "../flow/page.ts";

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

/** A page of task runners, or that its token is not one of this list. */
export type TaskRunnerPage =
  | {
      readonly kind: "page";
      readonly taskRunners: readonly TaskRunnerView[];
      readonly nextPageToken: string;
    }
  | { readonly kind: "invalid_token" };

/** Lists task runners by their ids. */
export const listTaskRunners =
  ({ list }: ListTaskRunnersPorts) =>
  async (
    tenant: string,
    selector: RunnerSelector | undefined,
    pageSize: number,
    pageToken: string,
  ): Promise<TaskRunnerPage> => {
    const scope = { tenant, list: "task_runners", query: selector ?? null };
    const after = pageToken === "" ? "" : readPageToken(scope, pageToken);
    if (after === undefined) return { kind: "invalid_token" };
    const size = pageSizeOf(pageSize);
    const { items, continueAfter } = cutPage(await list(tenant, selector, after, size + 1), size);
    const nextPageToken = continueAfter ? writePageToken(scope, continueAfter.workerId) : "";
    return { kind: "page", taskRunners: items, nextPageToken };
  };
