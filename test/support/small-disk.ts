import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A disk that is small enough to fill. */
export interface SmallDisk {
  readonly path: string;
  unmount(): Promise<void>;
}

/** Whether this process may mount one: Linux, as root, with the capability to mount. */
export const canMountSmallDisk = (): boolean => {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  try {
    execFileSync("unshare", ["--mount", "true"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
};

/** Mounts a tmpfs that is really full when it is full. `options` are tmpfs's, such as size=2m. */
export async function mountSmallDisk(options: string): Promise<SmallDisk> {
  const path = await mkdtemp(join(tmpdir(), "orch-disk-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", path]);
  return {
    path,
    async unmount() {
      execFileSync("umount", ["--lazy", path]);
      await rm(path, { recursive: true, force: true });
    },
  };
}
