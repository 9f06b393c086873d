import { create } from "@bufbuild/protobuf";
import { v7 } from "uuid";
import type { Connection } from "../client/connection.ts";
import { contractClocks } from "../contract/lease-policy.ts";
import { OrchestratorError, toOrchestratorError } from "../errors.ts";
import {
  type UploadArtifactRequest,
  UploadArtifactRequestSchema,
} from "../gen/stellaops/orchestrator/v1/artifact_pb.ts";
import { backoffMs, callAborted, contractBackoff, pause } from "../retry.ts";
import type { MeasuredSource } from "./source.ts";

// Asking again cures an offset that does not fit, and chunks that ended for the server only: here
// they end with the last byte. Waiting cures the rest.
const CURABLE: ReadonlySet<string | undefined> = new Set([
  "UPLOAD_OFFSET_MISMATCH",
  "UPLOAD_INCOMPLETE",
]);

/** How far an upload got, in bytes. */
export interface UploadProgress {
  readonly sentBytes: number;
  readonly totalBytes: number;
}

/** How to upload. */
export interface UploadOptions {
  /** "application/octet-stream" unless told. */
  readonly mediaType?: string;
  /** Called after each chunk; steps back when a broken upload is resumed. */
  readonly onProgress?: (progress: UploadProgress) => void;
  /** Gives the upload up. What was committed stays on the server for a while, unseen. */
  readonly signal?: AbortSignal;
}

/** What an {@link Upload} needs to know besides its options. */
export interface UploadContext {
  readonly connection: Connection;
  /** The upload is given up after this long without a newly committed byte, in milliseconds. */
  readonly stallTimeoutMs: number;
}

/** Sends one artifact, going on at `committed_size` after every broken stream. */
export class Upload {
  readonly #connection: Connection;
  readonly #stallTimeoutMs: number;
  readonly #source: MeasuredSource;
  readonly #options: UploadOptions;
  /** The same for every try, so that the server knows what it has. */
  readonly #uploadId = v7();
  #readError: OrchestratorError | undefined;

  constructor(context: UploadContext, source: MeasuredSource, options: UploadOptions) {
    this.#connection = context.connection;
    this.#stallTimeoutMs = context.stallTimeoutMs;
    this.#source = source;
    this.#options = options;
  }

  /** Resolves once the artifact is complete; says whether the tenant had it already. */
  async run(): Promise<{ alreadyExisted: boolean }> {
    const { signal } = this.#options;
    let committed = 0;
    let movedAt = performance.now();
    for (let tries = 0; ; tries++) {
      let error: OrchestratorError;
      try {
        // The first try knows that nothing is committed; later ones ask.
        const query = tries === 0 ? undefined : await this.#query();
        if (query?.complete) return { alreadyExisted: false };
        if (query !== undefined && query.committedSize > committed) {
          movedAt = performance.now();
          tries = 1;
        }
        committed = query?.committedSize ?? 0;
        return await this.#send(committed);
      } catch (cause) {
        if (signal?.aborted) throw callAborted(signal);
        error = toOrchestratorError(cause);
      }
      if (!error.isRetryable && !CURABLE.has(error.reason)) throw error;
      if (performance.now() - movedAt > this.#stallTimeoutMs) throw error;
      const delay = backoffMs(tries, contractBackoff, Math.random(), error.retryAfterMs);
      await pause(delay, signal);
      if (signal?.aborted) throw callAborted(signal);
    }
  }

  async #query(): Promise<{ committedSize: number; complete: boolean }> {
    const response = await this.#connection.artifacts.queryUpload(
      { uploadId: this.#uploadId, digest: this.#source.digest },
      this.#callOptions(),
    );
    return { committedSize: Number(response.committedSize), complete: response.complete };
  }

  async #send(offset: number): Promise<{ alreadyExisted: boolean }> {
    this.#readError = undefined;
    try {
      const response = await this.#connection.artifacts.uploadArtifact(
        this.#messages(offset),
        this.#callOptions(),
      );
      return { alreadyExisted: response.alreadyExisted };
    } catch (error) {
      throw this.#readError ?? error;
    }
  }

  async *#messages(offset: number): AsyncGenerator<UploadArtifactRequest, void, undefined> {
    const { digest, sizeBytes } = this.#source;
    yield create(UploadArtifactRequestSchema, {
      message: {
        case: "header",
        value: {
          uploadId: this.#uploadId,
          digest,
          sizeBytes: BigInt(sizeBytes),
          mediaType: this.#options.mediaType ?? "",
          writeOffset: BigInt(offset),
        },
      },
    });
    let sentBytes = offset;
    try {
      for await (const value of this.#source.read(offset, contractClocks.artifactChunkBytes)) {
        yield create(UploadArtifactRequestSchema, { message: { case: "chunk", value } });
        sentBytes += value.length;
        this.#options.onProgress?.({ sentBytes, totalBytes: sizeBytes });
      }
    } catch (error) {
      // Only what reading threw: the transport throws a broken stream's error in here, too.
      if (error instanceof OrchestratorError) this.#readError = error;
      throw error;
    }
  }

  #callOptions(): { signal?: AbortSignal } {
    return this.#options.signal ? { signal: this.#options.signal } : {};
  }
}
