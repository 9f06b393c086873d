import { type FileHandle, open, unlink, utimes } from "node:fs/promises";
import { dirname } from "node:path";
import type { OpenUpload } from "../app/artifacts/upload-artifact.ts";
import { isDiskFull, isMissing, syncFolder } from "./durable-files.ts";

/** Sync after this many bytes, so that the last sync of a large upload is not a long one. */
const SYNC_EVERY_BYTES = 16 * 1024 * 1024;

/** What a {@link PartFile} leaves to its folder. */
export interface PartFileHooks {
  /** How often the file is touched, for others to see that its writer is alive. */
  readonly beatMs: number;
  /** Whether the whole file is what it should be. */
  readonly verify: (file: FileHandle) => Promise<boolean>;
  /** Gives the closed and durable file its final name, durably; false: it was taken away. */
  readonly publish: () => Promise<boolean>;
  /** Gives the closed file the name under which anybody may go on with it. */
  readonly layDown: () => Promise<void>;
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
  readonly #beat: NodeJS.Timeout;

  private constructor(path: string, file: FileHandle, size: number, hooks: PartFileHooks) {
    this.#path = path;
    this.#file = file;
    this.#hooks = hooks;
    this.#written = size;
    this.#durable = size;
    const beat = () => {
      const now = new Date();
      // It may have been taken away, which its end will show.
      utimes(path, now, now).catch(() => undefined);
    };
    this.#beat = setInterval(beat, hooks.beatMs).unref();
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

  async finish(): Promise<"stored" | "digest_mismatch" | "disk_full" | "taken_over"> {
    try {
      await this.#sync();
      const verified = await this.#hooks.verify(this.#file);
      await this.#file.close();
      if (!verified) await this.#remove();
      const published = verified && (await this.#hooks.publish());
      this.#end();
      if (!verified) return "digest_mismatch";
      return published ? "stored" : "taken_over";
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
      await this.#hooks.layDown();
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
    await unlink(this.#path).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
    await syncFolder(dirname(this.#path));
    this.#written = 0;
    this.#durable = 0;
  }

  #end(): void {
    if (!this.#open) return;
    this.#open = false;
    clearInterval(this.#beat);
    this.#hooks.closed();
  }
}
