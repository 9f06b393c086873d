// Makes files and uploads them, on the SDK's public surface.
import { randomBytes } from "node:crypto";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Orchestrator } from "@stellaops/orchestrator";
import { type Command, serve } from "./line-protocol.ts";

/** Fills a folder with files that nobody has seen before. */
async function prepare({ folder, count, bytes }: Command): Promise<void> {
  await rm(String(folder), { recursive: true, force: true });
  await mkdir(String(folder), { recursive: true });
  for (let n = 0; n < Number(count); n++) {
    await writeFile(join(String(folder), `file-${n}`), randomBytes(Number(bytes)));
  }
}

/** Uploads every file of a folder; how long it took. Throws unless each was new. */
async function upload({ url, folder, inFlight }: Command): Promise<{ seconds: number }> {
  await using orchestrator = new Orchestrator({ url: String(url) });
  const names = await readdir(String(folder));
  const lane = async () => {
    for (let name = names.pop(); name !== undefined; name = names.pop()) {
      const path = join(String(folder), name);
      const { alreadyExisted } = await orchestrator.artifacts.upload({ path });
      if (alreadyExisted) throw new Error(`${name} was there already`);
    }
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: Number(inFlight) }, lane));
  return { seconds: (performance.now() - startedAt) / 1000 };
}

serve({ prepare, upload });
