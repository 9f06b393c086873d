import { randomBytes } from "node:crypto";
import { Orchestrator } from "@stellaops/orchestrator";
import { afterAll, beforeAll, expect, it } from "vitest";
import { digestOf } from "../../server/src/rpc/testing/artifact-client.ts";
import { openStage, type Stage } from "../support/stage.ts";

const MIB = 1024 * 1024;
const PATIENCE = { timeout: 90_000 };

let stage: Stage;

beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

it("a server that stops in mid-upload: it resumes at what is committed", PATIENCE, async () => {
  const first = await stage.server();
  const bytes = randomBytes(48 * MIB);
  const sent: number[] = [];
  let sentBefore: number | undefined;
  let restarted: Promise<unknown> | undefined;
  await using orchestrator = new Orchestrator({ url: first.url });
  const uploaded = await orchestrator.artifacts.upload(bytes, {
    mediaType: "application/x-test",
    onProgress: ({ sentBytes }) => {
      sent.push(sentBytes);
      if (sentBytes < 16 * MIB || restarted !== undefined) return;
      // Frozen in this very moment, so that the rest cannot slip through before it hears.
      first.program.signal("SIGSTOP");
      first.program.signal("SIGTERM");
      first.program.signal("SIGCONT");
      restarted = first.program.exited.then((exit) => {
        expect(exit).toEqual({ code: 0, signal: null });
        sentBefore = sent.length;
        return stage.server({ port: first.port });
      });
    },
  });
  await restarted;
  expect(uploaded.digest).toBe(digestOf(bytes));
  expect(uploaded.alreadyExisted).toBe(false);
  // The rest went to the second server, from what was committed on: not from the beginning.
  expect(sentBefore).toBeDefined();
  const after = sent.slice(sentBefore);
  expect(after.length).toBeGreaterThan(0);
  expect(after[0]).toBeGreaterThan(MIB);
  expect(after.at(-1)).toBe(bytes.length);
  const stored = await orchestrator.artifacts.bytes(uploaded.digest);
  expect(digestOf(stored)).toBe(digestOf(bytes));
  const { rows } = await stage.owner.query("select size_bytes, media_type from artifact");
  expect(rows).toEqual([{ size_bytes: bytes.length, media_type: "application/x-test" }]);
});
