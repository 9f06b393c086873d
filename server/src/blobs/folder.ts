import { createHash } from "node:crypto";
import { type FileHandle, open, opendir, stat, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { UploadHeader, UploadOpening } from "../app/artifacts/upload-artifact.ts";
import { ensureFolder, isDiskFull, isMissing, syncFolder } from "./durable-files.ts";
import { PartFile } from "./part-file.ts";
import {
  committedSizeOf,
  layDown,
  renamed,
  type TakenPart,
  takePart,
  type WriterClocks,
} from "./upload-parts.ts";

/** How much of a blob is read at a time, in bytes. */
const READ_BYTES = 512 * 1024;

/**
 * Several servers may share a folder. One that was killed keeps its uploads from being resumed
 * for five seconds; one that stands still for longer sends its bytes again.
 */
const CLOCKS: WriterClocks = { beatMs: 1_000, deadAfterMs: 5_000 };

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
 *     …/uploads/<id>.<hex>.<writer>      the same while somebody writes it
 *
 * A part becomes a blob by a rename after its bytes are on the disk and have been hashed, so what
 * has the name of a digest has the digest. Any number of servers may share a folder on a file
 * system whose renames are atomic (ADR 0034): see {@link takePart}.
 *
 * @param clocks how writers know of each other whether they are alive.
 */
export const openBlobFolder = (root: string, clocks: WriterClocks = CLOCKS): BlobFolder =>
  new LocalBlobs(root, clocks);

class LocalBlobs implements BlobFolder {
  readonly #root: string;
  readonly #clocks: WriterClocks;
  /** Parts that are being written here, by their path at rest; undefined while one is opened. */
  readonly #busy = new Map<string, PartFile | undefined>();

  constructor(root: string, clocks: WriterClocks) {
    this.#root = root;
    this.#clocks = clocks;
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
    const rest = this.#part(tenant, header.uploadId, header.digest);
    if (this.#busy.has(rest)) return { kind: "in_progress" };
    this.#busy.set(rest, undefined);
    let part: PartFile | undefined;
    try {
      await ensureFolder(dirname(rest));
      const taken = await takePart(rest, header.writeOffset, this.#clocks);
      if (taken.kind !== "taken") return taken;
      part = await this.#open(tenant, header.digest, rest, taken);
      this.#busy.set(rest, part);
      return { kind: "open", upload: part };
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      return { kind: "disk_full", committedSize: await committedSizeOf(rest) };
    } finally {
      if (part === undefined) this.#busy.delete(rest);
    }
  }

  async #open(
    tenant: string,
    digest: string,
    rest: string,
    { path, size }: Extract<TakenPart, { kind: "taken" }>,
  ): Promise<PartFile> {
    try {
      return await PartFile.open(path, size, {
        beatMs: this.#clocks.beatMs,
        verify: (file) => hasDigest(file, digest),
        publish: () => this.#publish(tenant, digest, path),
        layDown: () => layDown(path, rest),
        closed: () => this.#busy.delete(rest),
      });
    } catch (error) {
      await layDown(path, rest);
      throw error;
    }
  }

  async committedSize(tenant: string, uploadId: string, digest: string): Promise<number> {
    const path = this.#part(tenant, uploadId, digest);
    return this.#busy.get(path)?.durableBytes ?? (await committedSizeOf(path));
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
    // Elsewhere, whoever writes it has touched it a moment ago.
    if (this.#busy.has(restOf(path))) return false;
    try {
      if ((await stat(path)).mtime >= before) return false;
      await unlink(path);
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  /** Answers whether the part was still this writer's; if not, nothing was done. */
  async #publish(tenant: string, digest: string, part: string): Promise<boolean> {
    const { folder, path } = this.#blob(tenant, digest);
    await ensureFolder(folder);
    if (!(await renamed(part, path))) return false;
    // The name is durable when its folder is, and that when its own is.
    await syncFolder(folder);
    await syncFolder(join(folder, ".."));
    await syncFolder(this.#home(tenant));
    return true;
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

/** The path at rest of a part, whether somebody writes it or not. */
const restOf = (path: string): string =>
  join(dirname(path), basename(path).split(".").slice(0, 2).join("."));

function checkedId(uploadId: string): string {
  if (!UPLOAD_ID.test(uploadId)) throw new Error("not an upload id");
  return uploadId.toLowerCase();
}

function hexOf(digest: string): string {
  if (!DIGEST.test(digest)) throw new Error("not a digest");
  return digest.slice("sha256:".length);
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
