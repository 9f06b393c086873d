import { parse as parseTomlText, TomlError } from "smol-toml";
import type { ManifestTexts } from "../component.ts";
import { ManifestError } from "../manifest-error.ts";

/** A value out of JSON, TOML or XML whose shape has not been checked yet. */
export type Unchecked = unknown;

/** An object out of such a document. */
export type Table = Readonly<Record<string, Unchecked>>;

/** The text of one file of a manifest. It is a bug to ask for a file that is not there. */
export function textOf(texts: ManifestTexts, path: string): string {
  const text = texts.get(path);
  if (text === undefined) throw new Error(`no text for ${path}`);
  return text;
}

/** Parses JSON whose top is an object. Throws ManifestError with the line. */
export function parseJson(file: string, text: string): Table {
  let value: Unchecked;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ManifestError(file, jsonErrorLine(reason, text), `not valid JSON: ${reason}`);
  }
  return table(file, "the document", value);
}

/** Parses TOML. Throws ManifestError with the line. */
export function parseToml(file: string, text: string): Table {
  try {
    return parseTomlText(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const reason = error.message.split("\n")[0]?.replace(/^Invalid TOML document: /, "");
    throw new ManifestError(file, error.line, `not valid TOML: ${reason}`);
  }
}

/** The value as an object. Throws ManifestError saying what should have been one. */
export function table(file: string, what: string, value: Unchecked): Table {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Table;
  throw new ManifestError(file, undefined, `${what} should be an object, not ${kindOf(value)}`);
}

/** The value as an object, an empty one where it is absent. */
export function optionalTable(file: string, what: string, value: Unchecked): Table {
  return value === undefined ? {} : table(file, what, value);
}

/** The value as a list, an empty one where it is absent. */
export function optionalList(file: string, what: string, value: Unchecked): readonly Unchecked[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) return value;
  throw new ManifestError(file, undefined, `${what} should be a list, not ${kindOf(value)}`);
}

/** The value as a text. */
export function text(file: string, what: string, value: Unchecked): string {
  if (typeof value === "string") return value;
  throw new ManifestError(file, undefined, `${what} should be a text, not ${kindOf(value)}`);
}

/** The value as a text, or undefined where it is absent. */
export function optionalText(file: string, what: string, value: Unchecked): string | undefined {
  return value === undefined ? undefined : text(file, what, value);
}

/** The line, from 1, of an offset in a text. */
export function lineAt(content: string, offset: number): number {
  let line = 1;
  for (let at = content.indexOf("\n"); at !== -1 && at < offset; at = content.indexOf("\n", at + 1))
    line++;
  return line;
}

function jsonErrorLine(reason: string, content: string): number {
  const line = /\(line (\d+) column \d+\)/.exec(reason)?.[1];
  if (line !== undefined) return Number(line);
  const position = /at position (\d+)/.exec(reason)?.[1];
  // V8 names no place when the text just ends: the fault is on the last line.
  return lineAt(content, position === undefined ? content.trimEnd().length : Number(position));
}

function kindOf(value: Unchecked): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : `a ${typeof value}`;
}
