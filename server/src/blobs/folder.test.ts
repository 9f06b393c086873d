import { createHash, randomBytes, randomUUID } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  canMountSmallDisk,
  mountSmallDisk,
  type SmallDisk,
} from "../../../test/support/small-disk.ts";
import type { OpenUpload, UploadHeader, UploadOpening } from "../app/artifacts/upload-artifact.ts";
import { type BlobFolder, openBlobFolder } from "./folder.ts";

const MIB = 1024 * 1024;

const digestOf = (bytes: Uint8Array): string =>
  `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

const headerOf = (bytes: Uint8Array, over: Partial<UploadHeader> = {}): UploadHeader => ({
  uploadId: randomUUID(),
  digest: digestOf(bytes),
  sizeBytes: bytes.length,
  mediaType: "text/plain",
  writeOffset: 0,
  ...over,
});

function opened(opening: UploadOpening): OpenUpload {
  if (opening.kind !== "open") throw new Error(`not open: ${opening.kind}`);
  return opening.upload;
}

async function readAll(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

describe("blob folder", () => {
  let root: string;
  let blobs: BlobFolder;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "orch-blobs-"));
    blobs = openBlobFolder(join(root, "not", "there", "yet"));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  async function store(tenant: string, bytes: Uint8Array): Promise<string> {
    const header = headerOf(bytes);
    const upload = opened(await blobs.open(tenant, header));
    await upload.append(bytes);
    expect(await upload.finish()).toBe("stored");
    return header.digest;
  }

  it.each([0, 1, 3 * MIB + 1])("keeps %i bytes", async (size) => {
    const bytes = randomBytes(size);
    const digest = await store("a", bytes);
    expect(await blobs.holds("a", digest, size)).toBe(true);
    expect(await blobs.holds("a", digest, size + 1)).toBe(false);
    expect((await readAll(blobs.read("a", digest, 0))).equals(bytes)).toBe(true);
    const rest = await readAll(blobs.read("a", digest, Math.floor(size / 2)));
    expect(rest.equals(bytes.subarray(Math.floor(size / 2)))).toBe(true);
  });

  it("shows a tenant nothing of another", async () => {
    const digest = await store("a", Buffer.from("secret"));
    expect(await blobs.holds("b", digest, 6)).toBe(false);
    await expect(readAll(blobs.read("b", digest, 0))).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("resumes where the last stream ended", async () => {
    const bytes = randomBytes(100);
    const header = headerOf(bytes);
    const first = opened(await blobs.open("a", header));
    await first.append(bytes.subarray(0, 60));
    expect(await blobs.open("a", header)).toEqual({ kind: "in_progress" });
    expect(await first.suspend()).toBe(60);
    expect(await blobs.committedSize("a", header.uploadId, header.digest)).toBe(60);
    expect(await blobs.open("a", header)).toEqual({ kind: "offset_mismatch", committedSize: 60 });
    const second = opened(await blobs.open("a", { ...header, writeOffset: 60 }));
    await second.append(bytes.subarray(60));
    expect(await second.finish()).toBe("stored");
    expect((await readAll(blobs.read("a", header.digest, 0))).equals(bytes)).toBe(true);
    expect(await blobs.committedSize("a", header.uploadId, header.digest)).toBe(0);
  });

  it("keeps uploads of one id but different digests or tenants apart", async () => {
    const uploadId = randomUUID();
    const one = headerOf(Buffer.from("one"), { uploadId });
    const two = headerOf(Buffer.from("two"), { uploadId });
    const uploads = [
      opened(await blobs.open("a", one)),
      opened(await blobs.open("a", two)),
      opened(await blobs.open("b", one)),
    ];
    for (const [index, upload] of uploads.entries()) {
      await upload.append(Buffer.from(index === 1 ? "two" : "one"));
      expect(await upload.finish()).toBe("stored");
    }
  });

  it("takes concurrent uploads of the same bytes", async () => {
    const bytes = randomBytes(2 * MIB);
    const digests = await Promise.all(Array.from({ length: 10 }, () => store("a", bytes)));
    expect(new Set(digests).size).toBe(1);
    expect((await readAll(blobs.read("a", digests[0] ?? "", 0))).equals(bytes)).toBe(true);
  });

  it("throws away bytes that do not have the digest", async () => {
    const header = headerOf(Buffer.from("right"));
    const upload = opened(await blobs.open("a", header));
    await upload.append(Buffer.from("wrong"));
    expect(await upload.finish()).toBe("digest_mismatch");
    expect(await upload.suspend()).toBe(0);
    expect(await blobs.holds("a", header.digest, 5)).toBe(false);
    expect(await blobs.committedSize("a", header.uploadId, header.digest)).toBe(0);
    expect(await opened(await blobs.open("a", header)).suspend()).toBe(0);
  });

  it("finds what was changed on the disk between two streams", async () => {
    const header = headerOf(Buffer.from("0123456789"));
    const upload = opened(await blobs.open("a", header));
    await upload.append(Buffer.from("01234"));
    await upload.suspend();
    const folder = join(root, "not", "there", "yet", "a", "uploads");
    const [part] = await readdir(folder);
    await writeFile(join(folder, part ?? ""), "0x234");
    const second = opened(await blobs.open("a", { ...header, writeOffset: 5 }));
    await second.append(Buffer.from("56789"));
    expect(await second.finish()).toBe("digest_mismatch");
  });

  it("removes uploads that nobody wrote to for long, and no other", async () => {
    const stale = headerOf(Buffer.from("stale"));
    const fresh = headerOf(Buffer.from("fresh"));
    const busy = headerOf(Buffer.from("busy!"));
    const folder = join(root, "not", "there", "yet", "a", "uploads");
    const yesterday = new Date(Date.now() - 25 * 3_600_000);
    for (const header of [stale, fresh, busy]) {
      const upload = opened(await blobs.open("a", header));
      await upload.append(Buffer.from("abc"));
      await upload.suspend();
    }
    const held = opened(await blobs.open("a", { ...busy, writeOffset: 3 }));
    for (const name of await readdir(folder)) {
      if (name.startsWith(fresh.uploadId)) continue;
      await utimes(join(folder, name), yesterday, yesterday);
    }
    expect(await blobs.removeStaleUploads(new Date(Date.now() - 24 * 3_600_000))).toBe(1);
    expect(await blobs.committedSize("a", stale.uploadId, stale.digest)).toBe(0);
    expect(await blobs.committedSize("a", fresh.uploadId, fresh.digest)).toBe(3);
    expect(await held.suspend()).toBe(3);
  });

  it("has nothing to remove where nothing was uploaded", async () => {
    expect(await blobs.removeStaleUploads(new Date())).toBe(0);
  });

  it.each(["", "..", "../b", "a/b", ".a", "A", "a\0b", "a".repeat(64)])(
    "makes no path of the tenant %o",
    async (tenant) => {
      const header = headerOf(Buffer.from("x"));
      await expect(blobs.open(tenant, header)).rejects.toThrow("not a tenant");
      await expect(blobs.holds(tenant, header.digest, 1)).rejects.toThrow("not a tenant");
    },
  );

  it.each(["../../x", "", "sha256:../../../etc/passwd"])("makes no path of %o", async (name) => {
    const header = headerOf(Buffer.from("x"));
    await expect(blobs.open("a", { ...header, uploadId: name })).rejects.toThrow("not an upload");
    await expect(blobs.open("a", { ...header, digest: name })).rejects.toThrow("not a digest");
  });

  it("gives names that are special elsewhere a folder of their own", async () => {
    for (const tenant of ["a", "a.", "con", "con.x", "nul", "com1", "conx"]) {
      await store(tenant, Buffer.from(tenant));
    }
    expect((await readdir(join(root, "not", "there", "yet"))).sort()).toEqual(
      ["a", "conx", "~a.~", "~com1~", "~con.x~", "~con~", "~nul~"].sort(),
    );
  });

  it("puts blobs where the folder's description says", async () => {
    const digest = await store("a", Buffer.from("here"));
    const hex = digest.slice("sha256:".length);
    const home = join(root, "not", "there", "yet", "a");
    const found = await readFile(join(home, "sha256", hex.slice(0, 2), hex.slice(2)), "utf8");
    expect(found).toBe("here");
    expect(await readdir(join(home, "uploads"))).toEqual([]);
  });
});

describe("a blob folder that servers share", () => {
  const NEVER = 3_600_000;
  let root: string;
  /** Believes that whoever has not touched a file in this very moment is dead. */
  const heir = () => openBlobFolder(root, { beatMs: NEVER, deadAfterMs: 0 });
  const other = () => openBlobFolder(root, { beatMs: NEVER, deadAfterMs: NEVER });

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "orch-blobs-"));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  const bytes = randomBytes(100);
  const [head, tail] = [bytes.subarray(0, 60), bytes.subarray(60)];

  it("lets one write an upload, shows the others how far, and lets another go on", async () => {
    const header = headerOf(bytes);
    const first = opened(await other().open("a", header));
    await first.append(head);
    expect(await other().open("a", header)).toEqual({ kind: "in_progress" });
    expect(await other().committedSize("a", header.uploadId, header.digest)).toBe(60);
    await first.suspend();
    expect(await other().open("a", header)).toEqual({ kind: "offset_mismatch", committedSize: 60 });
    const second = opened(await other().open("a", { ...header, writeOffset: 60 }));
    expect(await first.suspend()).toBe(60);
    await second.append(tail);
    expect(await second.finish()).toBe("stored");
    expect((await readAll(other().read("a", header.digest, 0))).equals(bytes)).toBe(true);
    expect(await readdir(join(root, "a", "uploads"))).toEqual([]);
  });

  it("gives one of many the part that lies there", async () => {
    const header = headerOf(bytes);
    const first = opened(await other().open("a", header));
    await first.append(head);
    await first.suspend();
    const openings = await Promise.all(
      Array.from({ length: 8 }, () => other().open("a", { ...header, writeOffset: 60 })),
    );
    const kinds = openings.map(({ kind }) => kind).sort();
    expect(kinds).toEqual([...Array(7).fill("in_progress"), "open"]);
    for (const opening of openings) if (opening.kind === "open") await opening.upload.suspend();
  });

  it("lets another inherit from a writer that is dead", async () => {
    const header = headerOf(bytes);
    const dead = opened(await other().open("a", header));
    await dead.append(head);
    const opening = await heir().open("a", header);
    await dead.suspend();
    expect(opening).toEqual({ kind: "offset_mismatch", committedSize: 60 });
    const second = opened(await heir().open("a", { ...header, writeOffset: 60 }));
    await second.append(tail);
    expect(await second.finish()).toBe("stored");
    expect(await readdir(join(root, "a", "uploads"))).toEqual([]);
  });

  it("keeps a writer that was taken for dead from what others stored", async () => {
    const header = headerOf(bytes);
    const zombie = opened(await other().open("a", header));
    await zombie.append(head);
    const second = opened(await heir().open("a", { ...header, writeOffset: 60 }));
    // It goes on with bytes of its own, before and after the other one is done.
    await zombie.append(Buffer.from("not what was asked for"));
    await second.append(tail);
    expect(await second.finish()).toBe("stored");
    await zombie.append(Buffer.from("and more"));
    expect(await zombie.finish()).toBe("digest_mismatch");
    expect(await zombie.suspend()).toBe(0);
    expect((await readAll(other().read("a", header.digest, 0))).equals(bytes)).toBe(true);
  });

  it("says so to a writer whose upload was taken over", async () => {
    const header = headerOf(bytes);
    const zombie = opened(await other().open("a", header));
    await zombie.append(head);
    const second = opened(await heir().open("a", { ...header, writeOffset: 60 }));
    await zombie.append(tail);
    expect(await zombie.finish()).toBe("taken_over");
    expect(await other().holds("a", header.digest, bytes.length)).toBe(false);
    expect(await second.suspend()).toBe(60);
    expect(await other().committedSize("a", header.uploadId, header.digest)).toBe(60);
  });

  it("believes a writer that touches its file, however little it writes", async () => {
    const clocks = { beatMs: 20, deadAfterMs: 2_000 };
    const folders = [openBlobFolder(root, clocks), openBlobFolder(root, clocks)] as const;
    const header = headerOf(bytes);
    const alive = opened(await folders[0].open("a", header));
    const [name = ""] = await readdir(join(root, "a", "uploads"));
    const touched = async () => (await stat(join(root, "a", "uploads", name))).ctimeMs;
    const before = await touched();
    await expect.poll(touched, { timeout: 10_000 }).toBeGreaterThan(before + clocks.deadAfterMs);
    expect(await folders[1].open("a", header)).toEqual({ kind: "in_progress" });
    await alive.suspend();
  });
});

if (!canMountSmallDisk()) {
  console.warn("LEFT OUT: tests on a really full disk; they mount a tmpfs and need root on Linux");
}

describe.runIf(canMountSmallDisk())("blob folder on a full disk", () => {
  let disk: SmallDisk | undefined;
  afterEach(async () => {
    await disk?.unmount();
    disk = undefined;
  });

  it("keeps what fitted and goes on when there is room again", async () => {
    disk = await mountSmallDisk("size=3m");
    const ballast = join(disk.path, "ballast");
    await writeFile(ballast, Buffer.alloc(MIB + 5_000));
    const blobs = openBlobFolder(join(disk.path, "blobs"));
    const bytes = randomBytes(2 * MIB);
    const header = headerOf(bytes);
    const upload = opened(await blobs.open("a", header));
    expect(await upload.append(bytes.subarray(0, MIB))).toBe("written");
    expect(await upload.append(bytes.subarray(MIB))).toBe("disk_full");
    // The part of the second chunk that fitted does not count.
    expect(await upload.suspend()).toBe(MIB);
    expect(await blobs.committedSize("a", header.uploadId, header.digest)).toBe(MIB);
    expect(await blobs.holds("a", header.digest, bytes.length)).toBe(false);

    await rm(ballast);
    const again = opened(await blobs.open("a", { ...header, writeOffset: MIB }));
    expect(await again.append(bytes.subarray(MIB))).toBe("written");
    expect(await again.finish()).toBe("stored");
    expect((await readAll(blobs.read("a", header.digest, 0))).equals(bytes)).toBe(true);
  });

  it("says so when there is no room for a folder or a name", async () => {
    disk = await mountSmallDisk("size=1m,nr_inodes=3");
    const blobs = openBlobFolder(join(disk.path, "blobs"));
    const opening = await blobs.open("a", headerOf(Buffer.from("x")));
    expect(opening).toEqual({ kind: "disk_full", committedSize: 0 });
  });

  it("says so when the last step has no room, and finishes later", async () => {
    // The root, blobs, a, uploads, the part and two more; none is left for sha256 and ab.
    disk = await mountSmallDisk("size=1m,nr_inodes=7");
    const ballast = ["1", "2"].map((name) => join(disk?.path ?? "", name));
    for (const file of ballast) await writeFile(file, "");
    const blobs = openBlobFolder(join(disk.path, "blobs"));
    const header = headerOf(Buffer.from("x"));
    const upload = opened(await blobs.open("a", header));
    await upload.append(Buffer.from("x"));
    expect(await upload.finish()).toBe("disk_full");
    expect(await upload.suspend()).toBe(1);
    expect(await blobs.holds("a", header.digest, 1)).toBe(false);

    for (const file of ballast) await rm(file);
    const again = opened(await blobs.open("a", { ...header, writeOffset: 1 }));
    expect(await again.finish()).toBe("stored");
    expect(await blobs.holds("a", header.digest, 1)).toBe(true);
  });
});
