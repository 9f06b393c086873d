import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import type { downloadArtifact } from "../app/artifacts/download-artifact.ts";
import type { findMissing } from "../app/artifacts/find-missing.ts";
import type { queryUpload } from "../app/artifacts/query-upload.ts";
import type {
  UploadHeader as AppUploadHeader,
  UploadResult,
  uploadArtifact,
} from "../app/artifacts/upload-artifact.ts";
import { type Artifact, DEFAULT_MEDIA_TYPE } from "../domain/artifact.ts";
import {
  type Artifact as ArtifactMessage,
  ArtifactSchema,
  type ArtifactService,
  type UploadArtifactRequest,
  type UploadHeader,
} from "../gen/stellaops/orchestrator/v1/artifact_pb.ts";
import {
  aborted,
  dataLoss,
  invalidArgument,
  notFound,
  outOfRange,
  resourceExhausted,
  unavailable,
} from "./errors.ts";
import { tenantOf } from "./interceptors/tenant.ts";
import { refusalError } from "./refusals.ts";
import { untilAborted } from "./until-aborted.ts";

/** The use cases behind the service, and what else it needs. */
export interface ArtifactServicePorts {
  readonly findMissing: ReturnType<typeof findMissing>;
  readonly upload: ReturnType<typeof uploadArtifact>;
  readonly queryUpload: ReturnType<typeof queryUpload>;
  readonly download: ReturnType<typeof downloadArtifact>;
  /**
   * Aborted when the server stops: transfers end with UNAVAILABLE then, rather than take up the
   * drain grace, and are resumed elsewhere or later.
   */
  readonly stopping: AbortSignal;
}

/** How long a caller should wait before it looks whether the disk has room, in milliseconds. */
const DISK_FULL_RETRY_MS = 30_000;

/** How long a caller should wait for another stream's upload, in milliseconds. */
const IN_PROGRESS_RETRY_MS = 1_000;

/** ArtifactService: translates, and leaves the work to the use cases. */
export const artifactService = (
  ports: ArtifactServicePorts,
): ServiceImpl<typeof ArtifactService> => ({
  async findMissingArtifacts(request, context) {
    const missingDigests = await ports.findMissing(tenantOf(context), request.digests);
    return { missingDigests };
  },

  async uploadArtifact(requests, context) {
    const stop = AbortSignal.any([context.signal, ports.stopping]);
    const messages = untilAborted(requests, stop, () => endOf(context, ports.stopping));
    const iterator = messages[Symbol.asyncIterator]();
    const header = await readHeader(iterator);
    const result = await ports.upload(tenantOf(context), header, readChunks(iterator));
    if (result.kind !== "complete") throw uploadError(result, header);
    const { artifact, alreadyExisted } = result;
    return { artifact: artifactMessage(artifact), alreadyExisted };
  },

  async queryUpload(request, context) {
    const tenant = tenantOf(context);
    const progress = await ports.queryUpload(tenant, request.uploadId, request.digest);
    return { committedSize: BigInt(progress.committedSize), complete: progress.complete };
  },

  async *downloadArtifact(request, context) {
    const { digest, offset } = request;
    const result = await ports.download(tenantOf(context), digest, Number(offset));
    if (result.kind !== "found") throw downloadError(result, digest, offset);
    yield { message: { case: "artifact", value: artifactMessage(result.artifact) } };
    for await (const chunk of result.chunks) {
      if (context.signal.aborted || ports.stopping.aborted) throw endOf(context, ports.stopping);
      yield { message: { case: "chunk", value: chunk } };
    }
  },
});

/** An artifact as the contract writes it. */
export const artifactMessage = (artifact: Artifact): ArtifactMessage =>
  create(ArtifactSchema, {
    digest: artifact.digest,
    sizeBytes: BigInt(artifact.sizeBytes),
    mediaType: artifact.mediaType,
    createTime: timestampFromDate(artifact.createdAt),
  });

function endOf(context: HandlerContext, stopping: AbortSignal): ConnectError {
  if (stopping.aborted) return unavailable("SERVER_STOPPING");
  return ConnectError.from(context.signal.reason);
}

async function readHeader(
  messages: AsyncIterator<UploadArtifactRequest>,
): Promise<AppUploadHeader> {
  const first = await messages.next();
  const message = first.done === true ? undefined : first.value.message;
  if (message?.case !== "header") {
    throw invalidArgument("UPLOAD_HEADER_REQUIRED", [
      { field: "header", description: "the first message must be the header" },
    ]);
  }
  return headerOf(message.value);
}

function headerOf(header: UploadHeader): AppUploadHeader {
  // Printable ASCII is all that a media type has (RFC 9110), and all that is safe in a header.
  if (!/^[\x20-\x7e]*$/.test(header.mediaType)) {
    const description = "must be printable ASCII";
    throw invalidArgument("REQUEST_INVALID", [{ field: "header.media_type", description }]);
  }
  if (header.writeOffset > header.sizeBytes) {
    const description = "must not be larger than size_bytes";
    throw invalidArgument("REQUEST_INVALID", [{ field: "header.write_offset", description }]);
  }
  return {
    uploadId: header.uploadId,
    digest: header.digest,
    sizeBytes: Number(header.sizeBytes),
    mediaType: header.mediaType === "" ? DEFAULT_MEDIA_TYPE : header.mediaType,
    writeOffset: Number(header.writeOffset),
  };
}

async function* readChunks(
  messages: AsyncIterator<UploadArtifactRequest>,
): AsyncIterable<Uint8Array> {
  for (;;) {
    const next = await messages.next();
    if (next.done === true) return;
    if (next.value.message.case !== "chunk") {
      throw invalidArgument("UPLOAD_HEADER_REPEATED", [
        { field: "header", description: "only the first message may be a header" },
      ]);
    }
    yield next.value.message.value;
  }
}

function uploadError(
  result: Exclude<UploadResult, { kind: "complete" }>,
  header: AppUploadHeader,
): ConnectError {
  const { digest, uploadId } = header;
  switch (result.kind) {
    case "in_progress":
      return aborted("UPLOAD_IN_PROGRESS", {
        retryAfterMs: IN_PROGRESS_RETRY_MS,
        metadata: { uploadId },
      });
    case "offset_mismatch": {
      const { committedSize } = result;
      const { writeOffset } = header;
      return outOfRange("UPLOAD_OFFSET_MISMATCH", { committedSize, writeOffset, uploadId });
    }
    case "disk_full":
      return resourceExhausted("DISK_FULL", {
        retryAfterMs: DISK_FULL_RETRY_MS,
        metadata: { committedSize: result.committedSize, uploadId },
      });
    case "quota_exceeded":
      return refusalError(result);
    case "digest_mismatch":
      return dataLoss("DIGEST_MISMATCH", { digest, uploadId });
    case "incomplete": {
      const description = "the chunks ended before size_bytes";
      const metadata = { committedSize: result.committedSize, uploadId };
      return invalidArgument("UPLOAD_INCOMPLETE", [{ field: "chunk", description }], metadata);
    }
    case "too_long": {
      const description = "more bytes than size_bytes";
      return invalidArgument("UPLOAD_TOO_LONG", [{ field: "chunk", description }], { uploadId });
    }
  }
}

function downloadError(
  result: Exclude<Awaited<ReturnType<ArtifactServicePorts["download"]>>, { kind: "found" }>,
  digest: string,
  offset: bigint,
): ConnectError {
  switch (result.kind) {
    case "not_found":
      return notFound("ARTIFACT_NOT_FOUND", { digest });
    case "offset_beyond_end":
      return outOfRange("OFFSET_BEYOND_END", { offset, sizeBytes: result.sizeBytes });
    case "bytes_missing":
      return dataLoss("ARTIFACT_BYTES_MISSING", { digest });
  }
}
