import type { Connection } from "../client/connection.ts";
import { ArtifactRef } from "../payload.ts";
import { callAborted, type RetryOptions, withRetries } from "../retry.ts";
import { type DownloadOptions, download, downloadBytes, downloadTo } from "./download.ts";
import { type ArtifactSource, measure } from "./source.ts";
import { Upload, type UploadOptions } from "./upload.ts";

/** An artifact that the server has; usable as a job's payload. */
export class UploadedArtifact extends ArtifactRef {
  readonly sizeBytes: number;
  /** True: the tenant had it already and nothing was sent. */
  readonly alreadyExisted: boolean;

  constructor(digest: string, sizeBytes: number, alreadyExisted: boolean) {
    super(digest);
    this.sizeBytes = sizeBytes;
    this.alreadyExisted = alreadyExisted;
  }
}

/** Bytes that jobs produce or read, named by their SHA-256. */
export class Artifacts {
  readonly #connection: Connection;
  readonly #timeoutMs: number;

  /** Made by the Orchestrator; `timeoutMs` bounds a stall, not a whole transfer. */
  constructor(connection: Connection, timeoutMs: number) {
    this.#connection = connection;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Uploads bytes or a file unless the tenant has them already. A broken stream is resumed
   * where the server's committed bytes end. Errors: DIGEST_MISMATCH, DISK_FULL, FILE_CHANGED,
   * FILE_UNREADABLE.
   */
  async upload(source: ArtifactSource, options: UploadOptions = {}): Promise<UploadedArtifact> {
    const measured = await measure(source, options.signal).catch((error: unknown) => {
      throw options.signal?.aborted ? callAborted(options.signal) : error;
    });
    const { digest, sizeBytes } = measured;
    if (!(await this.#isMissing(digest, options.signal))) {
      return new UploadedArtifact(digest, sizeBytes, true);
    }
    const context = { connection: this.#connection, stallTimeoutMs: this.#timeoutMs };
    const { alreadyExisted } = await new Upload(context, measured, options).run();
    return new UploadedArtifact(digest, sizeBytes, alreadyExisted);
  }

  /**
   * Streams an artifact's bytes; throws DIGEST_MISMATCH at the end when they are not what the
   * digest says. Errors: ARTIFACT_NOT_FOUND.
   */
  download(digest: string, options?: DownloadOptions): AsyncIterable<Uint8Array> {
    return download(this.#context(), digest, options);
  }

  /** Writes an artifact to a file that appears complete and verified, or not at all. */
  downloadTo(digest: string, path: string, options?: DownloadOptions): Promise<void> {
    return downloadTo(this.#context(), digest, path, options);
  }

  /** An artifact's bytes, verified, in memory. */
  bytes(digest: string, options?: DownloadOptions): Promise<Uint8Array> {
    return downloadBytes(this.#context(), digest, options);
  }

  async #isMissing(digest: string, signal: AbortSignal | undefined): Promise<boolean> {
    const retry: RetryOptions = { timeoutMs: this.#timeoutMs, signal };
    const { missingDigests } = await withRetries(
      (call) =>
        this.#connection.artifacts.findMissingArtifacts({ digests: [digest] }, { signal: call }),
      retry,
    );
    return missingDigests.includes(digest);
  }

  #context() {
    return { connection: this.#connection, stallTimeoutMs: this.#timeoutMs };
  }
}
