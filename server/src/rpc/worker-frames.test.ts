import { randomUUID } from "node:crypto";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { expect, it } from "vitest";
import { BadRequestSchema } from "../gen/google/rpc/error_details_pb.ts";
import {
  CompleteAttemptsRequestSchema,
  HelloSchema,
  WorkerFrameSchema,
} from "../gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import { readCompletions, readHello, readWorkerFrame, writeServerFrame } from "./worker-frames.ts";

const violationsOf = (read: () => unknown): readonly string[] => {
  try {
    read();
    return [];
  } catch (error) {
    const details = ConnectError.from(error).findDetails(BadRequestSchema);
    return details.flatMap((detail) => detail.fieldViolations.map(({ field }) => field));
  }
};

it("sends a nonce back to the bit, beyond what a number holds", () => {
  const nonce = 2n ** 62n + 1n;
  const ping = create(WorkerFrameSchema, { frame: { case: "ping", value: { nonce } } });
  const read = readWorkerFrame("acme", ping);
  expect(read).toEqual({ kind: "ping", nonce });
  const pong = writeServerFrame({ kind: "pong", nonce }, "server");
  expect(pong.frame).toMatchObject({ case: "pong", value: { nonce } });
});

it("refuses two artifacts of one name in a completion, which no ledger could bind", () => {
  const named = (...names: string[]) =>
    create(CompleteAttemptsRequestSchema, {
      completions: [
        {
          lease: { jobId: randomUUID(), leaseEpoch: 1n, leaseToken: "t" },
          completionId: randomUUID(),
          artifacts: names.map((name) => ({ name, digest: `sha256:${"0".repeat(64)}` })),
        },
      ],
    } satisfies MessageInitShape<typeof CompleteAttemptsRequestSchema>);
  expect(violationsOf(() => readCompletions("acme", named("a", "b")))).toEqual([]);
  expect(violationsOf(() => readCompletions("acme", named("a", "b", "a")))).toEqual([
    "completions[0].artifacts[2].name",
  ]);
});

it("refuses a Hello with two pools of one name", () => {
  const pool = { name: "main", jobTypes: ["test.echo"], slots: 1 };
  const hello = create(HelloSchema, {
    workerId: "w",
    instanceId: randomUUID(),
    pools: [pool, pool],
  });
  expect(violationsOf(() => readHello("acme", hello, 1))).toEqual(["hello.pools[1].name"]);
});
