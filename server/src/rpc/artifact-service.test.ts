import { randomBytes, randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ArtifactServer, startArtifactServer } from "../../../test/support/artifact-server.ts";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
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
  type UploadMessage,
} from "./testing/artifact-client.ts";

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

describe("an artifact", () => {
  it.each([0, 5, 2 * MIB + 7])("of %i bytes goes up and comes down", async (size) => {
    const bytes = randomBytes(size);
    const digest = digestOf(bytes);
    const uploaded = await client.uploadArtifact(messages(bytes, { mediaType: "x/y" }), as("a"));
    expect(uploaded.alreadyExisted).toBe(false);
    expect(uploaded.artifact).toMatchObject({
      digest,
      sizeBytes: BigInt(size),
      mediaType: "x/y",
    });
    const found = await download(client, digest);
    expect(found.facts).toEqual(uploaded.artifact);
    expect(found.bytes.equals(bytes)).toBe(true);
    expect(found.chunks).toBe(Math.ceil(size / (512 * 1024)));
  });

  it("comes down from an offset, up to its very end and not beyond", async () => {
    const bytes = Buffer.from("0123456789");
    await client.uploadArtifact(messages(bytes), as("a"));
    const digest = digestOf(bytes);
    expect((await download(client, digest, 4n)).bytes.toString()).toBe("456789");
    expect((await download(client, digest, 10n)).bytes.length).toBe(0);
    expect(await failure(download(client, digest, 11n))).toEqual({
      code: "OutOfRange",
      reason: "OFFSET_BEYOND_END",
      metadata: { offset: "11", sizeBytes: "10" },
    });
  });

  it("gets a media type when it was sent without one, and keeps the first", async () => {
    const bytes = randomBytes(3);
    const first = await client.uploadArtifact(messages(bytes), as("a"));
    expect(first.artifact?.mediaType).toBe("application/octet-stream");
    const second = await client.uploadArtifact(messages(bytes, { mediaType: "x/y" }), as("a"));
    expect(second).toMatchObject({ alreadyExisted: true, artifact: first.artifact });
  });

  it("is answered at once when it is there, whatever is still being sent", async () => {
    const bytes = randomBytes(5 * MIB);
    await client.uploadArtifact(messages(bytes), as("a"));
    let sent = 0;
    const endless = async function* () {
      yield headerOf(bytes);
      for (; sent < 1_000; sent++) yield chunkOf(bytes.subarray(0, MIB));
    };
    const again = await client.uploadArtifact(endless(), as("a"));
    expect(again).toMatchObject({ alreadyExisted: true });
    expect(sent).toBeLessThan(1_000);
  });

  it("is missing until it is there, in the order of the question", async () => {
    const here = randomBytes(9);
    const gone = [digestOf(randomBytes(9)), digestOf(randomBytes(9))];
    await client.uploadArtifact(messages(here), as("a"));
    const digests = [gone[0] ?? "", digestOf(here), gone[1] ?? ""];
    const { missingDigests } = await client.findMissingArtifacts({ digests }, as("a"));
    expect(missingDigests).toEqual(gone);
  });

  it("is made once by many who send it at the same time", async () => {
    const bytes = randomBytes(MIB);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => client.uploadArtifact(messages(bytes), as("a"))),
    );
    expect(answers.filter((answer) => !answer.alreadyExisted)).toHaveLength(1);
    expect(new Set(answers.map((answer) => answer.artifact?.digest)).size).toBe(1);
    expect(await rowCount(digestOf(bytes))).toBe(1);
  });

  it("of one tenant does not exist for another", async () => {
    const bytes = randomBytes(11);
    const digest = digestOf(bytes);
    await client.uploadArtifact(messages(bytes), as("a"));
    expect(await failure(download(client, digest, 0n, "b"))).toEqual({
      code: "NotFound",
      reason: "ARTIFACT_NOT_FOUND",
      metadata: { digest },
    });
    const missing = await client.findMissingArtifacts({ digests: [digest] }, as("b"));
    expect(missing.missingDigests).toEqual([digest]);
    const theirs = await client.uploadArtifact(messages(bytes), as("b"));
    expect(theirs.alreadyExisted).toBe(false);
    expect(await rowCount(digest)).toBe(2);
  });

  it("whose file was removed counts as missing and is repaired by an upload", async () => {
    const bytes = randomBytes(13);
    const digest = digestOf(bytes);
    const hex = digest.slice("sha256:".length);
    await client.uploadArtifact(messages(bytes), as("a"));
    await rm(join(folder, "a", "sha256", hex.slice(0, 2), hex.slice(2)));
    expect(await failure(download(client, digest))).toMatchObject({
      code: "DataLoss",
      reason: "ARTIFACT_BYTES_MISSING",
    });
    const missing = await client.findMissingArtifacts({ digests: [digest] }, as("a"));
    expect(missing.missingDigests).toEqual([digest]);
    await client.uploadArtifact(messages(bytes), as("a"));
    expect((await download(client, digest)).bytes.equals(bytes)).toBe(true);
  });

  it("whose row was not written is completed by the next try, without its bytes", async () => {
    const bytes = randomBytes(17);
    const digest = digestOf(bytes);
    await client.uploadArtifact(messages(bytes), as("a"));
    const hex = digest.slice("sha256:".length);
    await owner.query("delete from artifact where digest = decode($1, 'hex')", [hex]);
    const again = await client.uploadArtifact(from(headerOf(bytes)), as("a"));
    expect(again).toMatchObject({ alreadyExisted: false, artifact: { digest } });
  });
});

describe("an upload", () => {
  it("is refused when the bytes do not have the digest, and leaves nothing", async () => {
    const bytes = Buffer.from("right");
    const digest = digestOf(bytes);
    const uploadId = randomUUID();
    const wrong = from(headerOf(bytes, { uploadId }), chunkOf(Buffer.from("wrong")));
    expect(await failure(client.uploadArtifact(wrong, as("a")))).toMatchObject({
      code: "DataLoss",
      reason: "DIGEST_MISMATCH",
    });
    expect(await rowCount(digest)).toBe(0);
    expect(await client.queryUpload({ uploadId, digest }, as("a"))).toMatchObject({
      committedSize: 0n,
      complete: false,
    });
    expect(await failure(download(client, digest))).toMatchObject({ code: "NotFound" });
  });

  it("keeps what came when it ends too early, and goes on from there", async () => {
    const bytes = randomBytes(10);
    const digest = digestOf(bytes);
    const uploadId = randomUUID();
    const early = from(headerOf(bytes, { uploadId }), chunkOf(bytes.subarray(0, 4)));
    expect(await failure(client.uploadArtifact(early, as("a")))).toMatchObject({
      code: "InvalidArgument",
      reason: "UPLOAD_INCOMPLETE",
      metadata: { committedSize: "4" },
    });
    const query = { uploadId, digest };
    expect((await client.queryUpload(query, as("a"))).committedSize).toBe(4n);
    for (const writeOffset of [0n, 3n, 5n]) {
      const call = client.uploadArtifact(messages(bytes, { uploadId, writeOffset }), as("a"));
      expect(await failure(call)).toMatchObject({
        code: "OutOfRange",
        reason: "UPLOAD_OFFSET_MISMATCH",
        metadata: { committedSize: "4", writeOffset: String(writeOffset) },
      });
    }
    const rest = from(headerOf(bytes, { uploadId, writeOffset: 4n }), chunkOf(bytes.subarray(4)));
    await client.uploadArtifact(rest, as("a"));
    expect(await client.queryUpload(query, as("a"))).toMatchObject({
      committedSize: 10n,
      complete: true,
    });
  });

  it("of somebody else is unknown", async () => {
    const bytes = randomBytes(10);
    const uploadId = randomUUID();
    const early = from(headerOf(bytes, { uploadId }), chunkOf(bytes.subarray(0, 4)));
    await failure(client.uploadArtifact(early, as("a")));
    const theirs = await client.queryUpload({ uploadId, digest: digestOf(bytes) }, as("b"));
    expect(theirs.committedSize).toBe(0n);
  });

  it.each([
    ["no message", [], "UPLOAD_HEADER_REQUIRED"],
    ["a chunk first", [chunkOf(Buffer.from("x"))], "UPLOAD_HEADER_REQUIRED"],
    [
      "a second header",
      [headerOf(Buffer.from("abc")), headerOf(Buffer.from("abc"))],
      "UPLOAD_HEADER_REPEATED",
    ],
    [
      "too many bytes",
      [headerOf(Buffer.from("abc")), chunkOf(Buffer.from("abcd"))],
      "UPLOAD_TOO_LONG",
    ],
    ["a NUL in the type", [headerOf(randomBytes(1), { mediaType: "a\0b" })], "REQUEST_INVALID"],
    ["an offset too large", [headerOf(randomBytes(1), { writeOffset: 2n })], "REQUEST_INVALID"],
    ["a bad digest", [headerOf(randomBytes(1), { digest: "sha256:../x" })], undefined],
    ["a bad id", [headerOf(randomBytes(1), { uploadId: "../../x" })], undefined],
    ["an empty chunk", [headerOf(randomBytes(1)), chunkOf(Buffer.alloc(0))], undefined],
    ["a huge chunk", [headerOf(randomBytes(1)), chunkOf(Buffer.alloc(MIB + 1))], undefined],
  ] satisfies [string, UploadMessage[], string | undefined][])(
    "with %s is INVALID_ARGUMENT",
    async (_, list, reason) => {
      const found = await failure(client.uploadArtifact(from(...list), as("a")));
      expect(found.code).toBe("InvalidArgument");
      if (reason !== undefined) expect(found.reason).toBe(reason);
    },
  );
});
