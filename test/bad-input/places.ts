import {
  type DescField,
  type DescMessage,
  type JsonObject,
  type JsonValue,
  ScalarType,
} from "@bufbuild/protobuf";

/** A field of a request, at one place in it, and how to put something else there. */
export interface Place {
  /** Such as "jobs[0].retry.multiplier". */
  readonly path: string;
  readonly field: DescField;
  /** The request with this value there. */
  put(value: JsonValue): JsonObject;
}

/** Every place of a request: the fields of its message, and of those messages that it has set. */
export function placesIn(
  schema: DescMessage,
  json: JsonObject,
  prefix = "",
  rebuild: (value: JsonObject) => JsonObject = (value) => value,
): Place[] {
  return schema.fields.flatMap((field) => {
    const name = field.jsonName;
    const value = json[name];
    // Another member of a oneof would stand beside the one that is set.
    const siblings = field.oneof?.fields ?? [];
    if (value === undefined && siblings.some((other) => json[other.jsonName] !== undefined)) {
      return [];
    }
    const put = (next: JsonValue) => rebuild({ ...json, [name]: next });
    const path = `${prefix}${field.name}`;
    const here: Place = { path, field, put };
    return [here, ...placesBelow(field, value, path, put)];
  });
}

function placesBelow(
  field: DescField,
  value: JsonValue | undefined,
  path: string,
  put: (value: JsonValue) => JsonObject,
): Place[] {
  if (field.fieldKind === "message" && isObject(value) && !isAnyJson(field.message)) {
    return placesIn(field.message, value, `${path}.`, put);
  }
  if (field.fieldKind === "list" && field.listKind === "message" && Array.isArray(value)) {
    return value.flatMap((item, index) =>
      isObject(item)
        ? placesIn(field.message, item, `${path}[${index}].`, (next) =>
            put(value.with(index, next)),
          )
        : [],
    );
  }
  return [];
}

/** Whatever it holds is written as it is, not as fields. */
const isAnyJson = ({ typeName }: DescMessage): boolean =>
  typeName === "google.protobuf.Struct" || typeName === "google.protobuf.Value";

const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Something of a type that proto JSON does not take there; undefined: it takes everything. */
export function wrongType(field: DescField): JsonValue | undefined {
  switch (field.fieldKind) {
    case "list":
      return { not: "a list" };
    case "map":
      return ["not", "a map"];
    case "message":
      return field.message.typeName === "google.protobuf.Value" ? undefined : 7.5;
    case "enum":
      return "NOT_A_NAME";
    case "scalar":
      return field.scalar === ScalarType.STRING ? 7 : { not: "a scalar" };
  }
}

const INT32 = [-2_147_483_648, -1, 2_147_483_647];
const INT64 = ["-9223372036854775808", "9007199254740993", "9223372036854775807"];
const TOO_LONG = "x".repeat(70_000);
const TEXTS = ["a\u0000b", "", TOO_LONG];

const nested = (depth: number): JsonValue => (depth === 0 ? null : [nested(depth - 1)]);
const ANY_JSON: JsonValue[] = [
  null,
  true,
  1e308,
  -0.5,
  ...TEXTS,
  { "a\u0000b": 1 },
  { ["__proto__"]: { "": [] } },
  nested(40),
  nested(400),
];

/** Values that proto JSON takes there and that the server may have trouble with. */
export function extremes(field: DescField): JsonValue[] {
  switch (field.fieldKind) {
    case "scalar":
      return ofScalar(field.scalar);
    case "enum":
      return [99, -1];
    case "message":
      return ofMessage(field.message);
    case "map":
      return TEXTS.flatMap((text) => [{ [text]: "v" }, { k: text }]);
    case "list":
      if (field.listKind === "scalar") return [[], ...ofScalar(field.scalar).map((one) => [one])];
      if (field.listKind === "enum") return [[99], [0]];
      return [[], [{}]];
  }
}

function ofScalar(scalar: ScalarType): JsonValue[] {
  if (scalar === ScalarType.STRING) return TEXTS;
  if (scalar === ScalarType.INT32) return INT32;
  if (scalar === ScalarType.INT64) return INT64;
  if (scalar === ScalarType.DOUBLE) return ["NaN", "Infinity", "-Infinity", -1, 1e308, 5e-324];
  if (scalar === ScalarType.BYTES) return ["", Buffer.alloc(300_000).toString("base64")];
  return [];
}

function ofMessage({ typeName }: DescMessage): JsonValue[] {
  if (typeName === "google.protobuf.Duration") {
    return ["-315576000000s", "-1s", "0s", "0.000000001s", "315576000000.999999999s"];
  }
  if (typeName === "google.protobuf.Timestamp") {
    return ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z"];
  }
  if (typeName === "google.protobuf.FieldMask") return ["", "no_such_field", "a.b.c", TOO_LONG];
  if (typeName === "google.protobuf.Struct") return [{}, ...ANY_JSON.map((json) => ({ k: json }))];
  if (typeName === "google.protobuf.Value") return ANY_JSON;
  return [{}];
}
