import { createHash } from "node:crypto";
import { type FileHandle, open, opendir, rename, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { UploadHeader, UploadOpening } from "../app/artifacts/upload-artifact.ts";
import { ensureFolder, isDiskFull, isMissing, syncFolder } from "./durable-files.ts";
import { PartFile } from "./part-file.ts";

/** How much of a blob is read at a time, in bytes. */
const READ_BYTES = 512 * 1024;

/** Where the bytes of artifacts are: on a local disk, per tenant, under their own digest. */
export interface BlobFolder {
  /** Whether the tenant's blob is there with just this size. */
  holds(tenant: string, digest: string, sizeBytes: number): Promise<boolean>;
  /** Starts or resumes an upload. */
  open(tenant: string, header: UploadHeader): Promise<UploadOpening>;
  /** How many bytes of an upload would survive a power cut now; 0 if nobody knows it. */
  committedSize(tenant: string, uploadId: string, digest: string): Promise<number>;
  /** The bytes from `offset` on. Opens the file when the first chunk is asked for. */
  read(tenant: string, digest: string, offset: number): AsyncIterable<Uint8Array>;
  /** Removes uploads that nobody has written to since `before`; returns how many. */
  removeStaleUploads(before: Date): Promise<number>;
}

/**
 * Opens the folder `root`, which is made when needed:
 *
 *     <root>/<tenant>/sha256/ab/cdef…    a blob, complete and verified
 *     <root>/<tenant>/uploads/<id>.<hex> the part of an upload that has come so far
 *
 * A part becomes a blob by a rename after its bytes are on the disk and have been hashed, so what
 * has the name of a digest has the digest. Uploads are kept apart from each other within this
 * process; only one server may use a folder.
 */
export const openBlobFolder = (root: string): BlobFolder => new LocalBlobs(root);

class LocalBlobs implements BlobFolder {
  readonly #root: string;
  /** Parts that are being written or removed, by path; undefined while that is being set up. */
  readonly #busy = new Map<string, PartFile | undefined>();

  constructor(root: string) {
    this.#root = root;
  }

  async holds(tenant: string, digest: string, sizeBytes: number): Promise<boolean> {
    try {
      const found = await stat(this.#blob(tenant, digest).path);
      return found.size === sizeBytes;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  async open(tenant: string, header: UploadHeader): Promise<UploadOpening> {
    const path = this.#part(tenant, header.uploadId, header.digest);
    if (this.#busy.has(path)) return { kind: "in_progress" };
    this.#busy.set(path, undefined);
    let part: PartFile | undefined;
    try {
      const committedSize = await durableSize(path);
      if (header.writeOffset !== committedSize) return { kind: "offset_mismatch", committedSize };
      try {
        await ensureFolder(join(this.#home(tenant), "uploads"));
        part = await PartFile.open(path, committedSize, {
          verify: (file) => hasDigest(file, header.digest),
          publish: () => this.#publish(tenant, header.digest, path),
          closed: () => this.#busy.delete(path),
        });
      } catch (error) {
        if (isDiskFull(error)) return { kind: "disk_full", committedSize };
        throw error;
      }
      this.#busy.set(path, part);
      return { kind: "open", upload: part };
    } finally {
      if (part === undefined) this.#busy.delete(path);
    }
  }

  async committedSize(tenant: string, uploadId: string, digest: string): Promise<number> {
    const path = this.#part(tenant, uploadId, digest);
    return this.#busy.get(path)?.durableBytes ?? (await durableSize(path));
  }

  async *read(tenant: string, digest: string, offset: number): AsyncIterable<Uint8Array> {
    const file = await open(this.#blob(tenant, digest).path);
    try {
      for (let position = offset; ; ) {
        // A buffer of its own each time: the one before may still be on its way out.
        const { bytesRead, buffer } = await file.read(
          Buffer.allocUnsafeSlow(READ_BYTES),
          0,
          READ_BYTES,
          position,
        );
        if (bytesRead === 0) return;
        yield buffer.subarray(0, bytesRead);
        position += bytesRead;
      }
    } finally {
      await file.close();
    }
  }

  async removeStaleUploads(before: Date): Promise<number> {
    let removed = 0;
    for await (const tenantFolder of entries(this.#root)) {
      for await (const path of entries(join(tenantFolder, "uploads"))) {
        if (await this.#removeIfStale(path, before)) removed++;
      }
    }
    return removed;
  }

  async #removeIfStale(path: string, before: Date): Promise<boolean> {
    if (this.#busy.has(path)) return false;
    this.#busy.set(path, undefined);
    try {
      if ((await stat(path)).mtime >= before) return false;
      await unlink(path);
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    } finally {
      this.#busy.delete(path);
    }
  }

  async #publish(tenant: string, digest: string, part: string): Promise<void> {
    const { folder, path } = this.#blob(tenant, digest);
    await ensureFolder(folder);
    await rename(part, path);
    // The name is durable when its folder is, and that when its own is.
    await syncFolder(folder);
    await syncFolder(join(folder, ".."));
    await syncFolder(this.#home(tenant));
  }

  #home(tenant: string): string {
    return join(this.#root, folderName(tenant));
  }

  #part(tenant: string, uploadId: string, digest: string): string {
    return join(this.#home(tenant), "uploads", `${checkedId(uploadId)}.${hexOf(digest)}`);
  }

  #blob(tenant: string, digest: string): { folder: string; path: string } {
    const hex = hexOf(digest);
    const folder = join(this.#home(tenant), "sha256", hex.slice(0, 2));
    return { folder, path: join(folder, hex.slice(2)) };
  }
}

const TENANT = /^[a-z0-9][a-z0-9._-]{0,62}$/;
const UPLOAD_ID = /^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** Names that Windows gives to devices or, ending in a dot, to the folder without it. */
const ALIASED_ON_WINDOWS = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)|\.$/;

/**
 * The folder of a tenant. Everybody upstream has checked the tenant already; this is what stands
 * between a mistake there and another tenant's files.
 */
function folderName(tenant: string): string {
  if (!TENANT.test(tenant)) throw new Error("not a tenant");
  return ALIASED_ON_WINDOWS.test(tenant) ? `~${tenant}~` : tenant;
}

function checkedId(uploadId: string): string {
  if (!UPLOAD_ID.test(uploadId)) throw new Error("not an upload id");
  return uploadId.toLowerCase();
}

function hexOf(digest: string): string {
  if (!DIGEST.test(digest)) throw new Error("not a digest");
  return digest.slice("sha256:".length);
}

/** The size in bytes after everything written so far is on the disk; 0 if there is no file. */
async function durableSize(path: string): Promise<number> {
  let file: FileHandle;
  try {
    file = await open(path, "r+");
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  }
  try {
    await file.datasync();
    return (await file.stat()).size;
  } finally {
    await file.close();
  }
}

async function hasDigest(file: FileHandle, digest: string): Promise<boolean> {
  const hash = createHash("sha256");
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  for (let position = 0; ; ) {
    const { bytesRead } = await file.read(buffer, 0, READ_BYTES, position);
    if (bytesRead === 0) return hash.digest("hex") === hexOf(digest);
    hash.update(buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
}

/** The paths in a folder; none if there is no such folder. */
async function* entries(folder: string): AsyncIterable<string> {
  try {
    for await (const entry of await opendir(folder)) yield join(folder, entry.name);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}
