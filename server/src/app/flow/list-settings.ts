import type { FlowScope, FlowScopeKind } from "../../domain/flow/settings.ts";
import { type PageScope, readPageToken, writePageToken } from "../../domain/page-token.ts";
import { cutPage, pageSizeOf } from "./page.ts";
import type { StoredSettings } from "./settings.ts";

/** A page of settings, by kind and name. */
export type ListSettingsResult =
  | {
      readonly kind: "page";
      readonly settings: readonly StoredSettings[];
      /** Empty on the last page. */
      readonly nextPageToken: string;
    }
  | { readonly kind: "page_token_invalid" };

/** What {@link listSettings} needs. */
export interface ListSettingsPorts {
  /** Up to `limit` (1,001 at most) scopes with settings after one, by kind and name. */
  readonly list: (
    tenant: string,
    kind: FlowScopeKind | undefined,
    after: FlowScope | undefined,
    limit: number,
  ) => Promise<StoredSettings[]>;
}

/** Lists the scopes that have settings, a page at a time; a page can be short and not the last. */
export const listSettings =
  (ports: ListSettingsPorts) =>
  async (
    tenant: string,
    kind: FlowScopeKind | undefined,
    pageSize: number,
    pageToken: string,
  ): Promise<ListSettingsResult> => {
    const page: PageScope = { tenant, list: "flow_settings", query: kind ?? null };
    const position = pageToken === "" ? "" : readPageToken(page, pageToken);
    if (position === undefined) return { kind: "page_token_invalid" };
    const size = pageSizeOf(pageSize);
    const after = position === "" ? undefined : (JSON.parse(position) as FlowScope);
    const found = await ports.list(tenant, kind, after, size + 1);
    const { items, continueAfter } = cutPage(found, size);
    const nextPageToken =
      continueAfter === undefined ? "" : writePageToken(page, JSON.stringify(continueAfter.scope));
    return { kind: "page", settings: items, nextPageToken };
  };
