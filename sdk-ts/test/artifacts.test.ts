import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import { afterEach, expect, test } from "vitest";
import { digestOf } from "../src/artifacts/source.ts";
import { ErrorInfoSchema } from "../src/gen/google/rpc/error_details_pb.ts";
import type { UploadArtifactRequest } from "../src/gen/stellaops/orchestrator/v1/artifact_pb.ts";
import { contractClocks, Orchestrator } from "../src/index.ts";
import { type Script, ScriptedServer } from "./scripted-server.ts";

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function connect(artifacts: Script["artifacts"] & {}): Promise<Orchestrator> {
  const server = await ScriptedServer.start({ artifacts });
  const orch = new Orchestrator({ url: server.url });
  undo.push(() => server.stop());
  undo.push(() => orch.close());
  return orch;
}

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "orch-sdk-"));
  undo.push(() => rm(path, { recursive: true }));
  return path;
}

/** An artifact store that breaks off an upload after `breakAfter` bytes, once. */
function store(breakAfter = Number.POSITIVE_INFINITY) {
  const uploads = new Map<string, Buffer>();
  const headers: { uploadId: string; writeOffset: bigint; mediaType: string }[] = [];
  let breaks = 1;
  const committed = (uploadId: string) => uploads.get(uploadId) ?? Buffer.alloc(0);
  return {
    uploads,
    headers,
    findMissingArtifacts: ({ digests }: { digests: string[] }) => ({ missingDigests: digests }),
    queryUpload: ({ uploadId }: { uploadId: string }) => ({
      committedSize: BigInt(committed(uploadId).length),
      complete: false,
    }),
    async uploadArtifact(requests: AsyncIterable<UploadArtifactRequest>, _context: HandlerContext) {
      let uploadId = "";
      let expected = { digest: "", size: 0 };
      for await (const { message } of requests) {
        if (message.case === "header") {
          const { digest, sizeBytes, writeOffset, mediaType } = message.value;
          uploadId = message.value.uploadId;
          expected = { digest, size: Number(sizeBytes) };
          headers.push({ uploadId, writeOffset, mediaType });
          expect(Number(writeOffset)).toBe(committed(uploadId).length);
        } else if (message.case === "chunk") {
          expect(message.value.length).toBeLessThanOrEqual(contractClocks.artifactChunkBytes);
          uploads.set(uploadId, Buffer.concat([committed(uploadId), message.value]));
        }
        if (committed(uploadId).length >= breakAfter && breaks-- > 0) {
          throw new ConnectError("goaway", Code.Unavailable);
        }
      }
      const bytes = committed(uploadId);
      expect(bytes.length).toBe(expected.size);
      expect(digestOf(bytes)).toBe(expected.digest);
      const artifact = { digest: expected.digest, sizeBytes: BigInt(bytes.length) };
      return { artifact, alreadyExisted: false };
    },
  };
}

const megabytes = (count: number): Uint8Array => {
  const bytes = new Uint8Array(count * 2 ** 20);
  for (let at = 0; at < bytes.length; at += 997) bytes[at] = at % 251;
  return bytes;
};

test("a broken upload goes on at the committed size under the same upload id", async () => {
  const content = store(2 * contractClocks.artifactChunkBytes);
  const orch = await connect(content);
  const bytes = megabytes(5);
  const path = join(await folder(), "sbom.json");
  await writeFile(path, bytes);
  for (const source of [bytes, { path }]) {
    const progress: number[] = [];
    const uploaded = await orch.artifacts.upload(source, {
      mediaType: "application/json",
      onProgress: ({ sentBytes }) => progress.push(sentBytes),
    });
    expect(uploaded).toMatchObject({ digest: digestOf(bytes), sizeBytes: 5 * 2 ** 20 });
    expect(progress.at(-1)).toBe(5 * 2 ** 20);
  }
  const [first, second, third] = content.headers;
  expect(content.headers).toHaveLength(3);
  expect(second).toEqual({ ...first, writeOffset: 2n * 2n ** 20n });
  expect(third).toMatchObject({ writeOffset: 0n });
});

test("what the tenant has already is not sent; nothing at all is an artifact too", async () => {
  const content = store();
  const orch = await connect({ ...content, findMissingArtifacts: () => ({ missingDigests: [] }) });
  const uploaded = await orch.artifacts.upload(new Uint8Array([1, 2, 3]));
  expect(uploaded).toMatchObject({ alreadyExisted: true, sizeBytes: 3 });
  expect(content.headers).toHaveLength(0);
  const empty = await (await connect(content)).artifacts.upload(new Uint8Array());
  expect(empty).toMatchObject({ sizeBytes: 0, digest: digestOf(new Uint8Array()) });
});

test("a refusal is not repeated, and a file that is gone is named", async () => {
  const info = { reason: "DIGEST_MISMATCH", domain: "orchestrator.stellaops" };
  let calls = 0;
  const orch = await connect({
    ...store(),
    uploadArtifact: () => {
      calls++;
      throw new ConnectError("wrong bytes", Code.DataLoss, undefined, [
        { desc: ErrorInfoSchema, value: info },
      ]);
    },
  });
  const upload = orch.artifacts.upload(megabytes(1));
  await expect(upload).rejects.toMatchObject({ code: "data_loss", reason: "DIGEST_MISMATCH" });
  expect(calls).toBe(1);
  await expect(orch.artifacts.upload({ path: "/no/such/file" })).rejects.toMatchObject({
    reason: "FILE_UNREADABLE",
  });
});

/** Serves `bytes`, breaking off after every `breakEvery` bytes. */
function shop(bytes: Uint8Array, breakEvery: number) {
  const offsets: number[] = [];
  return {
    offsets,
    async *downloadArtifact({ digest, offset }: { digest: string; offset: bigint }) {
      offsets.push(Number(offset));
      const message = {
        case: "artifact" as const,
        value: { digest, sizeBytes: BigInt(bytes.length) },
      };
      yield { message };
      const end = Math.min(bytes.length, Number(offset) + breakEvery);
      yield { message: { case: "chunk" as const, value: bytes.subarray(Number(offset), end) } };
      if (end < bytes.length) throw new ConnectError("goaway", Code.Unavailable);
    },
  };
}

test("a broken download goes on where it was, and the whole is verified", async () => {
  const bytes = megabytes(2);
  const content = shop(bytes, 700_000);
  const orch = await connect(content);
  const path = join(await folder(), "sbom.json");
  await orch.artifacts.downloadTo(digestOf(bytes), path);
  expect(digestOf(await readFile(path))).toBe(digestOf(bytes));
  expect(content.offsets).toEqual([0, 700_000, 1_400_000]);
});

test("bytes that are not the artifact are refused and leave no file", async () => {
  const orch = await connect(shop(megabytes(1), 2 ** 21));
  const wrong = digestOf(new Uint8Array([9]));
  const path = await folder();
  const download = orch.artifacts.downloadTo(wrong, join(path, "sbom.json"));
  await expect(download).rejects.toMatchObject({ code: "data_loss", reason: "DIGEST_MISMATCH" });
  expect(await readdir(path)).toEqual([]);
  await expect(orch.artifacts.bytes(wrong)).rejects.toMatchObject({ reason: "DIGEST_MISMATCH" });
});
