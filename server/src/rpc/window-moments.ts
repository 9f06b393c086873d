import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { MAX_WIDTH_MS } from "../domain/plan/windows.ts";
import { momentOf } from "./durations.ts";
import type { FieldViolation } from "./errors.ts";

/** The years that google.protobuf.Timestamp allows, less the widest window at either end. */
const FIRST_MS = -62_135_596_800_000 + MAX_WIDTH_MS;
const LAST_MS = 253_402_300_799_999 - MAX_WIDTH_MS;

/**
 * A moment that is rounded to windows, if it is set. One that could be rounded to what a Timestamp
 * must not hold becomes a violation.
 */
export function roundableMoment(
  violations: FieldViolation[],
  field: string,
  moment: Timestamp | undefined,
): Date | undefined {
  const read = momentOf(violations, field, moment);
  if (read === undefined) return undefined;
  if (read.getTime() >= FIRST_MS && read.getTime() <= LAST_MS) return read;
  violations.push({ field, description: "must lie in the years 2 to 9998", reason: "RANGE" });
  return undefined;
}
