import { createHash } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { v7 } from "uuid";
import type { Connection } from "../client/connection.ts";
import { OrchestratorError, toOrchestratorError } from "../errors.ts";
import { backoffMs, callAborted, contractBackoff, pause } from "../retry.ts";

/** How to download. */
export interface DownloadOptions {
  /** Gives the download up. */
  readonly signal?: AbortSignal;
}

/** What a download needs to know besides its options. */
export interface DownloadContext {
  readonly connection: Connection;
  /** The download is given up after this long without a new byte, in milliseconds. */
  readonly stallTimeoutMs: number;
}

const mismatch = (digest: string, found: string): OrchestratorError =>
  new OrchestratorError(`what came for ${digest} has the digest ${found}`, {
    code: "data_loss",
    reason: "DIGEST_MISMATCH",
    metadata: { expected: digest, found },
  });

/**
 * Yields an artifact's bytes in order, going on where a broken stream ended, and throws
 * DIGEST_MISMATCH at the end when they are not the artifact: trust nothing before the end.
 */
export async function* download(
  context: DownloadContext,
  digest: string,
  options: DownloadOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const hasher = createHash("sha256");
  // A consumer that breaks out of the loop must end the stream: see `finally`.
  const stop = new AbortController();
  const calls = options.signal ? AbortSignal.any([stop.signal, options.signal]) : stop.signal;
  let offset = 0;
  let size: number | undefined;
  let movedAt = performance.now();
  try {
    for (let tries = 0; offset !== size; tries++) {
      try {
        const request = { digest, offset: BigInt(offset) };
        const stream = context.connection.artifacts.downloadArtifact(request, { signal: calls });
        for await (const { message } of stream) {
          if (message.case === "artifact") size = Number(message.value.sizeBytes);
          if (message.case !== "chunk") continue;
          hasher.update(message.value);
          offset += message.value.length;
          tries = 0;
          yield message.value;
          movedAt = performance.now();
        }
        if (size === undefined || offset < size) throw cutShort(digest);
        if (offset > size) throw mismatch(digest, `a longer stream: ${offset} of ${size} bytes`);
      } catch (cause) {
        if (options.signal?.aborted) throw callAborted(options.signal);
        const error = toOrchestratorError(cause);
        if (!error.isRetryable || performance.now() - movedAt > context.stallTimeoutMs) throw error;
        await pause(backoffMs(tries, contractBackoff, Math.random(), error.retryAfterMs), calls);
        if (options.signal?.aborted) throw callAborted(options.signal);
      }
    }
    const found = `sha256:${hasher.digest("hex")}`;
    if (found !== digest) throw mismatch(digest, found);
  } finally {
    stop.abort();
  }
}

const cutShort = (digest: string): OrchestratorError =>
  new OrchestratorError(`the stream of ${digest} ended early`, {
    code: "unavailable",
    reason: "CONNECTION_FAILED",
  });

/** An artifact's bytes, verified, in memory. */
export async function downloadBytes(
  context: DownloadContext,
  digest: string,
  options?: DownloadOptions,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of download(context, digest, options)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/**
 * Writes an artifact to a file that appears complete and verified or not at all: into a
 * neighbour first, synced, then renamed over `path`.
 */
export async function downloadTo(
  context: DownloadContext,
  digest: string,
  path: string,
  options?: DownloadOptions,
): Promise<void> {
  const part = `${path}.${v7()}.part`;
  const file = await open(part, "wx");
  try {
    try {
      for await (const chunk of download(context, digest, options)) await writeAll(file, chunk);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

async function writeAll(
  file: { write(chunk: Uint8Array, at: number): Promise<{ bytesWritten: number }> },
  chunk: Uint8Array,
): Promise<void> {
  for (let at = 0; at < chunk.length; ) at += (await file.write(chunk, at)).bytesWritten;
}
