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
    return { kind: "json", json: jsonOf(value, 0) };
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
  const unsound = Object.entries(struct).filter(([, member]) => !isSound(member, 0));
  const faults = new Map(unsound.map(([name]) => [name, NO_DOUBLE]));
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
  return isSound(json, 0) ? { kind: "json", json } : { kind: "fault", description: NO_DOUBLE };
}

const NO_DOUBLE = "must not hold a number beyond those of a double";

/** What is nested too deeply is refused for that, by others. */
function isSound(json: JsonValue | undefined, depth: number): boolean {
  if (typeof json === "number") return Number.isFinite(json);
  if (json === null || typeof json !== "object" || depth > MAX_DEPTH) return true;
  return Object.values(json).every((member) => isSound(member, depth + 1));
}

class NotJson extends Error {}

function jsonOf({ kind }: Value, depth: number): JsonValue {
  if (depth > MAX_DEPTH) throw new NotJson(`must not be nested deeper than ${MAX_DEPTH}`);
  switch (kind.case) {
    case "nullValue":
      return null;
    case "numberValue":
      if (Number.isFinite(kind.value)) return kind.value;
      throw new NotJson(NO_DOUBLE);
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
