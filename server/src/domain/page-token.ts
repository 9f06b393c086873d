import { createHash } from "node:crypto";
import canonicalize from "canonicalize";

/** What a page belongs to: another tenant, list or filter makes another scope. */
export interface PageScope {
  readonly tenant: string;
  /** Which list, such as "jobs". */
  readonly list: string;
  /** What was asked for; anything JSON can say, and moments. */
  readonly query: unknown;
}

const SEAL_BYTES = 16;

/**
 * Makes the token of the page after `position`; it is empty if there is none. The seal binds it to
 * its scope. It is no secret: who forges one learns nothing that an honest call would not tell,
 * because the tenant of a call decides what it sees; the seal is there so that a token that was
 * cut, edited or used elsewhere is an error and not a page of something else.
 */
export function writePageToken(scope: PageScope, position: string | undefined): string {
  if (position === undefined) return "";
  const body = Buffer.from(position, "utf8");
  return Buffer.concat([seal(scope, body), body]).toString("base64url");
}

/**
 * The position that a token was made for; undefined if it was not made for this scope. The empty
 * token asks for the first page: its position is empty, too, and that of no other page is.
 */
export function readPageToken(scope: PageScope, token: string): string | undefined {
  if (token === "") return "";
  if (!/^[A-Za-z0-9_-]+$/.test(token)) return undefined;
  const bytes = Buffer.from(token, "base64url");
  const body = bytes.subarray(SEAL_BYTES);
  if (bytes.toString("base64url") !== token || body.length === 0) return undefined;
  return seal(scope, body).equals(bytes.subarray(0, SEAL_BYTES)) ? body.toString() : undefined;
}

function seal(scope: PageScope, body: Uint8Array): Buffer {
  const said = canonicalize({ version: 1, ...scope }) ?? "";
  return createHash("sha256")
    .update(said)
    .update("\0")
    .update(body)
    .digest()
    .subarray(0, SEAL_BYTES);
}
