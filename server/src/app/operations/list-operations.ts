import type { OperationOutcome } from "../../domain/operation.ts";
import { type PageScope, readPageToken, writePageToken } from "../../domain/page-token.ts";
import { cutPage, pageSizeOf } from "../flow/page.ts";
import type { OperationResultView, OperationView } from "./operation-view.ts";

/** The place of an operation among others, which stand in the order in which they began. */
export interface OperationPosition {
  /** Microseconds since 1970. */
  readonly createdUs: number;
  readonly id: string;
}

/** A page; its token is empty on the last. */
export type PageOf<Item> =
  | {
      readonly kind: "page";
      readonly items: readonly Item[];
      readonly nextPageToken: string;
    }
  | { readonly kind: "page_token_invalid" };

/** What {@link listOperations} needs. */
export interface ListOperationsPorts {
  /** Up to `limit` (1,001 at most) operations behind one, newest first. */
  readonly list: (
    tenant: string,
    runningOnly: boolean,
    before: OperationPosition | undefined,
    limit: number,
  ) => Promise<OperationView[]>;
}

/** Lists operations, newest first, a page at a time. */
export const listOperations =
  (ports: ListOperationsPorts) =>
  async (
    tenant: string,
    runningOnly: boolean,
    pageSize: number,
    pageToken: string,
  ): Promise<PageOf<OperationView>> => {
    const scope: PageScope = { tenant, list: "operations", query: { runningOnly } };
    const position = pageToken === "" ? undefined : readPageToken(scope, pageToken);
    if (pageToken !== "" && position === undefined) return { kind: "page_token_invalid" };
    const size = pageSizeOf(pageSize);
    const [createdUs = "", id = ""] = position?.split(" ") ?? [];
    const before = position === undefined ? undefined : { createdUs: Number(createdUs), id };
    const found = await ports.list(tenant, runningOnly, before, size + 1);
    const { items, continueAfter } = cutPage(found, size);
    const nextPageToken =
      continueAfter === undefined
        ? ""
        : writePageToken(scope, `${continueAfter.createdUs} ${continueAfter.id}`);
    return { kind: "page", items, nextPageToken };
  };

/** What {@link listOperationResults} needs. */
export interface ListResultsPorts {
  /** Up to `limit` (1,001 at most) results after a job's; undefined: no such operation. */
  readonly list: (
    tenant: string,
    operationId: string,
    outcome: OperationOutcome | undefined,
    afterJobId: string | undefined,
    limit: number,
  ) => Promise<OperationResultView[] | undefined>;
}

/** Lists what became of the jobs of an operation, in the order of their ids, a page at a time. */
export const listOperationResults =
  (ports: ListResultsPorts) =>
  async (
    tenant: string,
    operationId: string,
    outcome: OperationOutcome | undefined,
    pageSize: number,
    pageToken: string,
  ): Promise<PageOf<OperationResultView> | { readonly kind: "not_found" }> => {
    const query = { operationId, outcome: outcome ?? null };
    const scope: PageScope = { tenant, list: "operation_results", query };
    const after = pageToken === "" ? undefined : readPageToken(scope, pageToken);
    if (pageToken !== "" && after === undefined) return { kind: "page_token_invalid" };
    const size = pageSizeOf(pageSize);
    const found = await ports.list(tenant, operationId, outcome, after, size + 1);
    if (found === undefined) return { kind: "not_found" };
    const { items, continueAfter } = cutPage(found, size);
    const nextPageToken =
      continueAfter === undefined ? "" : writePageToken(scope, continueAfter.jobId);
    return { kind: "page", items, nextPageToken };
  };
