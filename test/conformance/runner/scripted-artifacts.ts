import { create, toJson } from "@bufbuild/protobuf";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import {
  ArtifactService,
  DownloadArtifactRequestSchema,
  DownloadArtifactResponseSchema,
  FindMissingArtifactsRequestSchema,
  QueryUploadRequestSchema,
  type UploadArtifactRequest,
  type UploadHeader,
  UploadHeaderSchema,
} from "./api.ts";
import type { Journal } from "./journal.ts";
import type { Replies, Reply } from "./scripted-calls.ts";
import { callError } from "./scripted-errors.ts";
import { digestOf } from "./values.ts";

const CHUNK_BYTES = 256 * 1024;

const broken = () => new ConnectError("scripted break", Code.Unavailable);

/** Artifacts in memory, with streams that break where a scenario wants them to. */
export class ScriptedArtifacts {
  readonly #complete = new Map<string, Buffer>();
  readonly #parts = new Map<string, Buffer>();
  readonly #journal: Journal;
  readonly #replies: Replies;

  constructor(journal: Journal, replies: Replies) {
    this.#journal = journal;
    this.#replies = replies;
  }

  /** Makes an artifact be there already. */
  put(bytes: Buffer): void {
    this.#complete.set(digestOf(bytes), bytes);
  }

  /** The ArtifactService. */
  route(router: ConnectRouter): void {
    const { findMissingArtifacts, queryUpload, uploadArtifact, downloadArtifact } =
      ArtifactService.method;
    router.rpc(findMissingArtifacts, async (request) => {
      await this.#before(
        "FindMissingArtifacts",
        toJson(FindMissingArtifactsRequestSchema, request),
      );
      return { missingDigests: request.digests.filter((digest) => !this.#complete.has(digest)) };
    });
    router.rpc(queryUpload, async (request) => {
      await this.#before("QueryUpload", toJson(QueryUploadRequestSchema, request));
      const complete = this.#complete.get(request.digest);
      const part = this.#parts.get(request.uploadId);
      const committedSize = BigInt((complete ?? part)?.length ?? 0);
      return { committedSize, complete: complete !== undefined };
    });
    router.rpc(uploadArtifact, async (messages) => await this.#upload(messages));
    router.rpc(downloadArtifact, (request) => {
      this.#journal.add(
        "request",
        "DownloadArtifact",
        toJson(DownloadArtifactRequestSchema, request),
      );
      return this.#download(request.digest, Number(request.offset));
    });
  }

  async #before(method: string, json: ReturnType<typeof toJson>): Promise<Reply | undefined> {
    this.#journal.add("request", method, json);
    const reply = await this.#replies.next(method);
    if (reply?.error !== undefined) throw callError(reply.error);
    return reply;
  }

  async #upload(messages: AsyncIterable<UploadArtifactRequest>) {
    let header: UploadHeader | undefined;
    let part: Buffer = Buffer.alloc(0);
    let reply: Reply | undefined;
    for await (const { message } of messages) {
      if (message.case === "header") {
        header = message.value;
        reply = await this.#before("UploadArtifact", toJson(UploadHeaderSchema, header));
        const there = this.#complete.get(header.digest);
        if (there !== undefined) return this.#uploaded(header, true);
        part = this.#parts.get(header.uploadId) ?? part;
        if (Number(header.writeOffset) !== part.length) {
          const reason = "UPLOAD_OFFSET_MISMATCH";
          throw callError({ code: "OUT_OF_RANGE", reason });
        }
      } else if (message.case === "chunk" && header !== undefined) {
        this.#journal.add("request", "chunk", { size: message.value.length });
        part = Buffer.concat([part, message.value]);
        this.#parts.set(header.uploadId, part);
        if (reply?.breakAfter !== undefined && part.length >= reply.breakAfter) throw broken();
      }
    }
    if (header === undefined) throw new ConnectError("no header", Code.InvalidArgument);
    return this.#finish(header, part);
  }

  #finish(header: UploadHeader, part: Buffer) {
    this.#parts.delete(header.uploadId);
    if (digestOf(part) !== header.digest || part.length !== Number(header.sizeBytes)) {
      throw callError({ code: "DATA_LOSS", reason: "DIGEST_MISMATCH" });
    }
    this.#complete.set(header.digest, part);
    this.#journal.add("note", "artifact", { digest: header.digest, sizeBytes: part.length });
    return this.#uploaded(header, false);
  }

  #uploaded({ digest, sizeBytes, mediaType }: UploadHeader, alreadyExisted: boolean) {
    return { artifact: { digest, sizeBytes, mediaType }, alreadyExisted };
  }

  async *#download(digest: string, offset: number) {
    const reply = await this.#replies.next("DownloadArtifact");
    if (reply?.error !== undefined) throw callError(reply.error);
    const bytes = this.#complete.get(digest);
    if (bytes === undefined) throw callError({ code: "NOT_FOUND", reason: "ARTIFACT_NOT_FOUND" });
    const artifact = { digest, sizeBytes: BigInt(bytes.length) };
    yield create(DownloadArtifactResponseSchema, {
      message: { case: "artifact", value: artifact },
    });
    for (let at = offset; at < bytes.length; at += CHUNK_BYTES) {
      if (reply?.breakAfter !== undefined && at - offset >= reply.breakAfter) throw broken();
      const value = Buffer.from(bytes.subarray(at, at + CHUNK_BYTES));
      if (reply?.corrupt) value[0] = (value[0] ?? 0) ^ 1;
      yield create(DownloadArtifactResponseSchema, { message: { case: "chunk", value } });
    }
  }
}
