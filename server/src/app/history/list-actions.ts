import { type PageScope, readPageToken, writePageToken } from "../../domain/page-token.ts";
import type { FlowAudit } from "../flow/change.ts";
import { cutPage, pageSizeOf } from "../flow/page.ts";

/** Something that an operator did. */
export interface ActionView extends FlowAudit {
  /** Grows along the history; not dense. */
  readonly id: number;
  readonly at: Date;
  /** Such as "operation_started". */
  readonly kind: string;
  readonly targetKind: string;
  readonly targetName: string;
  /** What was asked for. */
  readonly detail: object;
}

/** What actions are about; a name needs a kind. Undefined: anything. */
export interface ActionTarget {
  readonly kind: string | undefined;
  readonly name: string | undefined;
}

/** A page of the history, newest first. */
export type ListActionsResult =
  | {
      readonly kind: "page";
      readonly actions: readonly ActionView[];
      /** Empty on the last page. */
      readonly nextPageToken: string;
    }
  | { readonly kind: "page_token_invalid" };

/** What {@link listActions} needs. */
export interface ListActionsPorts {
  /** Up to `limit` (1,001 at most) actions older than the one with the id `before`. */
  readonly list: (
    tenant: string,
    target: ActionTarget,
    before: number | undefined,
    limit: number,
  ) => Promise<ActionView[]>;
}

/** Lists what operators did, newest first, a page at a time. */
export const listActions =
  (ports: ListActionsPorts) =>
  async (
    tenant: string,
    target: ActionTarget,
    pageSize: number,
    pageToken: string,
  ): Promise<ListActionsResult> => {
    const query = { kind: target.kind ?? null, name: target.name ?? null };
    const scope: PageScope = { tenant, list: "actions", query };
    const before = pageToken === "" ? undefined : readPageToken(scope, pageToken);
    if (pageToken !== "" && before === undefined) return { kind: "page_token_invalid" };
    const size = pageSizeOf(pageSize);
    const from = before === undefined ? undefined : Number(before);
    const found = await ports.list(tenant, target, from, size + 1);
    const { items, continueAfter } = cutPage(found, size);
    const nextPageToken =
      continueAfter === undefined ? "" : writePageToken(scope, String(continueAfter.id));
    return { kind: "page", actions: items, nextPageToken };
  };
