import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createRequire } from "node:module";
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  GetJobRequestSchema,
  GetJobResponseSchema,
  JobState,
} from "../../server/src/gen/stellaops/orchestrator/v1/job_pb.ts";
import {
  type ServerFrame,
  ServerFrameSchema,
  TaskRunnerService,
  WorkerFrameSchema,
  WriteVerdict,
} from "../../server/src/gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import { enqueue, openStage, type Stage } from "../support/stage.ts";

// The gRPC library that most Node programs use, which shares no code with ours.
const grpc = createRequire(import.meta.url)("@grpc/grpc-js") as typeof import("@grpc/grpc-js");

let stage: Stage;
let url: string;
let client: InstanceType<typeof grpc.Client>;

beforeAll(async () => {
  stage = await openStage();
  ({ url } = await stage.server());
  client = new grpc.Client(new URL(url).host, grpc.credentials.createInsecure());
});
afterAll(async () => {
  client.close();
  await stage.close();
});

const encode =
  <Desc extends DescMessage>(schema: Desc) =>
  (init: MessageInitShape<Desc>): Buffer =>
    Buffer.from(toBinary(schema, create(schema, init)));

const decode =
  <Desc extends DescMessage>(schema: Desc) =>
  (bytes: Buffer): MessageShape<Desc> =>
    fromBinary(schema, bytes);

it("holds a Session: hello, offer, accept, heartbeat, completion, drain", async () => {
  const [jobId = ""] = await enqueue(stage.clients(url), "test.interop");
  const stream = client.makeBidiStreamRequest(
    `/${TaskRunnerService.typeName}/Session`,
    encode(WorkerFrameSchema),
    decode(ServerFrameSchema),
  );
  const frames: ServerFrame["frame"][] = [];
  const arrived = new Set<() => void>();
  stream.on("data", (message: ServerFrame) => {
    frames.push(message.frame);
    for (const check of [...arrived]) check();
  });
  const ended = once(stream, "status");
  const next = <Case extends ServerFrame["frame"]["case"]>(kind: Case) =>
    new Promise<Extract<ServerFrame["frame"], { case: Case }>["value"]>((resolve) => {
      const check = () => {
        const at = frames.findIndex((frame) => frame.case === kind);
        if (at < 0) return;
        arrived.delete(check);
        resolve(frames.splice(at, 1)[0]?.value as never);
      };
      arrived.add(check);
      check();
    });
  const send = (frame: MessageInitShape<typeof WorkerFrameSchema>["frame"]) =>
    stream.write({ frame });

  const pools = [{ name: "p", jobTypes: ["test.interop"], slots: 1 }];
  send({ case: "hello", value: { workerId: "grpc-js", instanceId: randomUUID(), pools } });
  const welcome = await next("welcome");
  expect(welcome?.leasePolicy?.leaseTtl?.seconds).toBe(3n);
  const lease = (await next("offers"))?.offers[0]?.lease;
  if (lease === undefined) throw new Error("an offer without a lease");
  expect(lease.jobId).toBe(jobId);
  send({ case: "accept", value: { leases: [lease] } });
  expect((await next("results"))?.results[0]?.verdict).toBe(WriteVerdict.APPLIED);
  send({ case: "heartbeat", value: { leases: [lease] } });
  expect((await next("verdicts"))?.verdicts[0]?.jobId).toBe(jobId);
  send({ case: "ping", value: { nonce: 7n } });
  expect((await next("pong"))?.nonce).toBe(7n);
  const completions = [{ lease, completionId: randomUUID(), result: Buffer.from("done") }];
  send({ case: "complete", value: { completions } });
  expect((await next("results"))?.results[0]).toMatchObject({
    verdict: WriteVerdict.APPLIED,
    state: JobState.SUCCEEDED,
  });
  send({ case: "drain", value: { reason: "done" } });
  await next("drainAck");
  stream.end();
  const [status] = await ended;
  expect(status.code).toBe(grpc.status.OK);
  expect(await stage.balance()).toMatchObject({ enqueued: 1, succeeded: 1 });
});

it("reads the details of an error from the trailers", async () => {
  const failure = await new Promise<import("@grpc/grpc-js").ServiceError | null>((resolve) => {
    client.makeUnaryRequest(
      "/stellaops.orchestrator.v1.JobService/GetJob",
      encode(GetJobRequestSchema),
      decode(GetJobResponseSchema),
      { jobId: randomUUID() },
      (error) => resolve(error),
    );
  });
  expect(failure?.code).toBe(grpc.status.NOT_FOUND);
  const [details] = failure?.metadata.get("grpc-status-details-bin") ?? [];
  expect(String(details)).toContain("JOB_NOT_FOUND");
});
