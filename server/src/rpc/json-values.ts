import type { JsonObject } from "@bufbuild/protobuf";
import type { Value } from "@bufbuild/protobuf/wkt";
import { type JsonValue, MAX_DEPTH } from "../domain/plan/template.ts";

/** A JSON value, or what keeps a message from being one. */
export type ReadJson =
  | { readonly kind: "json"; readonly json: JsonValue }
  | { readonly kind: "fault"; readonly description: string };

/**
 * What google.protobuf.Value holds. The binary encoding can say what JSON cannot: no value at all,
 * or a number that is none. Depth is bounded here, because what reads it afterwards recurses.
 */
export function readValue(value: Value): ReadJson {
  try {
    const json = jsonOf(value, 0);
    const description = faultOf(json, 0);
    return description === undefined ? { kind: "json", json } : { kind: "fault", description };
  } catch (error) {
    if (error instanceof NotJson) return { kind: "fault", description: error.message };
    throw error;
  }
}

/** What google.protobuf.Struct holds, and faults by the name of the member. */
export function readStruct(struct: JsonObject = {}): {
  readonly values: Readonly<Record<string, JsonValue>>;
  readonly faults: ReadonlyMap<string, string>;
} {
  const faults = new Map<string, string>();
  for (const [name, member] of Object.entries(struct)) {
    const fault = faultOf(name, 0) ?? faultOf(member, 0);
    if (fault !== undefined) faults.set(name, fault);
  }
  return { values: struct as Record<string, JsonValue>, faults };
}

/** JSON out of a text. */
export function readJsonText(text: string): ReadJson {
  let json: JsonValue;
  try {
    json = JSON.parse(text) as JsonValue;
  } catch (error) {
    return { kind: "fault", description: `is no JSON: ${(error as Error).message}` };
  }
  const description = faultOf(json, 0);
  return description === undefined ? { kind: "json", json } : { kind: "fault", description };
}

const NO_DOUBLE = "must not hold a number beyond those of a double";
// Neither UTF-8 nor a digest of canonical JSON can say it.
const NO_TEXT = "must not hold half a surrogate pair";

/** What is nested too deeply is refused for that, by others. */
function faultOf(json: JsonValue | undefined, depth: number): string | undefined {
  if (typeof json === "number" && !Number.isFinite(json)) return NO_DOUBLE;
  if (typeof json === "string" && !json.isWellFormed()) return NO_TEXT;
  if (json === null || typeof json !== "object" || depth > MAX_DEPTH) return undefined;
  for (const [key, member] of Object.entries(json)) {
    const fault = faultOf(key, depth) ?? faultOf(member, depth + 1);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

class NotJson extends Error {}

function jsonOf({ kind }: Value, depth: number): JsonValue {
  if (depth > MAX_DEPTH) throw new NotJson(`must not be nested deeper than ${MAX_DEPTH}`);
  switch (kind.case) {
    case "nullValue":
      return null;
    case "numberValue":
    case "boolValue":
    case "stringValue":
      return kind.value;
    case "listValue":
      return kind.value.values.map((member) => jsonOf(member, depth + 1));
    case "structValue":
      return Object.fromEntries(
        Object.entries(kind.value.fields).map(([key, member]) => [key, jsonOf(member, depth + 1)]),
      );
    case undefined:
      throw new NotJson("must have a value");
  }
}
