import { type PageScope, readPageToken, writePageToken } from "../../domain/page-token.ts";
import { cutPage, pageSizeOf } from "../flow/page.ts";
import type { Backfill, BackfillWindow, BackfillWindowState } from "./backfill.ts";

/** A page of backfills, newest first. */
export type ListBackfillsResult =
  | {
      readonly kind: "page";
      readonly backfills: readonly Backfill[];
      /** Empty on the last page. */
      readonly nextPageToken: string;
    }
  | { readonly kind: "page_token_invalid" };

/** What {@link listBackfills} needs. */
export interface ListBackfillsPorts {
  /** Up to `limit` (1,001 at most) backfills before the one of an id, newest first. */
  readonly list: (
    tenant: string,
    source: string,
    after: string,
    limit: number,
  ) => Promise<Backfill[]>;
}

/** Lists backfills, newest first, a page at a time; a page can be short and not the last. */
export const listBackfills =
  (ports: ListBackfillsPorts) =>
  async (
    tenant: string,
    source: string,
    pageSize: number,
    pageToken: string,
  ): Promise<ListBackfillsResult> => {
    const page: PageScope = { tenant, list: "backfills", query: source };
    const after = pageToken === "" ? "" : readPageToken(page, pageToken);
    if (after === undefined) return { kind: "page_token_invalid" };
    const size = pageSizeOf(pageSize);
    const found = await ports.list(tenant, source, after, size + 1);
    const { items, continueAfter } = cutPage(found, size);
    const nextPageToken = continueAfter === undefined ? "" : writePageToken(page, continueAfter.id);
    return { kind: "page", backfills: items, nextPageToken };
  };

/** A page of the windows of a backfill, oldest first. */
export type ListBackfillWindowsResult =
  | {
      readonly kind: "page";
      readonly scope: string;
      readonly windows: readonly BackfillWindow[];
      /** Empty on the last page. */
      readonly nextPageToken: string;
    }
  | { readonly kind: "page_token_invalid" | "not_found" };

/** What {@link listBackfillWindows} needs. */
export interface ListBackfillWindowsPorts {
  readonly read: (tenant: string, id: string) => Promise<Backfill | undefined>;
  /** Up to `limit` (1,001 at most) windows after one that began at a moment. */
  readonly list: (
    tenant: string,
    id: string,
    state: BackfillWindowState | undefined,
    after: Date | undefined,
    limit: number,
  ) => Promise<BackfillWindow[]>;
}

/** Lists the windows for which a backfill made or found a job, a page at a time. */
export const listBackfillWindows =
  (ports: ListBackfillWindowsPorts) =>
  async (
    tenant: string,
    id: string,
    state: BackfillWindowState | undefined,
    pageSize: number,
    pageToken: string,
  ): Promise<ListBackfillWindowsResult> => {
    const page: PageScope = { tenant, list: "backfill_windows", query: [id, state ?? null] };
    const position = pageToken === "" ? "" : readPageToken(page, pageToken);
    if (position === undefined) return { kind: "page_token_invalid" };
    const backfill = await ports.read(tenant, id);
    if (backfill === undefined) return { kind: "not_found" };
    const size = pageSizeOf(pageSize);
    const after = position === "" ? undefined : new Date(position);
    const found = await ports.list(tenant, id, state, after, size + 1);
    const { items, continueAfter } = cutPage(found, size);
    const next = continueAfter?.start.toISOString();
    const nextPageToken = next === undefined ? "" : writePageToken(page, next);
    return { kind: "page", scope: backfill.spec.scope, windows: items, nextPageToken };
  };
