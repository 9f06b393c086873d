import type { Timestamp } from "@bufbuild/protobuf/wkt";
import {
  type Duration,
  durationFromMs,
  durationMs,
  timestampDate,
  timestampFromDate,
} from "@bufbuild/protobuf/wkt";

/** A Duration of `ms` milliseconds; undefined stays undefined, so that unset fields stay unset. */
export const toDuration = (ms: number | undefined): Duration | undefined =>
  ms === undefined ? undefined : durationFromMs(Math.round(ms));

/** The milliseconds of a Duration. */
export const toMs = (duration: Duration | undefined): number | undefined =>
  duration === undefined ? undefined : durationMs(duration);

/** A Timestamp at `date`. */
export const toTimestamp = (date: Date | undefined): Timestamp | undefined =>
  date === undefined ? undefined : timestampFromDate(date);

/** The Date of a Timestamp. */
export const toDate = (timestamp: Timestamp | undefined): Date | undefined =>
  timestamp === undefined ? undefined : timestampDate(timestamp);
