import { type Duration, type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";

/** A duration in milliseconds, fractions of one dropped. */
export const msOf = (duration: Duration): number =>
  Number(duration.seconds) * 1_000 + Math.trunc(duration.nanos / 1_000_000);

/** The same, if it is set. */
export const msIfSet = (duration: Duration | undefined): number | undefined =>
  duration === undefined ? undefined : msOf(duration);

/** A moment, if it is set. Precision is milliseconds. */
export const dateIfSet = (timestamp: Timestamp | undefined): Date | undefined =>
  timestamp === undefined ? undefined : timestampDate(timestamp);
