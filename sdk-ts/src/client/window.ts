import { timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { EventWindow as WindowMessage } from "../gen/stellaops/orchestrator/v1/job_pb.ts";

/** A span of event time of a source, from `start` up to but not including `end`. */
export interface EventWindow {
  /** The partition of the source, such as an ecosystem; the source has none unless told. */
  readonly scope?: string;
  readonly start: Date;
  readonly end: Date;
}

/** A window as the contract carries it. */
export const fromWindow = ({ scope = "", start, end }: EventWindow) => ({
  scope,
  startTime: timestampFromDate(start),
  endTime: timestampFromDate(end),
});

/** A window of the contract as a plain object; one without both ends is none. */
export function toWindow(message: WindowMessage | undefined): EventWindow | undefined {
  if (message?.startTime === undefined || message.endTime === undefined) return undefined;
  const { scope, startTime, endTime } = message;
  return { scope, start: timestampDate(startTime), end: timestampDate(endTime) };
}
