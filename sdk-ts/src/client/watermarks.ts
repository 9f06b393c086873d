import { toDate, toDuration, toMs, toTimestamp } from "../contract/time.ts";
import type { Watermark as PbWatermark } from "../gen/stellaops/orchestrator/v1/watermark_pb.ts";
import { type ActionOptions, type Caller, type CallOptions, whyOf } from "./call.ts";
import { pages } from "./listing.ts";
import { present } from "./present.ts";

/** How the event time of a source and scope is cut into windows. */
export interface WindowSeries {
  readonly source: string;
  /** The partition of the source, such as an ecosystem; the source has none unless told. */
  readonly scope?: string;
  /**
   * How wide a window is, in milliseconds: whole seconds. Windows begin at whole multiples of it
   * since the Unix epoch.
   */
  readonly widthMs: number;
  /** How much later than a window's end its data may still come, in milliseconds; 0. */
  readonly allowedLatenessMs?: number;
  /** Where the series begins; rounded down to the start of a window. */
  readonly origin: Date;
}

/** How complete a series is. */
export interface Watermark {
  readonly source: string;
  readonly scope: string;
  readonly widthMs: number;
  readonly allowedLatenessMs: number;
  readonly origin: Date | undefined;
  /** Up to here everything is covered. Never goes back. */
  readonly watermark: Date | undefined;
  /** Windows that end up to here are due. */
  readonly due: Date | undefined;
  /** From the watermark to `due`, in milliseconds; 0 if nothing is missing. */
  readonly lagMs: number;
  /** How many windows are due and not covered. */
  readonly missingWindows: number;
  /** How many gaps they are. */
  readonly gaps: number;
  /** The end of the newest window that is covered; undefined if none is. */
  readonly coveredUntil: Date | undefined;
}

/** A span of event time that is due and not covered: neighbouring windows as one. */
export interface Gap {
  readonly start: Date | undefined;
  readonly end: Date | undefined;
  readonly windows: number;
  /** How many of them unfinished jobs are to cover. */
  readonly inProgress: number;
}

const toWatermark = (watermark: PbWatermark): Watermark => ({
  source: watermark.series?.source ?? "",
  scope: watermark.series?.scope ?? "",
  widthMs: toMs(watermark.series?.width) ?? 0,
  allowedLatenessMs: toMs(watermark.series?.allowedLateness) ?? 0,
  origin: toDate(watermark.series?.originTime),
  watermark: toDate(watermark.watermarkTime),
  due: toDate(watermark.dueTime),
  lagMs: toMs(watermark.lag) ?? 0,
  missingWindows: Number(watermark.missingWindows),
  gaps: Number(watermark.gaps),
  coveredUntil: toDate(watermark.coveredUntilTime),
});

/** Up to which event time sources are complete: `orchestrator.watermarks`. */
export class Watermarks {
  readonly #caller: Caller;

  /** Made by the Orchestrator. */
  constructor(caller: Caller) {
    this.#caller = caller;
  }

  /**
   * Declares the windows of a source and scope, or changes how late data may come. Errors:
   * WINDOW_SERIES_IN_USE (width and origin cannot change once something is covered).
   */
  async putSeries(series: WindowSeries, options: ActionOptions = {}): Promise<Watermark> {
    const { connection, call } = this.#caller;
    const { source, scope = "", widthMs, allowedLatenessMs = 0, origin } = series;
    const request = {
      series: {
        source,
        scope,
        width: toDuration(widthMs),
        allowedLateness: toDuration(allowedLatenessMs),
        originTime: toTimestamp(origin),
      },
      ...whyOf(options),
    };
    const { watermark } = await call(options, (signal) =>
      connection.watermarks.putWindowSeries(request, { signal }),
    );
    return toWatermark(present(watermark, "watermark"));
  }

  /** The watermark of a source and scope. Errors: WINDOW_SERIES_NOT_FOUND. */
  async get(source: string, scope = "", options: CallOptions = {}): Promise<Watermark> {
    const { connection, call } = this.#caller;
    const { watermark } = await call(options, (signal) =>
      connection.watermarks.getWatermark({ source, scope }, { signal }),
    );
    return toWatermark(present(watermark, "watermark"));
  }

  /**
   * Lists what is due and not covered, oldest first, fetching pages as they are wanted. Errors:
   * WINDOW_SERIES_NOT_FOUND.
   */
  gaps(
    source: string,
    scope = "",
    options: CallOptions & {
      /** From here on; from the beginning unless told. */
      readonly from?: Date;
      /** Up to here; up to what is due unless told. */
      readonly until?: Date;
    } = {},
  ): AsyncIterable<Gap> {
    const { connection, call } = this.#caller;
    const fromTime = toTimestamp(options.from);
    const untilTime = toTimestamp(options.until);
    const filter = {
      source,
      scope,
      ...(fromTime && { fromTime }),
      ...(untilTime && { untilTime }),
    };
    return pages(async (pageToken) => {
      const page = await call(options, (signal) =>
        connection.watermarks.listGaps({ ...filter, pageToken }, { signal }),
      );
      const items = page.gaps.map((gap) => ({
        start: toDate(gap.startTime),
        end: toDate(gap.endTime),
        windows: Number(gap.windows),
        inProgress: Number(gap.inProgress),
      }));
      return { items, nextPageToken: page.nextPageToken };
    });
  }
}
