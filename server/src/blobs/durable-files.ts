import { mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";

const codeOf = (error: unknown): string | undefined =>
  (error as NodeJS.ErrnoException | null)?.code;

/** Whether the error says that the disk, or the quota on it, is full. */
export const isDiskFull = (error: unknown): boolean =>
  codeOf(error) === "ENOSPC" || codeOf(error) === "EDQUOT";

/** Whether the error says that there is no such file, or no such folder on the way to it. */
export const isMissing = (error: unknown): boolean =>
  codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR";

/** Makes durable what a folder lists. Windows has no such call and needs none. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Makes a folder and what is missing above it, durably. */
export async function ensureFolder(path: string): Promise<void> {
  const topmost = await mkdir(path, { recursive: true });
  if (topmost === undefined) return;
  for (let made = path; ; made = dirname(made)) {
    await syncFolder(dirname(made));
    if (made === topmost) return;
  }
}
