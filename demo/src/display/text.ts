import { styleText } from "node:util";
import stringWidth from "string-width";

/** A stream that text is painted for; what it can show decides about colours. */
export type TextStream = NodeJS.WriteStream;

/** The colours of the display. */
export type Colour = "green" | "red" | "yellow" | "cyan" | "dim" | "bold";

/** Colours a text unless the stream or NO_COLOR says otherwise. */
export function paint(stream: TextStream, colour: Colour, text: string): string {
  return styleText(colour, text, { stream });
}

/** A text from a manifest or an error, safe to print: control characters could drive a terminal. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ").trim();
}

/** Cuts a text in the middle to at most `columns`, keeping more of its end: paths differ there. */
export function shortened(text: string, columns: number): string {
  if (stringWidth(text) <= columns) return text;
  const glyphs = [...text];
  const tail = Math.ceil((columns - 1) * 0.65);
  const head = columns - 1 - tail;
  return `${glyphs.slice(0, Math.max(head, 0)).join("")}…${glyphs.slice(-tail).join("")}`;
}

/** Cuts a sentence at its end to at most `columns`. */
export function cut(text: string, columns: number): string {
  if (stringWidth(text) <= columns) return text;
  return `${[...text].slice(0, Math.max(columns - 1, 0)).join("")}…`;
}

/** Fills a text with spaces to `columns`, after it or, for numbers, before it. */
export function padded(text: string, columns: number, side: "left" | "right" = "left"): string {
  const fill = " ".repeat(Math.max(columns - stringWidth(text), 0));
  return side === "left" ? text + fill : fill + text;
}

/** Bytes for people: "1.2 MiB". */
export function humanBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const kib = bytes / 1024;
  return kib < 1024 ? `${kib.toFixed(1)} KiB` : `${(kib / 1024).toFixed(1)} MiB`;
}

/** Seconds for people: "0.03 s", "12.3 s". */
export function humanSeconds(seconds: number): string {
  return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
}

/** "1 job", "2 jobs". */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
