// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of pipelines
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  isTooDeep,
  type JsonValue,
  MAX_DEPTH,
  placeholdersIn,
  placeholdersInJson,
  renderTemplate,
  renderText,
} from "./template.ts";

const values = { name: "osv", count: 5, dry: false, none: null, tags: ["a", "b"], text: "${name}" };

describe("renderText", () => {
  it.each([
    ["", ""],
    ["feed", "feed"],
    ["${name}", "osv"],
    ["${name}.${count}-${name}", "osv.5-osv"],
    ["dry: ${dry}, none: ${none}, tags: ${tags}", 'dry: false, none: null, tags: ["a","b"]'],
    ["$${name}", "${name}"],
    ["$$${name}", "$${name}"],
    ["$$${${name}", "$${osv"],
    ["$ {name} $name {name} $", "$ {name} $name {name} $"],
    ["what is put in is not looked at: ${text}", "what is put in is not looked at: ${name}"],
    ["$&$1", "$&$1"],
  ])("makes of %j the text %j", (text, expected) => {
    expect(renderText(text, values)).toBe(expected);
  });

  it("throws on what the checks of a pipeline refuse", () => {
    for (const text of ["${other}", "${toString}", "${__proto__}", "${}", "${name"]) {
      expect(() => renderText(text, values), text).toThrow();
    }
  });
});

describe("renderTemplate", () => {
  it("keeps the type where a placeholder is alone", () => {
    const template = { n: "${count}", dry: "${dry}", none: "${none}", tags: ["${tags}", "x"] };
    expect(renderTemplate(template, values)).toEqual({
      n: 5,
      dry: false,
      none: null,
      tags: [["a", "b"], "x"],
    });
  });

  it("makes text of it elsewhere, and keeps everything else", () => {
    const template = { at: "n=${count}", both: "${name}${count}", lit: "$${name}", n: 7, ok: true };
    expect(renderTemplate(template, values)).toEqual({
      at: "n=5",
      both: "osv5",
      lit: "${name}",
      n: 7,
      ok: true,
    });
  });

  it("leaves keys alone, whatever they are", () => {
    const template = JSON.parse('{"${name}": 1, "__proto__": {"x": "${count}"}}') as JsonValue;
    expect(JSON.stringify(renderTemplate(template, values))).toBe(
      '{"${name}":1,"__proto__":{"x":5}}',
    );
  });

  it("gives back what has no placeholder, and what was escaped", () => {
    const escaped = (value: JsonValue): JsonValue =>
      JSON.parse(JSON.stringify(value).replaceAll("${", () => "$${")) as JsonValue;
    const texts = fc.array(fc.constantFrom("$", "${", "{", "}", "a", "name"), { maxLength: 6 });
    const json = fc.letrec<{ value: JsonValue }>((tie) => ({
      value: fc.oneof(
        { depthSize: "small", withCrossShrink: true },
        texts.map((parts) => parts.join("")),
        fc.integer(),
        fc.constant(null),
        fc.array(tie("value"), { maxLength: 4 }),
        fc.dictionary(fc.string({ maxLength: 3 }), tie("value"), { maxKeys: 4 }),
      ),
    })).value;
    fc.assert(
      fc.property(json, (value) => {
        expect(placeholdersInJson(escaped(value))).toEqual([]);
        expect(JSON.stringify(renderTemplate(escaped(value), {}))).toBe(JSON.stringify(value));
        const placed = renderTemplate({ in: ["${value}"] }, { value });
        expect(JSON.stringify(placed)).toBe(JSON.stringify({ in: [value] }));
      }),
      { numRuns: 500, seed: 5 },
    );
  });
});

describe("placeholders", () => {
  it("are found with what cannot be read among them", () => {
    expect(placeholdersIn("${a} $${b} ${C} ${} ${d")).toEqual([
      { name: "a", text: "${a}" },
      { name: undefined, text: "${C}" },
      { name: undefined, text: "${}" },
      { name: undefined, text: "${d" },
    ]);
    expect(placeholdersIn(`\${${"a".repeat(64)}}`)[0]?.name).toBeUndefined();
  });

  it("are found in JSON with their place", () => {
    const template = { window: { start: "${from}" }, "a b": ["x", "${n}"], "${k}": 1 };
    expect(placeholdersInJson(template)).toEqual([
      { name: "from", text: "${from}", path: ".window.start" },
      { name: "n", text: "${n}", path: '["a b"][1]' },
    ]);
  });
});

describe("isTooDeep", () => {
  it("counts lists and objects", () => {
    const nested = (depth: number): JsonValue => (depth === 0 ? 1 : [nested(depth - 1)]);
    expect(isTooDeep(nested(MAX_DEPTH))).toBe(false);
    expect(isTooDeep(nested(MAX_DEPTH + 1))).toBe(true);
    expect(isTooDeep({ a: nested(MAX_DEPTH) })).toBe(true);
  });
});
