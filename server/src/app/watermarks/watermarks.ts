import { type PageScope, readPageToken, writePageToken } from "../../domain/page-token.ts";
import { cutPage, pageSizeOf } from "../flow/page.ts";

/** How the event time of a source and scope is cut into windows. */
export interface WindowSeries {
  readonly source: string;
  readonly scope: string;
  readonly widthMs: number;
  readonly latenessMs: number;
  /** The start of a window. */
  readonly origin: Date;
}

/** How complete a series is. */
export interface Watermark {
  readonly series: WindowSeries;
  /** Up to here everything is covered. */
  readonly watermark: Date;
  /** Where the last window ends that is due; the origin before that. */
  readonly due: Date;
  readonly missingWindows: number;
  readonly gaps: number;
  /** The end of what is covered; undefined: nothing is. */
  readonly coveredUntil: Date | undefined;
}

/** A run of windows that are due and not covered. */
export interface Gap {
  readonly start: Date;
  readonly end: Date;
  readonly windows: number;
  /** How many of them unfinished jobs are to cover. */
  readonly inProgress: number;
}

/** How far series are behind, over all tenants. */
export interface WatermarkLag {
  /** Of the one that is furthest behind. */
  readonly maxMs: number;
  /** How many lag at all. */
  readonly behind: number;
}

/** Who declares a series, and why. */
export interface SeriesAudit {
  readonly actor: string;
  readonly reason: string;
  readonly ticket: string;
}

/** What became of a declaration; in_use: width and origin cannot change any more. */
export type SeriesPut =
  | { readonly kind: "put"; readonly watermark: Watermark }
  | { readonly kind: "in_use" };

/** A page of watermarks, by source and scope. */
export type ListWatermarksResult =
  | {
      readonly kind: "page";
      readonly watermarks: readonly Watermark[];
      /** Empty on the last page. */
      readonly nextPageToken: string;
    }
  | { readonly kind: "page_token_invalid" };

/** What {@link listWatermarks} needs. */
export interface ListWatermarksPorts {
  /** Up to `limit` (1,001 at most) watermarks after a series; of one source if it is not empty. */
  readonly list: (
    tenant: string,
    source: string,
    after: readonly [source: string, scope: string],
    limit: number,
  ) => Promise<Watermark[]>;
}

/** Lists watermarks by source and scope, a page at a time. */
export const listWatermarks =
  (ports: ListWatermarksPorts) =>
  async (
    tenant: string,
    source: string,
    pageSize: number,
    pageToken: string,
  ): Promise<ListWatermarksResult> => {
    const page: PageScope = { tenant, list: "watermarks", query: source };
    const position = pageToken === "" ? '["",""]' : readPageToken(page, pageToken);
    if (position === undefined) return { kind: "page_token_invalid" };
    const size = pageSizeOf(pageSize);
    const after = JSON.parse(position) as [string, string];
    const { items, continueAfter } = cutPage(
      await ports.list(tenant, source, after, size + 1),
      size,
    );
    const last = continueAfter && [continueAfter.series.source, continueAfter.series.scope];
    const nextPageToken = last === undefined ? "" : writePageToken(page, JSON.stringify(last));
    return { kind: "page", watermarks: items, nextPageToken };
  };

/** What to look for gaps in; without an end: what is due. */
export interface GapQuery {
  readonly source: string;
  readonly scope: string;
  readonly from: Date | undefined;
  readonly until: Date | undefined;
}

/** Gaps of a series, and where to go on; undefined: nowhere. */
export interface FoundGaps {
  readonly gaps: readonly Gap[];
  readonly nextFrom: Date | undefined;
}

/** A page of gaps, oldest first. */
export type ListGapsResult =
  | {
      readonly kind: "page";
      readonly gaps: readonly Gap[];
      /** Empty on the last page. */
      readonly nextPageToken: string;
    }
  | { readonly kind: "page_token_invalid" | "series_not_found" };

/** What {@link listGaps} needs. */
export interface ListGapsPorts {
  /** Up to `limit` gaps from a moment on; undefined: there is no such series. */
  readonly find: (
    tenant: string,
    query: GapQuery,
    after: Date | undefined,
    limit: number,
  ) => Promise<FoundGaps | undefined>;
}

/** Lists what is due and not covered, a page at a time. */
export const listGaps =
  (ports: ListGapsPorts) =>
  async (
    tenant: string,
    query: GapQuery,
    pageSize: number,
    pageToken: string,
  ): Promise<ListGapsResult> => {
    const asked = { ...query, from: query.from?.toJSON(), until: query.until?.toJSON() };
    const page: PageScope = { tenant, list: "gaps", query: JSON.stringify(asked) };
    const position = pageToken === "" ? "" : readPageToken(page, pageToken);
    if (position === undefined) return { kind: "page_token_invalid" };
    const after = position === "" ? undefined : new Date(position);
    const found = await ports.find(tenant, query, after, pageSizeOf(pageSize));
    if (found === undefined) return { kind: "series_not_found" };
    const next = found.nextFrom;
    const nextPageToken = next === undefined ? "" : writePageToken(page, next.toISOString());
    return { kind: "page", gaps: found.gaps, nextPageToken };
  };
