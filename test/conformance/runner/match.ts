import type { JsonObject, JsonValue } from "@bufbuild/protobuf";

/** Values that a scenario has named. */
export type Variables = Map<string, JsonValue>;

const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What protobuf JSON leaves out. */
const isDefault = (value: JsonValue | undefined): boolean =>
  value === undefined ||
  value === null ||
  value === "" ||
  value === 0 ||
  value === false ||
  (Array.isArray(value) && value.length === 0) ||
  (isObject(value) && Object.keys(value).length === 0);

/** A number out of a number, an int64 in quotes or a Duration such as "1.5s". */
function numberOf(value: JsonValue | undefined): number {
  if (typeof value === "number") return value;
  if (typeof value === "string") return Number.parseFloat(value);
  return value === undefined ? 0 : Number.NaN;
}

/** The size of a list, of a map, or of bytes. */
function sizeOf(value: JsonValue | undefined): number {
  if (value === undefined) return 0;
  if (Array.isArray(value)) return value.length;
  if (isObject(value)) return Object.keys(value).length;
  return Buffer.from(String(value), "base64").length;
}

/** What JSON text, or bytes that are JSON text, hold; undefined when they hold none. */
function parsedOf(value: JsonValue | undefined): JsonValue | undefined {
  const text = String(value ?? "");
  for (const candidate of [text, Buffer.from(text, "base64").toString()]) {
    try {
      return JSON.parse(candidate) as JsonValue;
    } catch {
      // The other reading, then.
    }
  }
  return undefined;
}

type Operator = (
  actual: JsonValue | undefined,
  wanted: JsonValue,
  variables: Variables,
) => string | undefined;

const compare =
  (sign: string, holds: (actual: number, wanted: number) => boolean): Operator =>
  (actual, wanted) =>
    holds(numberOf(actual), numberOf(wanted))
      ? undefined
      : `is ${show(actual)}, not ${sign} ${show(wanted)}`;

const operators: Readonly<Record<string, Operator>> = {
  $gte: compare(">=", (actual, wanted) => actual >= wanted),
  $lte: compare("<=", (actual, wanted) => actual <= wanted),
  $regex: (actual, wanted) =>
    new RegExp(String(wanted), "u").test(String(actual ?? ""))
      ? undefined
      : `is ${show(actual)}, which does not match /${wanted}/`,
  $size: (actual, wanted, variables) => {
    const fault = mismatch(sizeOf(actual), wanted, variables);
    return fault && `has a size that ${fault}`;
  },
  $parsed: (actual, wanted, variables) => {
    const fault = mismatch(parsedOf(actual), wanted, variables);
    return fault && `holds JSON that ${fault}`;
  },
  $contains: (actual, wanted, variables) => {
    const wants = Array.isArray(wanted) ? wanted : [wanted];
    const items = Array.isArray(actual) ? actual : [];
    const missing = wants.find((want) => items.every((item) => mismatch(item, want, variables)));
    return missing === undefined ? undefined : `has no ${show(missing)}: ${show(actual)}`;
  },
  $absent: (actual) => (isDefault(actual) ? undefined : `is ${show(actual)}, not absent`),
  $present: (actual) => (isDefault(actual) ? "is absent" : undefined),
  $not: (actual, wanted, variables) =>
    mismatch(actual, wanted, variables) ? undefined : `is ${show(actual)}`,
  $oneOf: (actual, wanted, variables) =>
    Array.isArray(wanted) && wanted.some((want) => mismatch(actual, want, variables) === undefined)
      ? undefined
      : `is ${show(actual)}, not one of ${show(wanted)}`,
  $as: (actual, wanted, variables) => {
    variables.set(String(wanted), actual ?? "");
    return undefined;
  },
};

const show = (value: unknown): string => {
  const text = JSON.stringify(value) ?? "absent";
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
};

/**
 * Says how a value differs from what is wanted; undefined when it does not. Objects match in
 * part: what is not wanted may be anything. Lists match as a whole. An object whose keys begin
 * with $ is a set of operators that must all hold.
 */
export function mismatch(
  actual: JsonValue | undefined,
  wanted: JsonValue,
  variables: Variables,
): string | undefined {
  if (isObject(wanted)) {
    const keys = Object.keys(wanted);
    if (keys.length > 0 && keys.every((key) => key in operators)) {
      for (const key of keys) {
        const fault = operators[key]?.(actual, wanted[key] ?? null, variables);
        if (fault !== undefined) return fault;
      }
      return undefined;
    }
    return objectMismatch(isObject(actual) ? actual : {}, wanted, variables);
  }
  if (Array.isArray(wanted)) return listMismatch(actual, wanted, variables);
  // An int64 of 0 is "0" where a scenario asks for it, and left out where it was sent.
  if ((isDefault(wanted) || wanted === "0") && isDefault(actual)) return undefined;
  return String(actual) === String(wanted) ? undefined : `is ${show(actual)}, not ${show(wanted)}`;
}

function objectMismatch(
  actual: JsonObject,
  wanted: JsonObject,
  variables: Variables,
): string | undefined {
  for (const [key, want] of Object.entries(wanted)) {
    const fault = mismatch(actual[key], want, variables);
    if (fault !== undefined) return `${key} ${fault}`;
  }
  return undefined;
}

function listMismatch(
  actual: JsonValue | undefined,
  wanted: readonly JsonValue[],
  variables: Variables,
): string | undefined {
  const items = Array.isArray(actual) ? actual : [];
  if (items.length !== wanted.length) {
    return `has ${items.length} items, not ${wanted.length}: ${show(actual)}`;
  }
  for (const [index, want] of wanted.entries()) {
    const fault = mismatch(items[index], want, variables);
    if (fault !== undefined) return `[${index}] ${fault}`;
  }
  return undefined;
}
