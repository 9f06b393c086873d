import { createHash } from "node:crypto";

// The contract's limit on the name of a job and on the value of a label.
const MAX_BYTES = 255;

/** A text as the name of a job or a label: one too long keeps its end, a digest keeps it unique. */
export function ledgerName(text: string): string {
  if (Buffer.byteLength(text) <= MAX_BYTES) return text;
  const digest = createHash("sha256").update(text).digest("hex").slice(0, 16);
  let end = text;
  while (Buffer.byteLength(`${digest}…${end}`) > MAX_BYTES) end = [...end].slice(1).join("");
  return `${digest}…${end}`;
}
