import { createHash } from "node:crypto";
import canonicalize from "canonicalize";

const PREFIX = "sha256:";

/** "sha256:<hex>" of 32 bytes. */
export const formatDigest = (bytes: Uint8Array): string =>
  PREFIX + Buffer.from(bytes).toString("hex");

/** The 32 bytes of "sha256:<hex>"; the caller has validated the form. */
export const parseDigest = (digest: string): Buffer =>
  Buffer.from(digest.slice(PREFIX.length), "hex");

/**
 * What "the same content" means: SHA-256 over the canonical JSON (RFC 8785) of a value. Moments are
 * RFC 3339; what is undefined is as if it were not there.
 */
export const contentHash = (content: unknown): Buffer =>
  createHash("sha256")
    .update(canonicalize(content) ?? "")
    .digest();
