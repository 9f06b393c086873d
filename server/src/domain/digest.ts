const PREFIX = "sha256:";

/** "sha256:<hex>" of 32 bytes. */
export const formatDigest = (bytes: Uint8Array): string =>
  PREFIX + Buffer.from(bytes).toString("hex");

/** The 32 bytes of "sha256:<hex>"; the caller has validated the form. */
export const parseDigest = (digest: string): Buffer =>
  Buffer.from(digest.slice(PREFIX.length), "hex");
