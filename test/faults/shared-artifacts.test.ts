import { randomBytes, randomUUID } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { ConnectError } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type ArtifactClient,
  as,
  chunkOf,
  clientOf,
  digestOf,
  download,
  type HeaderOver,
  headerOf,
  MIB,
  messages,
} from "../../server/src/rpc/testing/artifact-client.ts";
import type { ServerProcess } from "../support/server-process.ts";
import { openStage, SOON, type Stage } from "../support/stage.ts";

const TENANT = "a";
const SIZE = 3 * MIB + 17;

/** They take 5 s; a machine that does other things takes more. */
const PATIENCE = { timeout: 90_000 };

let stage: Stage;
let servers: [ServerProcess, ServerProcess];
let clients: [ArtifactClient, ArtifactClient];

beforeEach(async () => {
  stage = await openStage();
  servers = [await stage.server(), await stage.server()];
  clients = [clientOf(servers[0].url), clientOf(servers[1].url)];
});
afterEach(() => stage.close());

const uploadsFolder = () => join(stage.dataDir, "artifacts", TENANT, "uploads");

/** Uploads as a client does: comes again while the upload is in other hands, and where it stood. */
async function upload(client: ArtifactClient, bytes: Buffer, over: HeaderOver): Promise<void> {
  const { uploadId = "" } = over;
  const attempt = async () => {
    const asked = { uploadId, digest: digestOf(bytes) };
    const { committedSize, complete } = await client.queryUpload(asked, as(TENANT));
    const writeOffset = complete ? 0n : committedSize;
    return client.uploadArtifact(messages(bytes, { ...over, writeOffset }), as(TENANT)).then(
      () => "stored",
      (error: ConnectError) => error.message,
    );
  };
  await expect.poll(attempt, SOON).toBe("stored");
}

async function expectWhole(bytes: Buffer): Promise<void> {
  for (const client of clients) {
    expect((await download(client, digestOf(bytes), 0n, TENANT)).bytes.equals(bytes)).toBe(true);
  }
}

describe("two servers with one artifact folder", PATIENCE, () => {
  it("take the same and different artifacts at once, and both have all of them", async () => {
    const artifacts = Array.from({ length: 6 }, () => randomBytes(SIZE));
    await Promise.all(
      artifacts.flatMap((bytes, index) => {
        // By pairs: one upload that reaches both servers; two uploads of the same bytes.
        const shared = randomUUID();
        return clients.map((client) =>
          upload(client, bytes, { uploadId: index % 2 === 0 ? shared : randomUUID() }),
        );
      }),
    );
    for (const bytes of artifacts) await expectWhole(bytes);
    expect(await readdir(uploadsFolder())).toEqual([]);
    const { rows } = await stage.owner.query("select count(*)::int as rows from artifact");
    expect(rows).toEqual([{ rows: artifacts.length }]);
  });

  it("lose nothing when one is killed in mid-upload: the other goes on", async () => {
    const bytes = randomBytes(SIZE);
    const uploadId = randomUUID();
    const never = new Promise<void>(() => {});
    const slow = async function* () {
      yield headerOf(bytes, { uploadId });
      yield chunkOf(bytes.subarray(0, MIB));
      yield chunkOf(bytes.subarray(MIB, 2 * MIB));
      await never;
    };
    const cut = clients[0].uploadArtifact(slow(), as(TENANT));
    cut.catch(() => {});
    const partSize = async () => {
      const names = await readdir(uploadsFolder()).catch(() => []);
      return names.length === 0 ? 0 : (await stat(join(uploadsFolder(), names[0] ?? ""))).size;
    };
    await expect.poll(partSize, SOON).toBe(2 * MIB);
    const asked = { uploadId, digest: digestOf(bytes) };
    expect(await clients[1].queryUpload(asked, as(TENANT))).toMatchObject({
      committedSize: BigInt(2 * MIB),
      complete: false,
    });
    await servers[0].kill();
    await expect(cut).rejects.toThrow();
    await upload(clients[1], bytes, { uploadId });
    servers[0] = await stage.server();
    clients[0] = clientOf(servers[0].url);
    await expectWhole(bytes);
    expect(await readdir(uploadsFolder())).toEqual([]);
  });

  it("keep a server that was frozen from writing into what the other stored", async () => {
    const bytes = randomBytes(SIZE);
    const uploadId = randomUUID();
    const thaw = Promise.withResolvers<void>();
    const slow = async function* () {
      yield headerOf(bytes, { uploadId });
      yield chunkOf(bytes.subarray(0, MIB));
      await thaw.promise;
      yield chunkOf(bytes.subarray(MIB, 2 * MIB));
      yield chunkOf(bytes.subarray(2 * MIB, 3 * MIB));
      yield chunkOf(bytes.subarray(3 * MIB));
    };
    const frozen = clients[0].uploadArtifact(slow(), as(TENANT)).then(
      () => "stored",
      (error: ConnectError) => error.rawMessage,
    );
    const asked = { uploadId, digest: digestOf(bytes) };
    const committed = async () => (await clients[1].queryUpload(asked, as(TENANT))).committedSize;
    await expect.poll(committed, SOON).toBe(BigInt(MIB));
    servers[0].program.signal("SIGSTOP");
    await upload(clients[1], bytes, { uploadId });
    servers[0].program.signal("SIGCONT");
    thaw.resolve();
    expect(await frozen).toMatch(/upload in progress/);
    await expectWhole(bytes);
    expect(await readdir(uploadsFolder())).toEqual([]);
  });
});
