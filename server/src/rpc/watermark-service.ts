import { create } from "@bufbuild/protobuf";
import { type Timestamp, timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type { Audit } from "../app/audit.ts";
import type {
  Gap,
  listGaps,
  listWatermarks,
  SeriesPut,
  Watermark,
  WindowSeries,
} from "../app/watermarks/watermarks.ts";
import { widthFault } from "../domain/plan/windows.ts";
import {
  GapSchema,
  type Watermark as WatermarkMessage,
  WatermarkSchema,
  type WatermarkService,
  type WindowSeries as WindowSeriesMessage,
} from "../gen/stellaops/orchestrator/v1/watermark_pb.ts";
import { auditOf } from "./audit.ts";
import { momentOf, msOf } from "./durations.ts";
import {
  durationOfMs,
  type FieldViolation,
  failedPrecondition,
  invalidArgument,
  notFound,
} from "./errors.ts";
import { tenantOf } from "./interceptors/tenant.ts";
import { pageTokenInvalid } from "./page-tokens.ts";
import { roundableMoment } from "./window-moments.ts";

/** The use cases behind the service. */
export interface WatermarkServicePorts {
  readonly put: (tenant: string, series: WindowSeries, audit: Audit) => Promise<SeriesPut>;
  readonly read: (tenant: string, source: string, scope: string) => Promise<Watermark | undefined>;
  readonly list: ReturnType<typeof listWatermarks>;
  readonly gaps: ReturnType<typeof listGaps>;
}

/** WatermarkService: translates, and leaves the work to the use cases. */
export const watermarkService = (
  ports: WatermarkServicePorts,
): ServiceImpl<typeof WatermarkService> => ({
  async putWindowSeries(request, context) {
    const { series: message } = request;
    if (message === undefined) throw new Error("validation let a request without a series through");
    const series = readSeries(message);
    const result = await ports.put(tenantOf(context), series, auditOf(request, context));
    if (result.kind === "in_use") {
      const { source, scope } = series;
      throw failedPrecondition("WINDOW_SERIES_IN_USE", { source, scope });
    }
    return { watermark: watermarkMessage(result.watermark) };
  },

  async getWatermark({ source, scope }, context) {
    const watermark = await ports.read(tenantOf(context), source, scope);
    if (watermark === undefined) throw seriesNotFound(source, scope);
    return { watermark: watermarkMessage(watermark) };
  },

  async listWatermarks(request, context) {
    const result = await ports.list(tenantOf(context), request.source, request);
    if (result.kind !== "page") throw pageTokenInvalid();
    const watermarks = result.items.map(watermarkMessage);
    return { watermarks, nextPageToken: result.nextPageToken };
  },

  async listGaps(request, context) {
    const { source, scope } = request;
    const violations: FieldViolation[] = [];
    const from = momentOf(violations, "from_time", request.fromTime);
    const until = momentOf(violations, "until_time", request.untilTime);
    if (violations.length > 0) throw invalidArgument("REQUEST_INVALID", violations);
    const query = { source, scope, from, until };
    const result = await ports.gaps(tenantOf(context), query, request);
    if (result === undefined) throw seriesNotFound(source, scope);
    if (result.kind !== "page") throw pageTokenInvalid();
    return { gaps: result.items.map(gapMessage), nextPageToken: result.nextPageToken };
  },
});

/** NOT_FOUND (WINDOW_SERIES_NOT_FOUND): nobody declared it. */
export const seriesNotFound = (source: string, scope: string) =>
  notFound("WINDOW_SERIES_NOT_FOUND", { source, scope });

/** A series off the wire. Throws INVALID_ARGUMENT for what the contract's rules cannot say. */
function readSeries(message: WindowSeriesMessage): WindowSeries {
  const { source, scope, width, allowedLateness } = message;
  const violations: FieldViolation[] = [];
  const origin = roundableMoment(violations, "series.origin_time", message.originTime);
  const widthMs = width === undefined ? 0 : msOf(width);
  const fault = width?.nanos === 0 ? widthFault(widthMs) : "must be whole seconds";
  if (fault !== undefined) {
    violations.push({ field: "series.width", description: fault, reason: "RANGE" });
  }
  if (violations.length > 0 || origin === undefined) {
    throw invalidArgument("REQUEST_INVALID", violations);
  }
  const latenessMs = allowedLateness === undefined ? 0 : msOf(allowedLateness);
  return { source, scope, widthMs, latenessMs, origin };
}

const timeOf = (date: Date | undefined): Timestamp | undefined => date && timestampFromDate(date);

function watermarkMessage({ series, ...mark }: Watermark): WatermarkMessage {
  return create(WatermarkSchema, {
    series: {
      source: series.source,
      scope: series.scope,
      width: durationOfMs(series.widthMs),
      allowedLateness: durationOfMs(series.latenessMs),
      originTime: timeOf(series.origin),
    },
    watermarkTime: timeOf(mark.watermark),
    dueTime: timeOf(mark.due),
    lag: durationOfMs(mark.due.getTime() - mark.watermark.getTime()),
    missingWindows: BigInt(mark.missingWindows),
    gaps: BigInt(mark.gaps),
    coveredUntilTime: timeOf(mark.coveredUntil),
  });
}

const gapMessage = ({ start, end, windows, inProgress }: Gap) =>
  create(GapSchema, {
    startTime: timeOf(start),
    endTime: timeOf(end),
    windows: BigInt(windows),
    inProgress: BigInt(inProgress),
  });
