import type { FlowScope, FlowSettings } from "../../domain/flow/settings.ts";
import type { SourceProperties } from "../../domain/flow/source.ts";
import { type PageScope, readPageToken, writePageToken } from "../../domain/page-token.ts";
import type { FlowAudit, FlowChangeKind } from "./change.ts";
import { cutPage, pageSizeOf } from "./page.ts";

/** What was said before a change and after it; before the first nothing was. */
export type ChangedContent =
  | {
      readonly of: "settings";
      readonly before: FlowSettings | undefined;
      readonly after: FlowSettings;
    }
  | {
      readonly of: "source";
      readonly before: SourceProperties | undefined;
      readonly after: SourceProperties;
    };

/** A change of settings or of a source. */
export interface FlowChangeView extends FlowAudit {
  /** Grows along the history; not dense. */
  readonly id: number;
  readonly at: Date;
  readonly scope: FlowScope;
  readonly kind: FlowChangeKind;
  readonly content: ChangedContent;
}

/** A page of the history, newest first. */
export type ListChangesResult =
  | {
      readonly kind: "page";
      readonly changes: readonly FlowChangeView[];
      /** Empty on the last page. */
      readonly nextPageToken: string;
    }
  | { readonly kind: "page_token_invalid" };

/** What {@link listChanges} needs. */
export interface ListChangesPorts {
  /** Up to `limit` (1,001 at most) changes older than the one with the id `before`. */
  readonly list: (
    tenant: string,
    scope: FlowScope | undefined,
    before: number | undefined,
    limit: number,
  ) => Promise<FlowChangeView[]>;
}

/** Lists what was changed about settings and sources, newest first, a page at a time. */
export const listChanges =
  (ports: ListChangesPorts) =>
  async (
    tenant: string,
    scope: FlowScope | undefined,
    pageSize: number,
    pageToken: string,
  ): Promise<ListChangesResult> => {
    const page: PageScope = { tenant, list: "flow_changes", query: scope ?? null };
    const before = pageToken === "" ? undefined : readPageToken(page, pageToken);
    if (pageToken !== "" && before === undefined) return { kind: "page_token_invalid" };
    const size = pageSizeOf(pageSize);
    const from = before === undefined ? undefined : Number(before);
    const found = await ports.list(tenant, scope, from, size + 1);
    const { items, continueAfter } = cutPage(found, size);
    const nextPageToken =
      continueAfter === undefined ? "" : writePageToken(page, String(continueAfter.id));
    return { kind: "page", changes: items, nextPageToken };
  };
