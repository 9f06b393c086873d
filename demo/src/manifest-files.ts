import { createHash } from "node:crypto";
import { constants, open, realpath } from "node:fs/promises";
import path from "node:path";
import { ManifestError } from "./manifest-error.ts";

/** The largest file that is read as a manifest, in bytes. The largest lock files have 10 MB. */
export const MAX_MANIFEST_BYTES = 64 * 1024 * 1024;

/** One file of a manifest, as discovery saw it. */
export interface ManifestFile {
  /** Path relative to the scanned root, with `/` between its parts. */
  readonly path: string;
  /** SHA-256 of its bytes in lower-case hexadecimal. */
  readonly sha256: string;
  /** Its size in bytes. */
  readonly sizeBytes: number;
}

/** A manifest's file changed, vanished or lies elsewhere than the job says. */
export class ManifestChangedError extends Error {
  override readonly name = "ManifestChangedError";
}

/** SHA-256 of bytes in lower-case hexadecimal. */
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/**
 * Reads a file under the root, at most MAX_MANIFEST_BYTES of it, never through a symlink and
 * never a device or a pipe. Throws ManifestError for one that is too large or no plain file.
 */
export async function readManifestFile(root: string, relative: string): Promise<Buffer> {
  const absolute = path.join(root, ...relative.split("/"));
  const folder = await realpath(path.dirname(absolute));
  const isInside = path.relative(await realpath(root), folder).split(path.sep)[0] !== "..";
  if (path.isAbsolute(relative) || !isInside)
    throw new ManifestError(relative, undefined, "lies outside of the scanned folder");
  // Without O_NONBLOCK the open itself would hang on a pipe that nobody writes to.
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  const file = await open(absolute, flags);
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new ManifestError(relative, undefined, "is not a plain file");
    if (stat.size > MAX_MANIFEST_BYTES)
      throw new ManifestError(relative, undefined, `has more than ${MAX_MANIFEST_BYTES} bytes`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/** Decodes a manifest: UTF-8, or UTF-16 with a byte order mark, as old Windows tools write. */
export function decodeManifest(relative: string, bytes: Uint8Array): string {
  const isUtf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  try {
    return new TextDecoder(isUtf16 ? "utf-16le" : "utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new ManifestError(relative, undefined, "is not UTF-8 text");
  }
}

/** Reads the files of a manifest and checks that they are what discovery saw. */
export async function readVerified(
  root: string,
  files: readonly ManifestFile[],
): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for (const file of files) {
    const bytes = await readManifestFile(root, file.path).catch((error: unknown) => {
      if (error instanceof ManifestError) throw error;
      throw new ManifestChangedError(`${file.path}: ${reasonOf(error)}`);
    });
    if (sha256(bytes) !== file.sha256)
      throw new ManifestChangedError(`${file.path}: changed since it was discovered`);
    texts.set(file.path, decodeManifest(file.path, bytes));
  }
  return texts;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
