import { createHash, hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { OrchestratorError } from "../errors.ts";

/** What to upload: bytes in memory, or a file. */
export type ArtifactSource = Uint8Array | { readonly path: string };

/** A source whose digest and size are known. */
export interface MeasuredSource {
  /** "sha256:" and 64 lower-case hexadecimal digits. */
  readonly digest: string;
  readonly sizeBytes: number;
  /** Reads from a byte offset to the end, in chunks of at most `chunkBytes`. */
  read(offset: number, chunkBytes: number): AsyncIterable<Uint8Array>;
}

/** The digest of bytes as the contract writes it. */
export const digestOf = (bytes: Uint8Array): string => `sha256:${hash("sha256", bytes, "hex")}`;

/**
 * Hashes a source. A file is read twice in all, now and when it is sent, and is never held in
 * memory; one that changes in between is noticed by its size here and by its digest on the
 * server.
 */
export async function measure(
  source: ArtifactSource,
  signal?: AbortSignal,
): Promise<MeasuredSource> {
  return source instanceof Uint8Array
    ? measureBytes(source)
    : await measureFile(source.path, signal);
}

const measureBytes = (bytes: Uint8Array): MeasuredSource => ({
  digest: digestOf(bytes),
  sizeBytes: bytes.length,
  async *read(offset, chunkBytes) {
    for (let at = offset; at < bytes.length; at += chunkBytes) {
      yield bytes.subarray(at, at + chunkBytes);
    }
  },
});

async function measureFile(path: string, signal: AbortSignal | undefined): Promise<MeasuredSource> {
  const hasher = createHash("sha256");
  let sizeBytes = 0;
  for await (const chunk of readFile(path, { highWaterMark: 1 << 20, signal })) {
    hasher.update(chunk);
    sizeBytes += chunk.length;
  }
  return {
    digest: `sha256:${hasher.digest("hex")}`,
    sizeBytes,
    async *read(offset, chunkBytes) {
      const { size } = await stat(path).catch(() => ({ size: -1 }));
      if (size !== sizeBytes) throw fileChanged(path, sizeBytes, size);
      if (offset === sizeBytes) return;
      const end = sizeBytes - 1;
      let at = offset;
      for await (const chunk of readFile(path, { start: offset, end, highWaterMark: chunkBytes })) {
        at += chunk.length;
        yield chunk;
      }
      if (at !== sizeBytes) throw fileChanged(path, sizeBytes, at);
    },
  };
}

type ReadOptions = Exclude<Parameters<typeof createReadStream>[1], string | undefined>;

async function* readFile(path: string, options: ReadOptions): AsyncGenerator<Buffer> {
  try {
    yield* createReadStream(path, options) as AsyncIterable<Buffer>;
  } catch (cause) {
    throw new OrchestratorError(`cannot read ${path}: ${cause}`, {
      code: "failed_precondition",
      reason: "FILE_UNREADABLE",
      metadata: { path },
      cause,
    });
  }
}

const fileChanged = (path: string, expected: number, found: number): OrchestratorError =>
  new OrchestratorError(`${path} changed while it was uploaded`, {
    code: "failed_precondition",
    reason: "FILE_CHANGED",
    metadata: { path, expectedBytes: String(expected), foundBytes: String(found) },
  });
