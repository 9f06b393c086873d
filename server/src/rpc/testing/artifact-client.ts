import { createHash, randomUUID } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import {
  ArtifactService,
  type UploadArtifactRequestSchema,
} from "../../gen/stellaops/orchestrator/v1/artifact_pb.ts";
import { TENANT_HEADER } from "../interceptors/tenant.ts";

/** Bytes in a mebibyte. */
export const MIB = 1024 * 1024;

/** A message of an upload. */
export type UploadMessage = MessageInitShape<typeof UploadArtifactRequestSchema>;
/** A client of ArtifactService. */
export type ArtifactClient = Client<typeof ArtifactService>;

/** "sha256:…" of the bytes. */
export const digestOf = (bytes: Uint8Array): string =>
  `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

/** Call options that act for a tenant. */
export const as = (tenant: string) => ({ headers: { [TENANT_HEADER]: tenant } });

/** A gRPC client of the server at the address. */
export const clientOf = (baseUrl: string): ArtifactClient =>
  createClient(ArtifactService, createGrpcTransport({ baseUrl }));

/** What a header says that does not follow from the bytes. */
export interface HeaderOver {
  readonly uploadId?: string;
  readonly digest?: string;
  readonly sizeBytes?: bigint;
  readonly writeOffset?: bigint;
  readonly mediaType?: string;
}

/** The header of an upload of the bytes. */
export const headerOf = (bytes: Uint8Array, over: HeaderOver = {}): UploadMessage => ({
  message: {
    case: "header",
    value: {
      uploadId: randomUUID(),
      digest: digestOf(bytes),
      sizeBytes: BigInt(bytes.length),
      ...over,
    },
  },
});

/** A chunk. */
export const chunkOf = (value: Uint8Array): UploadMessage => ({
  message: { case: "chunk", value },
});

/** A whole upload, from the offset in `over` on. */
export async function* messages(
  bytes: Uint8Array,
  over: HeaderOver = {},
): AsyncIterable<UploadMessage> {
  yield headerOf(bytes, over);
  for (let start = Number(over.writeOffset ?? 0n); start < bytes.length; start += MIB) {
    yield chunkOf(bytes.subarray(start, start + MIB));
  }
}

/** Just these messages. */
export async function* from(...list: UploadMessage[]): AsyncIterable<UploadMessage> {
  yield* list;
}

/** Downloads to the end. */
export async function download(client: ArtifactClient, digest: string, offset = 0n, tenant = "a") {
  const parts: Uint8Array[] = [];
  let facts: { digest: string; sizeBytes: bigint; mediaType: string } | undefined;
  for await (const { message } of client.downloadArtifact({ digest, offset }, as(tenant))) {
    if (message.case === "artifact") facts = message.value;
    if (message.case === "chunk") parts.push(message.value);
  }
  return { facts, bytes: Buffer.concat(parts), chunks: parts.length };
}

/** What a call failed with, as a client sees it. */
export async function failure(call: Promise<unknown>) {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ConnectError)) throw new Error(`expected an RPC error, got ${error}`);
  const info = error.findDetails(ErrorInfoSchema)[0];
  return { code: Code[error.code], reason: info?.reason, metadata: info?.metadata ?? {} };
}
