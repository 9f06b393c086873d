import { type FileHandle, open, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import type { OpenUpload } from "../app/artifacts/upload-artifact.ts";
import { isDiskFull, syncFolder } from "./durable-files.ts";

/** Sync after this many bytes, so that the last sync of a large upload is not a long one. */
const SYNC_EVERY_BYTES = 16 * 1024 * 1024;

/** What a {@link PartFile} leaves to its folder. */
export interface PartFileHooks {
  /** Whether the whole file is what it should be. */
  readonly verify: (file: FileHandle) => Promise<boolean>;
  /** Gives the closed and durable file its final name, durably. */
  readonly publish: () => Promise<void>;
  /** Told once, when the file is closed. */
  readonly closed: () => void;
}

/** The bytes of an upload so far: a file that only grows, and never counts what may be lost. */
export class PartFile implements OpenUpload {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #hooks: PartFileHooks;
  #written: number;
  #durable: number;
  #open = true;

  private constructor(path: string, file: FileHandle, size: number, hooks: PartFileHooks) {
    this.#path = path;
    this.#file = file;
    this.#hooks = hooks;
    this.#written = size;
    this.#durable = size;
  }

  /** Opens or makes the file; `size` is how many bytes of it are durable. */
  static async open(path: string, size: number, hooks: PartFileHooks): Promise<PartFile> {
    const file = await open(path, size === 0 ? "w+" : "r+");
    try {
      if (size === 0) await syncFolder(dirname(path));
    } catch (error) {
      await file.close();
      throw error;
    }
    return new PartFile(path, file, size, hooks);
  }

  /** How many bytes would survive a power cut now. */
  get durableBytes(): number {
    return this.#durable;
  }

  async append(chunk: Uint8Array): Promise<"written" | "disk_full"> {
    try {
      for (let done = 0; done < chunk.length; ) {
        const rest = chunk.length - done;
        done += (await this.#file.write(chunk, done, rest, this.#written + done)).bytesWritten;
      }
      this.#written += chunk.length;
      if (this.#written - this.#durable >= SYNC_EVERY_BYTES) await this.#sync();
      return "written";
    } catch (error) {
      // A chunk counts as a whole or not at all.
      await this.#file.truncate(this.#written);
      if (isDiskFull(error)) return "disk_full";
      throw error;
    }
  }

  async finish(): Promise<"stored" | "digest_mismatch" | "disk_full"> {
    try {
      await this.#sync();
      const verified = await this.#hooks.verify(this.#file);
      await this.#file.close();
      if (verified) await this.#hooks.publish();
      else await this.#remove();
      this.#end();
      return verified ? "stored" : "digest_mismatch";
    } catch (error) {
      if (isDiskFull(error)) return "disk_full";
      throw error;
    }
  }

  async suspend(): Promise<number> {
    if (!this.#open) return this.#durable;
    try {
      // A finish that failed half-way has synced the file and may have closed it.
      if (this.#file.fd !== -1) await this.#sync();
    } catch (error) {
      if (!isDiskFull(error)) throw error;
    } finally {
      await this.#file.close();
      this.#end();
    }
    return this.#durable;
  }

  /** What a failed sync leaves behind is unknown, so everything since the last one goes. */
  async #sync(): Promise<void> {
    try {
      await this.#file.datasync();
      this.#durable = this.#written;
    } catch (error) {
      await this.#file.truncate(this.#durable);
      this.#written = this.#durable;
      throw error;
    }
  }

  async #remove(): Promise<void> {
    await unlink(this.#path);
    await syncFolder(dirname(this.#path));
    this.#written = 0;
    this.#durable = 0;
  }

  #end(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#hooks.closed();
  }
}
