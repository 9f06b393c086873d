import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, readlink, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { ConnectError } from "@connectrpc/connect";
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ArtifactServer, startArtifactServer } from "../../../test/support/artifact-server.ts";
import { openBreakableLink } from "../../../test/support/breakable-link.ts";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import { canMountSmallDisk, mountSmallDisk } from "../../../test/support/small-disk.ts";
import {
  type ArtifactClient,
  as,
  chunkOf,
  clientOf,
  digestOf,
  download,
  failure,
  from,
  headerOf,
  MIB,
  messages,
} from "./testing/artifact-client.ts";

/** How long to wait for what is on its way, on a machine that is busy. */
const SOON = { timeout: 15_000 };

let database: TestDatabase;
let pool: pg.Pool;
let owner: pg.Pool;
let folder: string;
let server: ArtifactServer;
let client: ArtifactClient;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = database.pool();
  owner = database.owner();
  folder = await mkdtemp(join(tmpdir(), "orch-artifacts-"));
  server = await startArtifactServer(pool, folder);
  client = clientOf(server.listener.url);
});
afterAll(async () => {
  await server.listener.close(0);
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

const rowCount = async (digest: string): Promise<number> => {
  const hex = digest.slice("sha256:".length);
  const { rows } = await owner.query("select 1 from artifact where digest = decode($1, 'hex')", [
    hex,
  ]);
  return rows.length;
};

const partsOf = async (uploadId: string): Promise<string[]> => {
  const names = await readdir(join(folder, "a", "uploads"));
  return names.filter((name) => name.startsWith(uploadId));
};

const partSize = async (uploadId: string): Promise<number> => {
  const [name] = await partsOf(uploadId);
  return name === undefined ? 0 : (await stat(join(folder, "a", "uploads", name))).size;
};

describe("an upload", () => {
  it("is refused while another stream writes it", async () => {
    const bytes = randomBytes(10);
    const uploadId = randomUUID();
    const open = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const slow = async function* () {
      yield headerOf(bytes, { uploadId });
      yield chunkOf(bytes.subarray(0, 4));
      open.resolve();
      await gate.promise;
      yield chunkOf(bytes.subarray(4));
    };
    const first = client.uploadArtifact(slow(), as("a"));
    await open.promise;
    const query = { uploadId, digest: digestOf(bytes) };
    await expect.poll(() => partsOf(uploadId), SOON).toHaveLength(1);
    const second = client.uploadArtifact(messages(bytes, { uploadId }), as("a"));
    expect(await failure(second)).toMatchObject({
      code: "Aborted",
      reason: "UPLOAD_IN_PROGRESS",
    });
    gate.resolve();
    await first;
    expect(await client.queryUpload(query, as("a"))).toMatchObject({ complete: true });
  });

  it("keeps what came when its caller goes away", async () => {
    const bytes = randomBytes(3 * MIB);
    const uploadId = randomUUID();
    const query = { uploadId, digest: digestOf(bytes) };
    const gone = new AbortController();
    const sent = Promise.withResolvers<void>();
    const broken = async function* () {
      yield headerOf(bytes, { uploadId });
      yield chunkOf(bytes.subarray(0, MIB));
      sent.resolve();
      await new Promise<void>((_, reject) => {
        gone.signal.addEventListener("abort", () => reject(new Error("gone")), { once: true });
      });
    };
    const call = client.uploadArtifact(broken(), { ...as("a"), signal: gone.signal });
    call.catch(() => {});
    await sent.promise;
    await expect.poll(() => partSize(uploadId), SOON).toBe(MIB);
    gone.abort();
    await expect(call).rejects.toThrow();
    await expect
      .poll(async () => (await client.queryUpload(query, as("a"))).committedSize, SOON)
      .toBe(BigInt(MIB));
    const writeOffset = BigInt(MIB);
    // The server may still be closing the first stream.
    await expect
      .poll(
        () =>
          client.uploadArtifact(messages(bytes, { uploadId, writeOffset }), as("a")).then(
            () => "stored",
            (error: ConnectError) => error.code,
          ),
        SOON,
      )
      .toBe("stored");
    expect((await download(client, query.digest)).bytes.equals(bytes)).toBe(true);
  });
});

describe("a download", () => {
  it.runIf(process.platform === "linux")("that is broken off leaves no file open", async () => {
    const bytes = randomBytes(40 * MIB);
    const digest = digestOf(bytes);
    await client.uploadArtifact(messages(bytes), as("a"));
    const gone = new AbortController();
    const stream = client.downloadArtifact({ digest }, { ...as("a"), signal: gone.signal });
    await expect(async () => {
      for await (const { message } of stream) if (message.case === "chunk") gone.abort();
    }).rejects.toThrow();
    await expect.poll(() => openFiles(digest.slice("sha256:".length + 2)), SOON).toEqual([]);
  });
});

async function openFiles(name: string): Promise<string[]> {
  const links = await Promise.all(
    (await readdir("/proc/self/fd")).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => "")),
  );
  return links.filter((link) => link.endsWith(name));
}

describe("a server that stops", () => {
  it("ends an upload with UNAVAILABLE and keeps what came", async () => {
    const own = await startArtifactServer(pool, folder);
    const bytes = randomBytes(2 * MIB);
    const uploadId = randomUUID();
    const never = new Promise<void>(() => {});
    const slow = async function* () {
      yield headerOf(bytes, { uploadId });
      yield chunkOf(bytes.subarray(0, MIB));
      await never;
    };
    const call = clientOf(own.listener.url).uploadArtifact(slow(), as("a"));
    call.catch(() => {});
    await expect.poll(() => partSize(uploadId), SOON).toBe(MIB);
    own.stopping.abort();
    expect(await failure(call)).toMatchObject({ code: "Unavailable", reason: "SERVER_STOPPING" });
    await own.listener.close(1_000);
    const query = { uploadId, digest: digestOf(bytes) };
    const { committedSize } = await client.queryUpload(query, as("a"));
    expect(committedSize).toBe(BigInt(MIB));
    await client.uploadArtifact(messages(bytes, { uploadId, writeOffset: committedSize }), as("a"));
    expect((await download(client, query.digest)).bytes.equals(bytes)).toBe(true);
  });

  it("loses nothing that it had when it is killed in mid-upload", async () => {
    const victim = await spawnServer();
    const bytes = randomBytes(4 * MIB);
    const uploadId = randomUUID();
    const never = new Promise<void>(() => {});
    const slow = async function* () {
      yield headerOf(bytes, { uploadId });
      for (const start of [0, MIB, 2 * MIB]) yield chunkOf(bytes.subarray(start, start + MIB));
      await never;
    };
    const call = clientOf(victim.url).uploadArtifact(slow(), as("a"));
    call.catch(() => {});
    await expect.poll(() => partSize(uploadId), SOON).toBe(3 * MIB);
    const dead = once(victim.process, "exit");
    victim.process.kill("SIGKILL");
    await dead;
    expect(await failure(call)).toBeDefined();

    const heir = await spawnServer();
    try {
      const after = clientOf(heir.url);
      const query = { uploadId, digest: digestOf(bytes) };
      const { committedSize, complete } = await after.queryUpload(query, as("a"));
      expect({ committedSize, complete }).toEqual({
        committedSize: 3n * BigInt(MIB),
        complete: false,
      });
      expect(await failure(download(after, query.digest))).toMatchObject({ code: "NotFound" });
      // Until the dead one is known to be dead, the upload counts as in its hands.
      await expect
        .poll(
          () =>
            after
              .uploadArtifact(messages(bytes, { uploadId, writeOffset: committedSize }), as("a"))
              .then(
                () => "stored",
                (error: ConnectError) => error.code,
              ),
          SOON,
        )
        .toBe("stored");
      expect((await download(after, query.digest)).bytes.equals(bytes)).toBe(true);
    } finally {
      heir.process.kill("SIGKILL");
    }
  });

  async function spawnServer(): Promise<{ url: string; process: ChildProcess }> {
    const script = join(import.meta.dirname, "../../../test/support/artifact-server.ts");
    const child = spawn(process.execPath, ["--conditions=source", script, database.url, folder], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [url] = await once(createInterface(child.stdout), "line");
    return { url: String(url), process: child };
  }
});

describe("a ledger that is away", () => {
  it("makes an upload UNAVAILABLE, and the next try needs no bytes", async () => {
    const link = await openBreakableLink(database.url);
    const linked = database.pool("orch_app", link.url);
    const own = await startArtifactServer(linked, folder);
    const theirs = clientOf(own.listener.url);
    const bytes = randomBytes(19);
    const uploadId = randomUUID();
    const cutInTheMiddle = async function* () {
      yield headerOf(bytes, { uploadId });
      await expect.poll(() => partsOf(uploadId), SOON).toHaveLength(1);
      link.cut();
      yield chunkOf(bytes);
    };
    try {
      const found = await failure(theirs.uploadArtifact(cutInTheMiddle(), as("a")));
      expect(found).toMatchObject({ code: "Unavailable", reason: "LEDGER_UNAVAILABLE" });
      expect(await rowCount(digestOf(bytes))).toBe(0);
      link.mend();
      const again = await theirs.uploadArtifact(from(headerOf(bytes)), as("a"));
      expect(again.artifact?.digest).toBe(digestOf(bytes));
    } finally {
      await own.listener.close(0);
      await link.close();
    }
  });
});

describe.runIf(canMountSmallDisk())("a full disk", () => {
  it("is RESOURCE_EXHAUSTED with DISK_FULL, and shows no half artifact", async () => {
    const disk = await mountSmallDisk("size=2m");
    const own = await startArtifactServer(pool, disk.path);
    try {
      const theirs = clientOf(own.listener.url);
      const bytes = randomBytes(4 * MIB);
      const found = await failure(theirs.uploadArtifact(messages(bytes), as("a")));
      expect(found).toMatchObject({ code: "ResourceExhausted", reason: "DISK_FULL" });
      expect(Number(found.metadata.committedSize)).toBe(2 * MIB);
      expect(await failure(download(theirs, digestOf(bytes)))).toMatchObject({ code: "NotFound" });
      expect(await rowCount(digestOf(bytes))).toBe(0);
    } finally {
      await own.listener.close(0);
      await disk.unmount();
    }
  });
});
