import { create } from "@bufbuild/protobuf";
import { ValueSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import type { JsonValue } from "../domain/plan/template.ts";
import { readJsonText, readStruct, readValue } from "./json-values.ts";

const HALF = "a\ud800";

describe("a text that is half a character", () => {
  it.each<JsonValue>([HALF, [[HALF]], { k: { k: HALF } }, { [HALF]: 1 }])(
    "%j is refused",
    (json) => {
      const description = "must not hold half a surrogate pair";
      const fault = { kind: "fault", description };
      expect(readJsonText(JSON.stringify(json))).toEqual(fault);
      expect(readStruct({ one: json as string, two: 2 }).faults).toEqual(
        new Map([["one", description]]),
      );
    },
  );

  it("is refused in a name of a struct", () => {
    const faults = [[HALF, "must not hold half a surrogate pair"]] as const;
    expect(readStruct({ [HALF]: 1 }).faults).toEqual(new Map(faults));
  });

  it("is refused in a value, too", () => {
    const value = create(ValueSchema, { kind: { case: "stringValue", value: HALF } });
    expect(readValue(value).kind).toBe("fault");
    const fields = { [HALF]: { kind: { case: "boolValue", value: true } } } as const;
    const struct = create(ValueSchema, { kind: { case: "structValue", value: { fields } } });
    expect(readValue(struct).kind).toBe("fault");
  });

  it("is none when both halves are there", () => {
    expect(readJsonText('"\\ud83d\\ude00"')).toEqual({ kind: "json", json: "😀" });
    expect(readStruct({ "😀": ["😀"] }).faults.size).toBe(0);
  });
});
