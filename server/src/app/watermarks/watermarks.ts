import { type PageRequest, readPage } from "../page.ts";

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

/** What became of a declaration; in_use: width and origin cannot change any more. */
export type SeriesPut =
  | { readonly kind: "put"; readonly watermark: Watermark }
  | { readonly kind: "in_use" };

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

/** Lists watermarks by source and scope. */
export const listWatermarks =
  (ports: ListWatermarksPorts) => (tenant: string, source: string, asked: PageRequest) =>
    readPage(asked, {
      scope: { tenant, list: "watermarks", query: source },
      read: (position, limit) => {
        const after = JSON.parse(position || '["",""]') as [string, string];
        return ports.list(tenant, source, after, limit);
      },
      positionOf: ({ series }) => JSON.stringify([series.source, series.scope]),
    });

/** What to look for gaps in; without an end: what is due. */
export interface GapQuery {
  readonly source: string;
  readonly scope: string;
  readonly from: Date | undefined;
  readonly until: Date | undefined;
}

/** What {@link listGaps} needs. */
export interface ListGapsPorts {
  /** Up to `limit` gaps from a moment on, oldest first; undefined: there is no such series. */
  readonly find: (
    tenant: string,
    query: GapQuery,
    after: Date | undefined,
    limit: number,
  ) => Promise<readonly Gap[] | undefined>;
}

/** Lists what is due and not covered, oldest first. */
export const listGaps =
  (ports: ListGapsPorts) => (tenant: string, query: GapQuery, asked: PageRequest) =>
    readPage<Gap, undefined>(asked, {
      scope: { tenant, list: "gaps", query },
      read: (position, limit) => {
        const after = position === "" ? undefined : new Date(position);
        return ports.find(tenant, query, after, limit);
      },
      positionOf: ({ end }) => end.toISOString(),
    });
