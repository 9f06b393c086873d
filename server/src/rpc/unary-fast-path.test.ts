import { type ClientHttp2Session, connect } from "node:http2";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import { type ServerHere, startServerHere } from "../../../test/support/server.ts";
import { StatusSchema } from "../gen/google/rpc/status_pb.ts";
import {
  EnqueueJobsRequestSchema,
  EnqueueJobsResponseSchema,
  EnqueueOutcome,
} from "../gen/stellaops/orchestrator/v1/job_pb.ts";

const PATH = "/stellaops.orchestrator.v1.JobService/EnqueueJobs";

let database: TestDatabase;
let server: ServerHere;
let client: ClientHttp2Session;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startServerHere(database.url);
  client = connect(server.url);
});

afterAll(async () => {
  client.destroy();
  await server.stop();
  await database.drop();
});

interface Answer {
  readonly status: string | undefined;
  readonly reason: string | undefined;
  readonly type: string | undefined;
  readonly body: Buffer;
}

/** Sends chunks as the body of a gRPC call; a grpc-timeout makes the adapter serve it. */
const call = (chunks: readonly Buffer[], headers: Record<string, string> = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const stream = client.request({
      ":method": "POST",
      ":path": PATH,
      "content-type": "application/grpc",
      te: "trailers",
      ...headers,
    });
    let type: string | undefined;
    let trailers: Record<string, unknown> = {};
    const body: Buffer[] = [];
    stream.on("response", (head) => {
      type = head["content-type"];
      trailers = { ...head };
    });
    stream.on("trailers", (more) => {
      trailers = { ...trailers, ...more };
    });
    stream.on("data", (chunk: Buffer) => body.push(chunk));
    stream.on("error", reject);
    // Not "close": who is answered before all is sent has to close the stream itself.
    stream.on("end", () => {
      stream.close();
      const details = trailers["grpc-status-details-bin"] as string | undefined;
      const status = trailers["grpc-status"] as string | undefined;
      resolve({ status, type, body: Buffer.concat(body), reason: reasonIn(details) });
    });
    for (const chunk of chunks) stream.write(chunk);
    stream.end();
  });

const reasonIn = (details: string | undefined): string | undefined => {
  if (details === undefined) return undefined;
  const status = fromBinary(StatusSchema, Buffer.from(details, "base64"));
  const info = status.details.find(({ typeUrl }) => typeUrl.endsWith("ErrorInfo"));
  // The first field of ErrorInfo is its reason.
  return info && Buffer.from(info.value.subarray(2, 2 + (info.value[1] ?? 0))).toString();
};

const framed = (message: Uint8Array, flags = 0): Buffer => {
  const frame = Buffer.alloc(5 + message.length);
  frame[0] = flags;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  return frame;
};

const jobs = (...jobTypes: string[]) =>
  toBinary(
    EnqueueJobsRequestSchema,
    create(EnqueueJobsRequestSchema, { jobs: jobTypes.map((jobType) => ({ jobType })) }),
  );

const outcomes = ({ body }: Answer) =>
  fromBinary(EnqueueJobsResponseSchema, body.subarray(5)).results.map(({ outcome }) => outcome);

/** Both ways to the same method: without and with what only the adapter can do. */
const ways = [
  ["the fast path", {}],
  ["the adapter", { "grpc-timeout": "20S" }],
] as const;

describe.each(ways)("EnqueueJobs by %s", (_, headers) => {
  it("answers a good call", async () => {
    const answer = await call([framed(jobs("test.a", "test.b"))], headers);
    expect(answer.status).toBe("0");
    expect(answer.type).toMatch(/^application\/grpc/);
    expect(outcomes(answer)).toEqual([EnqueueOutcome.CREATED, EnqueueOutcome.CREATED]);
  });

  it("answers a call that comes byte by byte", async () => {
    const bytes = [...framed(jobs("test.a"))].map((byte) => Buffer.from([byte]));
    expect(outcomes(await call(bytes, headers))).toEqual([EnqueueOutcome.CREATED]);
  });

  it("answers what the handler refuses", async () => {
    const answer = await call([framed(jobs("test.a"))], { ...headers, "orch-tenant": "NOT ONE" });
    expect(answer).toMatchObject({ status: "3", reason: "TENANT_INVALID" });
  });

  it("answers broken rules, rubbish, a missing message and one too many", async () => {
    const invalid = await call([framed(jobs("Not A Type"))], headers);
    expect(invalid).toMatchObject({ status: "3", reason: "REQUEST_INVALID" });
    const rubbish = await call([framed(Buffer.from([0xff, 0xff, 0xff]))], headers);
    expect(rubbish).toMatchObject({ status: "3", reason: "REQUEST_MALFORMED" });
    expect((await call([], headers)).status).not.toBe("0");
    const twice = await call([framed(jobs("test.a")), framed(jobs("test.a"))], headers);
    expect(twice.status).not.toBe("0");
  });

  it("answers a message larger than the server reads, and one cut short", async () => {
    const large = await call([framed(Buffer.alloc(5 * 1024 * 1024))], headers);
    expect(large).toMatchObject({ status: "8", reason: "MESSAGE_TOO_LARGE" });
    const short = await call([framed(jobs("test.a")).subarray(0, 8)], headers);
    expect(short.status).not.toBe("0");
  });

  it("answers what only the ledger can refuse", async () => {
    const spec = { jobType: "test.a", idempotencyKey: `k-${JSON.stringify(headers)}` };
    const of = (priority: number) =>
      framed(
        toBinary(
          EnqueueJobsRequestSchema,
          create(EnqueueJobsRequestSchema, { jobs: [{ ...spec, priority }] }),
        ),
      );
    expect(outcomes(await call([of(1)], headers))).toEqual([EnqueueOutcome.CREATED]);
    expect(outcomes(await call([of(1)], headers))).toEqual([EnqueueOutcome.DUPLICATE]);
    expect(outcomes(await call([of(2)], headers))).toEqual([EnqueueOutcome.REJECTED]);
  });
});

it("both ways answer the same errors, byte for byte", async () => {
  for (const body of [framed(jobs("Not A Type")), framed(Buffer.from([9, 9])), framed(jobs())]) {
    const [fast, slow] = await Promise.all(ways.map(([, headers]) => call([body], headers)));
    expect(fast).toEqual(slow);
  }
});

it("goes on serving a connection whose call was cut off", async () => {
  const stream = client.request({
    ":method": "POST",
    ":path": PATH,
    "content-type": "application/grpc",
  });
  stream.on("error", () => {});
  stream.write(framed(jobs("test.a")).subarray(0, 7));
  await new Promise((resolve) => {
    stream.on("close", resolve);
    stream.close(8);
  });
  expect(outcomes(await call([framed(jobs("test.a"))]))).toEqual([EnqueueOutcome.CREATED]);
});
