import { createHash } from "node:crypto";

/** What failures of the same cause have in common. */
export interface ErrorSignature {
  /** 16 hex digits, of the failure class and the pattern; stable, so that it can be stored. */
  readonly signature: string;
  /** The message with placeholders for what differs from case to case, for people. */
  readonly pattern: string;
}

/** The longest pattern, in characters. What comes after does not take part in the signature. */
export const MAX_PATTERN_LENGTH = 200;

// Bounds the work on a message; placeholders are mostly shorter than what they stand for.
const MAX_MESSAGE_LENGTH = 4_000;

// In this order: what comes first may contain what comes later. No expression can backtrack far:
// each repeats one class of characters, up to a character outside of it.
const PLACEHOLDERS: readonly (readonly [what: RegExp, placeholder: string])[] = [
  // The host says which upstream it was, the path which of its many documents.
  [/\b([a-z][a-z0-9+.-]{1,15}:\/\/[^\s/?#"'<>]{1,255})[/?#][^\s"'<>]*/gi, "$1/<path>"],
  [/"[^"]*"|`[^`]*`/g, "<text>"],
  // An apostrophe within a word is none that opens or closes.
  [/(?<![\p{L}\p{N}])'[^']*'(?![\p{L}\p{N}])/gu, "<text>"],
  [/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi, "<uuid>"],
  // Without a word break at its end: a comma or a letter may follow.
  [/\b\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?([.,]\d{1,9})?( ?(Z|UTC|[+-]\d\d:?\d\d))?)?/g, "<time>"],
  // Hex of eight and more with a digit early on ("defaced" is a word), then decimals. They share a
  // placeholder: a hash may have no letters, and a count may grow to eight digits.
  [/\b0x[0-9a-f]+\b|\b(?=[a-f]{0,7}\d)[0-9a-f]{8,}\b/gi, "<n>"],
  [/\d+([.,:]\d+)*(e[+-]?\d+)?/gi, "<n>"],
];

/**
 * Groups failures by their cause: the class as it is, the message without what differs from case
 * to case: quoted strings, UUIDs, moments, hex of eight digits and more, numbers, paths of URLs.
 * White space and control characters count as one space: a message may be wrapped differently.
 */
export function errorSignature(failureClass: string, message: string): ErrorSignature {
  const start = message.slice(0, MAX_MESSAGE_LENGTH).toWellFormed();
  let pattern = start.replace(/[\s\p{Cc}]+/gu, " ").trim();
  for (const [what, placeholder] of PLACEHOLDERS) pattern = pattern.replace(what, placeholder);
  pattern = [...pattern].slice(0, MAX_PATTERN_LENGTH).join("");
  const hash = createHash("sha256").update(`${failureClass}\n${pattern}`);
  return { signature: hash.digest("hex").slice(0, 16), pattern };
}
