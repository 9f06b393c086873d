import type { Duration, Timestamp } from "@bufbuild/protobuf/wkt";
import type { FieldViolation } from "./errors.ts";

/** A duration in milliseconds, fractions of one dropped. */
export const msOf = (duration: Duration): number =>
  Number(duration.seconds) * 1_000 + Math.trunc(duration.nanos / 1_000_000);

/** The same; NaN, which no rule about milliseconds allows, where it has fractions of one. */
export const exactMsOf = (duration: Duration): number =>
  duration.nanos % 1_000_000 === 0 ? msOf(duration) : Number.NaN;

/** A duration in milliseconds, fractions of one dropped, if it is set. */
export const msIfSet = (duration: Duration | undefined): number | undefined =>
  duration === undefined ? undefined : msOf(duration);

/** The years that google.protobuf.Timestamp allows. */
const FIRST_SECOND = -62_135_596_800n;
const LAST_SECOND = 253_402_300_799n;

/**
 * A moment, if it is set; precision is milliseconds. One that a Timestamp must not hold becomes a
 * violation.
 */
export function momentOf(
  violations: FieldViolation[],
  field: string,
  moment: Timestamp | undefined,
): Date | undefined {
  if (moment === undefined) return undefined;
  const { seconds, nanos } = moment;
  if (seconds < FIRST_SECOND || seconds > LAST_SECOND || nanos < 0 || nanos > 999_999_999) {
    violations.push({ field, description: "must lie in the years 1 to 9999", reason: "RANGE" });
    return undefined;
  }
  // Cut, not rounded: the last nanosecond of the year 9999 must not become the year 10000.
  return new Date(Number(seconds) * 1_000 + Math.floor(nanos / 1_000_000));
}
