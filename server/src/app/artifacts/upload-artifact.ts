import type { Artifact } from "../../domain/artifact.ts";
import type { QuotaExceeded } from "../flow/refusals.ts";
import { type StoredArtifactPorts, storedArtifact } from "./stored-artifact.ts";

/** What an upload says about itself before its bytes. */
export interface UploadHeader {
  /** A UUID; the same for every try at this upload. */
  readonly uploadId: string;
  /** "sha256:…" that the whole must have. */
  readonly digest: string;
  /** How many bytes the whole must have. */
  readonly sizeBytes: number;
  readonly mediaType: string;
  /** Where the first chunk belongs, in bytes from the start. */
  readonly writeOffset: number;
}

/** An upload that this process alone may write to, until it is finished or suspended. */
export interface OpenUpload {
  /** Adds bytes at the end. After "disk_full" the upload can only be suspended. */
  append(chunk: Uint8Array): Promise<"written" | "disk_full">;
  /**
   * Hashes what is on the disk and, if it has the digest, puts it in its place, durably. On
   * "digest_mismatch" the bytes are gone, on "taken_over" another server goes on with them. Ends
   * the upload, except on "disk_full".
   */
  finish(): Promise<"stored" | "digest_mismatch" | "disk_full" | "taken_over">;
  /**
   * Makes durable what has been written and lets go of the upload, which can then be resumed.
   * Returns how many bytes are safe. Does nothing when the upload has ended.
   */
  suspend(): Promise<number>;
}

/** What opening an upload can come to. */
export type UploadOpening =
  | { readonly kind: "open"; readonly upload: OpenUpload }
  /** Another stream writes this upload. */
  | { readonly kind: "in_progress" }
  /** writeOffset is not what is committed. */
  | { readonly kind: "offset_mismatch"; readonly committedSize: number }
  | { readonly kind: "disk_full"; readonly committedSize: number };

/** What an upload can come to. Nothing but "complete" leaves an artifact that can be read. */
export type UploadResult =
  | { readonly kind: "complete"; readonly artifact: Artifact; readonly alreadyExisted: boolean }
  | Exclude<UploadOpening, { readonly kind: "open" }>
  | QuotaExceeded
  /** The bytes do not have the digest; the upload is discarded. */
  | { readonly kind: "digest_mismatch" }
  /** The chunks ended too early; what came is kept. */
  | { readonly kind: "incomplete"; readonly committedSize: number }
  /** More bytes than the header said; what fitted is kept. */
  | { readonly kind: "too_long" };

/** What {@link uploadArtifact} needs. */
export interface UploadPorts extends StoredArtifactPorts {
  /** Keeps room within the tenant's quota until it is released, or says why there is none. */
  readonly reserve: (
    tenant: string,
    sizeBytes: number,
  ) => Promise<{ readonly kind: "reserved"; readonly release: () => void } | QuotaExceeded>;
  readonly open: (tenant: string, header: UploadHeader) => Promise<UploadOpening>;
  /** Writes the row, unless it is there; answers the row and whether this call made it. */
  readonly record: (
    tenant: string,
    facts: Omit<Artifact, "createdAt">,
  ) => Promise<{ readonly artifact: Artifact; readonly created: boolean }>;
}

/**
 * Takes the bytes of one artifact. The bytes are durable before the row is written, so a row
 * never names bytes that are not there. When `chunks` throws, what came before is kept and the
 * error is passed on.
 */
export const uploadArtifact =
  (ports: UploadPorts) =>
  async (
    tenant: string,
    header: UploadHeader,
    chunks: AsyncIterable<Uint8Array>,
  ): Promise<UploadResult> => {
    const present = await storedArtifact(ports, tenant, header.digest);
    if (present !== undefined) {
      return { kind: "complete", artifact: present, alreadyExisted: true };
    }
    const room = await ports.reserve(tenant, header.sizeBytes);
    if (room.kind !== "reserved") return room;
    try {
      return await takeBytes(ports, tenant, header, chunks);
    } finally {
      room.release();
    }
  };

async function takeBytes(
  ports: UploadPorts,
  tenant: string,
  header: UploadHeader,
  chunks: AsyncIterable<Uint8Array>,
): Promise<UploadResult> {
  // In place without a row: the ledger was away when the upload finished. The digest was
  // checked before the bytes were put there.
  if (await ports.holds(tenant, header.digest, header.sizeBytes)) {
    return await complete(ports, tenant, header);
  }
  const opening = await ports.open(tenant, header);
  if (opening.kind !== "open") return opening;
  const { upload } = opening;
  try {
    const stopped = await receive(upload, header, chunks);
    if (stopped !== undefined) return stopped;
    const finished = await upload.finish();
    if (finished === "digest_mismatch") return { kind: "digest_mismatch" };
    if (finished === "taken_over") return { kind: "in_progress" };
    if (finished === "disk_full") {
      return { kind: "disk_full", committedSize: await upload.suspend() };
    }
  } finally {
    await upload.suspend();
  }
  return await complete(ports, tenant, header);
}

/** Appends the chunks; answers why it stopped, or undefined when every byte is in. */
async function receive(
  upload: OpenUpload,
  header: UploadHeader,
  chunks: AsyncIterable<Uint8Array>,
): Promise<UploadResult | undefined> {
  let size = header.writeOffset;
  for await (const chunk of chunks) {
    if (size + chunk.length > header.sizeBytes) return { kind: "too_long" };
    if ((await upload.append(chunk)) === "disk_full") {
      return { kind: "disk_full", committedSize: await upload.suspend() };
    }
    size += chunk.length;
  }
  if (size === header.sizeBytes) return undefined;
  return { kind: "incomplete", committedSize: await upload.suspend() };
}

async function complete(
  ports: UploadPorts,
  tenant: string,
  header: UploadHeader,
): Promise<UploadResult> {
  const { digest, sizeBytes, mediaType } = header;
  const { artifact, created } = await ports.record(tenant, { digest, sizeBytes, mediaType });
  return { kind: "complete", artifact, alreadyExisted: !created };
}
