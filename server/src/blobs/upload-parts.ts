import { constants } from "node:fs";
import { copyFile, type FileHandle, open, readdir, rename, stat, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { newId } from "../lib/ids.ts";
import { isMissing, syncFolder } from "./durable-files.ts";

/** How a writer shows the others that it is alive, and when they stop believing it. */
export interface WriterClocks {
  /** How often a writer touches its file. */
  readonly beatMs: number;
  /** How long a file must not have been touched before its writer counts as dead. */
  readonly deadAfterMs: number;
}

/** What a writer gets: a file that nobody else ever writes to, under a name of its own. */
export type TakenPart =
  | { readonly kind: "taken"; readonly path: string; readonly size: number }
  | { readonly kind: "in_progress" }
  | { readonly kind: "offset_mismatch"; readonly committedSize: number };

interface Held {
  readonly path: string;
  readonly ctimeMs: number;
  readonly size: number;
}

/**
 * Takes the part of an upload for this writer alone. `rest` is the name that the part has while
 * nobody writes it; in a writer's hands it is called `<rest>.<writer>`.
 *
 * The name is the lock, and what makes it safe is that no two writers ever write to one file:
 * the part at rest goes to whose rename comes first, and a dead writer's is copied. Should the dead
 * one come back, it writes to its own file, which has no name any more that it could publish.
 * Whether a writer is alive is therefore a matter of manners and of bytes sent twice, no more.
 */
export async function takePart(
  rest: string,
  writeOffset: number,
  clocks: WriterClocks,
): Promise<TakenPart> {
  const path = `${rest}.${newId()}`;
  const resting = await sizeIfThere(rest);
  if (resting === undefined) {
    const held = await writersOf(rest);
    if (held.length > 0) {
      const now = await fileSystemNow(`${path}.clock`);
      const isAlive = (one: Held) => now - one.ctimeMs < clocks.deadAfterMs;
      if (held.some(isAlive)) return { kind: "in_progress" };
      return await inherit(held, rest, path, writeOffset);
    }
  }
  const committedSize = resting ?? 0;
  if (writeOffset !== committedSize) return { kind: "offset_mismatch", committedSize };
  if (resting !== undefined && !(await renamed(rest, path))) return { kind: "in_progress" };
  return { kind: "taken", path, size: committedSize };
}

/** Lets go of a part, so that anybody can take it. Does nothing if it was taken away meanwhile. */
export const layDown = async (path: string, rest: string): Promise<void> => {
  await renamed(path, rest);
};

/** Bytes of an upload that are on the disk, in whosever hands it is; 0 if nobody knows it. */
export async function committedSizeOf(rest: string): Promise<number> {
  const resting = await sizeIfThere(rest);
  if (resting !== undefined) return resting;
  const sizes = (await writersOf(rest)).map(({ path }) => sizeIfThere(path));
  return Math.max(0, ...(await Promise.all(sizes)).map((size) => size ?? 0));
}

/** Renames what may have been taken away; answers whether it was still there. */
export async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Takes over from writers that are dead: from the one that came furthest. */
async function inherit(
  held: readonly Held[],
  rest: string,
  path: string,
  writeOffset: number,
): Promise<TakenPart> {
  const [best] = held.toSorted((a, b) => b.size - a.size);
  if (best === undefined) throw new Error("nobody to inherit from");
  try {
    await copyFile(best.path, path, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    const size = (await sizeIfThere(path)) ?? 0;
    await syncFolder(dirname(path));
    await Promise.all(held.map((one) => unlink(one.path).catch(() => undefined)));
    if (size === writeOffset) return { kind: "taken", path, size };
    await layDown(path, rest);
    return { kind: "offset_mismatch", committedSize: size };
  } catch (error) {
    await unlink(path).catch(() => undefined);
    // Somebody else inherited it in the meantime.
    if (isMissing(error)) return { kind: "in_progress" };
    throw error;
  }
}

/** The parts of an upload that are in some writer's hands. */
async function writersOf(rest: string): Promise<Held[]> {
  const folder = dirname(rest);
  const prefix = `${basename(rest)}.`;
  const names = await readdir(folder).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  const held: Held[] = [];
  for (const name of names) {
    if (!name.startsWith(prefix) || name.endsWith(".clock")) continue;
    const path = join(folder, name);
    const facts = await stat(path).catch(() => undefined);
    if (facts !== undefined) held.push({ path, ctimeMs: facts.ctimeMs, size: facts.size });
  }
  return held;
}

/** The size in bytes after everything written so far is on the disk; undefined: no such file. */
async function sizeIfThere(path: string): Promise<number | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, "r+");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  try {
    await file.datasync();
    return (await file.stat()).size;
  } finally {
    await file.close();
  }
}

/** The file system's own time: a disk that is shared has one clock, its users have many. */
async function fileSystemNow(probe: string): Promise<number> {
  const file = await open(probe, "wx");
  try {
    return (await file.stat()).ctimeMs;
  } finally {
    await file.close();
    await unlink(probe);
  }
}
