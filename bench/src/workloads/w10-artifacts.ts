import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Lab } from "../lab.ts";
import { startMeter } from "../meter.ts";
import { openStage } from "../ours/stage.ts";
import { start, startNode } from "../processes.ts";
import type { Contestant, Workload } from "../workload.ts";

const DATA = fileURLToPath(new URL("../../.data", import.meta.url));
const UPLOADER = fileURLToPath(new URL("../programs/uploader.ts", import.meta.url));
const MIB = 2 ** 20;
const SMALL_BYTES = 4_096;
const IN_FLIGHT = 16;
const COPY = "cp, sync, sha256sum";

// One large file: written, flushed, read again for its digest. Many: the same, flushed once.
const COPY_SCRIPT = `set -e
mkdir "$2"
cp -r "$1/." "$2"
sync -f "$2"
find "$2" -type f -print0 | xargs -0 sha256sum > /dev/null`;

interface Files {
  /** MiB of the large one. */
  readonly largeMiB: number;
  readonly small: number;
}

/** W10: how fast results go in. */
export async function artifacts(lab: Lab): Promise<Workload> {
  const files = { largeMiB: lab.size(64, 4), small: lab.size(10_000, 100) };
  return {
    id: "W10",
    title: "artifacts: one large, many small",
    setting:
      `${files.largeMiB} MiB in one file, then ${files.small} files of 4 KiB, ${IN_FLIGHT} ` +
      "uploads at a time; each upload is flushed and verified before it is answered, the copy " +
      "is flushed once in the end",
    metrics: ["MiB/s", "files/s"],
    contestants: [ours(lab, files), copy(files)],
    bars: [
      { of: "ours", metric: "MiB/s", against: COPY },
      { of: "ours", metric: "files/s", against: COPY },
    ],
    leftOut: [],
    ...(lab.options.quick ? { rounds: 2 } : {}),
  };
}

function ours(lab: Lab, { largeMiB, small }: Files): Contestant {
  const name = "ours";
  return {
    name,
    role: "ours",
    async open() {
      const stage = await openStage(lab, { name: "w10_ours", workers: 0 });
      const uploader = startNode("uploader", UPLOADER, []);
      const folder = await newFolder();
      const upload = async (count: number, bytes: number) => {
        await uploader.ask({ do: "prepare", folder, count, bytes });
        const command = { do: "upload", url: stage.urls[0], folder, inFlight: IN_FLIGHT };
        return await uploader.ask<{ seconds: number }>(command);
      };
      return {
        name,
        role: "ours",
        async measure() {
          const programs = [uploader, ...stage.servers.map(({ program }) => program)];
          const large = await upload(1, largeMiB * MIB);
          const meter = await startMeter(lab.postgres, programs, stage.ledger.url);
          const many = await upload(small, SMALL_BYTES);
          const costs = await meter.stop(small);
          const metrics = { "MiB/s": largeMiB / large.seconds, "files/s": small / many.seconds };
          return { metrics, ...costs };
        },
        async close() {
          await uploader.stop();
          await stage.close();
          await rm(folder, { recursive: true, force: true });
        },
      };
    },
  };
}

function copy({ largeMiB, small }: Files): Contestant {
  return {
    name: COPY,
    role: "bound",
    async open() {
      const uploader = startNode("uploader", UPLOADER, []);
      const folder = await newFolder();
      const target = `${folder}-copy`;
      const timed = async (count: number, bytes: number) => {
        await uploader.ask({ do: "prepare", folder, count, bytes });
        const startedAt = performance.now();
        await run(["-c", COPY_SCRIPT, "sh", folder, target]);
        const seconds = (performance.now() - startedAt) / 1000;
        await rm(target, { recursive: true });
        return seconds;
      };
      return {
        name: COPY,
        role: "bound",
        async measure() {
          const large = await timed(1, largeMiB * MIB);
          const many = await timed(small, SMALL_BYTES);
          return { metrics: { "MiB/s": largeMiB / large, "files/s": small / many } };
        },
        async close() {
          await uploader.stop();
          await rm(folder, { recursive: true, force: true });
          await rm(target, { recursive: true, force: true });
        },
      };
    },
  };
}

async function newFolder(): Promise<string> {
  const folder = join(DATA, `files-${process.pid}-${Math.random().toString(36).slice(2)}`);
  await mkdir(folder, { recursive: true });
  return folder;
}

async function run(args: readonly string[]): Promise<void> {
  const program = start({ name: "copy", command: "/bin/sh", args });
  const how = await program.ended;
  if (how !== "exit 0") throw new Error(`the copy ended with ${how}`);
}
