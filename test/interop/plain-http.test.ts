import { randomUUID } from "node:crypto";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  EnqueueJobsRequestSchema,
  EnqueueJobsResponseSchema,
  EnqueueOutcome,
} from "../../server/src/gen/stellaops/orchestrator/v1/job_pb.ts";
import { openStage, type Stage } from "../support/stage.ts";

// HTTP/1.1 and nothing but what the platform has: fetch.

const PACKAGE = "stellaops.orchestrator.v1";

let stage: Stage;
let url: string;

beforeAll(async () => {
  stage = await openStage();
  ({ url } = await stage.server({ policy: { leaseTtl: "600s" } }));
});
afterAll(() => stage.close());

const post = (
  method: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = { "content-type": "application/json" },
) => fetch(`${url}/${PACKAGE}.${method}`, { method: "POST", body, headers });

// biome-ignore lint/suspicious/noExplicitAny: answers are looked at by matchers alone
const call = async (method: string, request: object): Promise<any> => {
  const response = await post(method, JSON.stringify(request));
  const answer = await response.json();
  expect({ method, status: response.status, answer }).toMatchObject({ status: 200 });
  return answer;
};

describe("JSON over HTTP/1.1", () => {
  it("takes a job from enqueue to its result", async () => {
    const jobs = [{ jobType: "demo.http", payload: Buffer.from("{}").toString("base64") }];
    const { results } = await call("JobService/EnqueueJobs", { jobs });
    const claimed = await call("TaskRunnerService/ClaimJobs", {
      claimRequestId: randomUUID(),
      workerId: "curl",
      jobTypes: ["demo.http"],
    });
    const { lease } = claimed.jobs[0];
    expect(lease.jobId).toBe(results[0].jobId);
    const completions = [{ lease, completionId: randomUUID(), result: "aGk=" }];
    const completed = await call("TaskRunnerService/CompleteAttempts", { completions });
    expect(completed.results[0].verdict).toBe("WRITE_VERDICT_APPLIED");
    const { job } = await call("JobService/GetJob", { jobId: lease.jobId });
    expect(job).toMatchObject({ state: "JOB_STATE_SUCCEEDED", result: "aGk=" });
  });

  it("reads with GET, which caches and browsers like", async () => {
    const message = encodeURIComponent(JSON.stringify({ pageSize: 1 }));
    const query = `connect=v1&encoding=json&message=${message}`;
    const response = await fetch(`${url}/${PACKAGE}.JobService/ListJobs?${query}`);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ jobs: [{ tenant: "default" }] });
  });

  it("answers an error as JSON with a fitting status", async () => {
    const response = await post("JobService/GetJob", JSON.stringify({ jobId: randomUUID() }));
    expect(response.status).toBe(404);
    const error = (await response.json()) as { details: { type: string }[] };
    expect(error).toMatchObject({ code: "not_found" });
    const types = error.details.map((detail) => detail.type);
    expect(types).toEqual(["google.rpc.ErrorInfo"]);
  });

  it("writes why one job of a batch was rejected", async () => {
    const payload = Buffer.alloc(262_145).toString("base64");
    const jobs = [{ jobType: "demo.large", payload }, { jobType: "demo.small" }];
    const { results } = await call("JobService/EnqueueJobs", { jobs });
    expect(results[0]).toMatchObject({
      outcome: "ENQUEUE_OUTCOME_REJECTED",
      error: { code: 3, details: [{ reason: "PAYLOAD_TOO_LARGE" }, { fieldViolations: [{}] }] },
    });
    expect(results[1]).toMatchObject({ outcome: "ENQUEUE_OUTCOME_CREATED" });
  });

  it("keeps tenants apart", async () => {
    const headers = { "content-type": "application/json", "orch-tenant": "someone-else" };
    const response = await post("JobService/ListJobs", "{}", headers);
    expect(await response.json()).toEqual({});
  });
});

describe("gRPC-Web over HTTP/1.1", () => {
  it("enqueues, and sends the status in the body", async () => {
    const request = create(EnqueueJobsRequestSchema, { jobs: [{ jobType: "demo.web" }] });
    const frames = await grpcWeb(
      "JobService/EnqueueJobs",
      toBinary(EnqueueJobsRequestSchema, request),
    );
    const [answer, trailer] = frames;
    const { results } = fromBinary(EnqueueJobsResponseSchema, answer?.body ?? new Uint8Array());
    expect(results[0]?.outcome).toBe(EnqueueOutcome.CREATED);
    expect(trailer?.isTrailer).toBe(true);
    expect(String(trailer?.body)).toMatch(/grpc-status: 0/);
  });

  it("refuses a request that breaks a rule", async () => {
    const frames = await grpcWeb("JobService/EnqueueJobs", new Uint8Array());
    expect(frames).toHaveLength(1);
    expect(String(frames[0]?.body)).toMatch(/grpc-status: 3/);
    expect(String(frames[0]?.body)).toMatch(/grpc-status-details-bin: /);
  });
});

const HEADER_BYTES = 5;
const TRAILER_FLAG = 0x80;

async function grpcWeb(method: string, message: Uint8Array) {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(message.length, 1);
  const body = Buffer.concat([header, message]);
  const type = "application/grpc-web+proto";
  const response = await post(method, body, { "content-type": type, "x-grpc-web": "1" });
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toMatch(/^application\/grpc-web/);
  const frames: { isTrailer: boolean; body: Buffer }[] = [];
  for (let rest = Buffer.from(await response.arrayBuffer()); rest.length > 0; ) {
    const end = HEADER_BYTES + rest.readUInt32BE(1);
    const isTrailer = ((rest[0] ?? 0) & TRAILER_FLAG) !== 0;
    frames.push({ isTrailer, body: rest.subarray(HEADER_BYTES, end) });
    rest = rest.subarray(end);
  }
  return frames;
}
