import { once } from "node:events";
import { type ClientHttp2Session, connect as connectHttp2, constants } from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { afterEach, describe, expect, it } from "vitest";
import { JobService, JobState } from "../gen/stellaops/orchestrator/v1/job_pb.ts";
import { TaskRunnerService } from "../gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import { reasonOf } from "./errors.ts";
import type { ListenerLimits, RunningListener } from "./listener.ts";
import {
  EMPTY_SETTINGS,
  envelope,
  everything,
  openSession,
  PING,
  PING_MESSAGE,
  PREFACE,
  post,
} from "./testing/raw-wire.ts";
import { serve as serveRoutes } from "./testing/serve.ts";

const JOB_ID = "0190c0de-0000-7000-8000-000000000000";
const GET_JOB = "/stellaops.orchestrator.v1.JobService/GetJob";
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

describe("one port", () => {
  it("serves gRPC, gRPC-Web and Connect over HTTP/1.1 and HTTP/2", async () => {
    const { url } = await start();
    const transports = [
      createGrpcTransport({ baseUrl: url }),
      createGrpcWebTransport({ baseUrl: url, httpVersion: "1.1" }),
      createGrpcWebTransport({ baseUrl: url, httpVersion: "2" }),
      createConnectTransport({ baseUrl: url, httpVersion: "1.1" }),
      createConnectTransport({ baseUrl: url, httpVersion: "2", useBinaryFormat: false }),
    ];
    for (const transport of transports) {
      const { job } = await createClient(JobService, transport).getJob({ jobId: JOB_ID });
      expect(job?.jobId).toBe(JOB_ID);
    }
  });

  it("takes a method that begins like the HTTP/2 preface, byte by byte", async () => {
    const { port } = await start();
    const socket = await tcp(port);
    const head = `POST ${GET_JOB} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n`;
    const body = JSON.stringify({ jobId: JOB_ID });
    const rest = `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    socket.setNoDelay(true);
    for (const byte of head.slice(0, 4)) socket.write(byte);
    socket.write(head.slice(4) + rest);
    expect(await everything(socket)).toMatch(/^HTTP\/1.1 200 OK/);
  });

  it("answers unknown paths in the caller's terms", async () => {
    const { url } = await start();
    expect((await fetch(`${url}/no/such`, { method: "POST" })).status).toBe(404);
    const session = http2(url);
    const stream = session.request({
      ":method": "POST",
      ":path": "/no.Such/Method",
      "content-type": "application/grpc",
    });
    const [headers] = await once(stream, "response");
    expect(headers["grpc-status"]).toBe("12");
  });

  it("does not compress answers", async () => {
    const { url } = await start();
    const response = await fetch(`${url}${GET_JOB}`, {
      method: "POST",
      headers: { "content-type": "application/json", "accept-encoding": "gzip" },
      body: JSON.stringify({ jobId: JOB_ID }),
    });
    expect(response.headers.get("content-encoding")).toBeNull();
    expect((await response.text()).length).toBeGreaterThan(4_096);
  });
});

describe("what must not hurt the process", () => {
  it.each([
    ["HTTP/1.0 without Host", `POST ${GET_JOB} HTTP/1.0\r\nContent-Length: 0\r\n\r\n`],
    ["an empty Host", `POST ${GET_JOB} HTTP/1.1\r\nHost:\r\nContent-Length: 0\r\n\r\n`],
    ["a Host that is none", `POST ${GET_JOB} HTTP/1.1\r\nHost: a b^\r\nContent-Length: 0\r\n\r\n`],
    ["a request line that is none", "GARBAGE\r\n\r\n"],
    ["binary rubbish", "\u0000\u0001\u0002\u0003rubbish\r\n\r\n"],
    [
      "bad chunks",
      `POST ${GET_JOB} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
    ],
  ])("%s is refused", async (_, bytes) => {
    const listener = await start();
    const socket = await tcp(listener.port);
    socket.end(bytes);
    expect(await everything(socket)).toMatch(/^HTTP\/1.1 400|^$/);
    await expectAlive(listener);
  });

  it("headers beyond the limit are refused", async () => {
    const socket = await tcp((await start()).port);
    socket.write(`GET / HTTP/1.1\r\nHost: x\r\nX-Large: ${"a".repeat(20_000)}\r\n\r\n`);
    expect(await everything(socket)).toMatch(/^HTTP\/1.1 431/);
  });

  it("a broken HTTP/2 preface and broken frames end the connection", async () => {
    const listener = await start();
    for (const bytes of ["PRI * HTTP/3.0\r\n\r\n", `${PREFACE}${"\u00ff".repeat(64)}`]) {
      const socket = await tcp(listener.port);
      socket.write(Buffer.from(bytes, "latin1"));
      await everything(socket);
    }
    await expectAlive(listener);
  });

  it("connections reset in the middle of a request are forgotten", async () => {
    const listener = await start();
    for (let i = 0; i < 20; i++) {
      const socket = await tcp(listener.port);
      socket.write(`POST ${GET_JOB} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{`, () =>
        socket.resetAndDestroy(),
      );
      await once(socket, "close");
      const session = http2(listener.url);
      const stream = session.request({ ":method": "POST", ":path": GET_JOB });
      stream.on("error", () => undefined);
      stream.write("{");
      await once(session, "remoteSettings");
      session.destroy();
    }
    await expectAlive(listener);
  });
});

describe("message limits", () => {
  it("a gzip bomb is RESOURCE_EXHAUSTED and takes no memory", async () => {
    const { url } = await start();
    const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024));
    expect(bomb.length).toBeLessThan(300_000);
    const before = process.memoryUsage().rss;
    const response = await fetch(`${url}${GET_JOB}`, {
      method: "POST",
      headers: { "content-type": "application/proto", "content-encoding": "gzip" },
      body: bomb,
    });
    expect(await response.json()).toMatchObject({
      code: "resource_exhausted",
      details: [
        { debug: { reason: "MESSAGE_TOO_LARGE", metadata: { maxMessageBytes: "4194304" } } },
      ],
    });
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
  });

  it("a message of 5 MiB is RESOURCE_EXHAUSTED over every protocol", async () => {
    const { url } = await start();
    const jobs = [{ jobType: "a.b", payload: new Uint8Array(5 * 1024 * 1024) }];
    for (const transport of everyTransport(url)) {
      const error = await failure(createClient(JobService, transport).enqueueJobs({ jobs }));
      expect([error.code, reasonOf(error)]).toEqual([Code.ResourceExhausted, "MESSAGE_TOO_LARGE"]);
    }
  });

  it.each([
    ["Connect", "application/proto", (bytes: Buffer) => bytes],
    ["Connect with JSON", "application/json", (bytes: Buffer) => bytes],
    ["gRPC", "application/grpc", envelope],
    ["gRPC-Web", "application/grpc-web+proto", envelope],
  ])("rubbish in a message is INVALID_ARGUMENT over %s", async (_, type, wrap) => {
    const { url } = await start();
    const answer = await post(http2(url), GET_JOB, type, wrap(Buffer.from("garbage!!")));
    expect(answer).toMatch(/grpc-status: 3\b|"code":"invalid_argument"/);
    expect(answer).not.toMatch(/internal/);
  });

  it("rubbish in a stream is INVALID_ARGUMENT", async () => {
    const { url } = await start();
    const path = "/stellaops.orchestrator.v1.TaskRunnerService/Session";
    const answer = await post(
      http2(url),
      path,
      "application/grpc",
      envelope(Buffer.from("garbage!!")),
    );
    expect(answer).toMatch(/grpc-status: 3\b/);
  });

  it("truncated gzip is INVALID_ARGUMENT", async () => {
    const { url } = await start();
    const response = await fetch(`${url}${GET_JOB}`, {
      method: "POST",
      headers: { "content-type": "application/proto", "content-encoding": "gzip" },
      body: gzipSync(Buffer.alloc(1_000)).subarray(0, 12),
    });
    expect(await response.json()).toMatchObject({ code: "invalid_argument" });
  });
});

describe("time limits", () => {
  it("a connection that says nothing, or half a preface, is closed", async () => {
    const { port } = await start({ headersTimeoutMs: 100 });
    for (const bytes of ["", "PR"]) {
      const socket = await tcp(port);
      socket.write(bytes);
      expect(await everything(socket)).toBe("");
    }
  });

  it("headers that trickle are cut off with 408", async () => {
    const { port } = await start({ headersTimeoutMs: 200 });
    const socket = await tcp(port);
    socket.write("GET / HTTP/1.1\r\nHost: x\r\n");
    const drip = setInterval(() => socket.write("X-Drip: 1\r\n"), 20);
    expect(await everything(socket)).toMatch(/^(HTTP\/1.1 408|$)/);
    clearInterval(drip);
  });

  it("the body of a unary call that trickles is cut off with 408", async () => {
    const { port } = await start({ bodyTimeoutMs: 200 });
    const socket = await tcp(port);
    socket.write(`POST ${GET_JOB} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`);
    socket.write("Content-Length: 100000\r\n\r\n");
    const drip = setInterval(() => socket.write(" "), 20);
    expect(await everything(socket)).toMatch(/^HTTP\/1.1 408/);
    clearInterval(drip);
  });

  it("the body of a unary call over HTTP/2 that trickles is reset", async () => {
    const { url } = await start({ bodyTimeoutMs: 200 });
    const stream = http2(url).request({
      ":method": "POST",
      ":path": GET_JOB,
      "content-type": "application/json",
    });
    stream.on("error", () => undefined);
    stream.write("{");
    await once(stream, "close");
    expect(stream.rstCode).toBe(constants.NGHTTP2_CANCEL);
  });

  it("an idle connection is closed, a busy one is not", async () => {
    const { url } = await start({ idleMs: 150 });
    const idle = http2(url);
    const busy = http2(url);
    const stream = openSession(busy);
    await once(stream, "response");
    await once(idle, "close");
    expect(busy.destroyed).toBe(false);
    stream.resume();
    stream.close();
    await once(busy, "close");
  });

  it("an old connection gets GOAWAY, and its open stream goes on", async () => {
    const { url } = await start({ maxAgeMs: 150 });
    const session = http2(url);
    const stream = openSession(session);
    await once(stream, "response");
    const [code] = await once(session, "goaway");
    expect(code).toBe(constants.NGHTTP2_NO_ERROR);
    const echoed = once(stream, "data");
    stream.write(envelope(PING_MESSAGE));
    await echoed;
    stream.end();
    await once(session, "close");
  });
});

describe("floods", () => {
  it("announces how many streams it takes", async () => {
    const { url } = await start({ maxConcurrentStreams: 7 });
    const [settings] = await once(http2(url), "remoteSettings");
    expect(settings).toMatchObject({ maxConcurrentStreams: 7, maxHeaderListSize: 16_384 });
  });

  it("a flood of pings ends the connection", async () => {
    const listener = await start();
    const socket = await tcp(listener.port);
    socket.on("error", () => undefined);
    socket.write(Buffer.concat([Buffer.from(PREFACE), EMPTY_SETTINGS]));
    socket.write(Buffer.concat(Array.from({ length: 5_000 }, () => PING)));
    const answer = Buffer.from(await everything(socket), "latin1");
    expect(answer.length).toBeLessThan(5_000 * PING.length);
    await expectAlive(listener);
  });

  it("pings that go with traffic are not a flood", async () => {
    const { url } = await start({ maxPings: 10 });
    const session = http2(url);
    const stream = openSession(session);
    await once(stream, "response");
    for (let i = 0; i < 100; i++) {
      const echoed = once(stream, "data");
      stream.write(envelope(PING_MESSAGE));
      await echoed;
      await new Promise((resolve) => session.ping(resolve));
    }
    expect(session.destroyed).toBe(false);
  });
});

describe("close", () => {
  it("lets calls under way finish, and takes no new ones", async () => {
    const listener = await start();
    const stream = openSession(http2(listener.url));
    await once(stream, "response");
    const closed = listener.close(10_000);
    await expect(tcp(listener.port)).rejects.toThrow(/ECONNREFUSED/);
    const echoed = once(stream, "data");
    stream.write(envelope(PING_MESSAGE));
    await echoed;
    stream.end();
    await closed;
  });

  it("tells what outlasts the grace that the server stops", async () => {
    const listener = await start();
    const stream = openSession(http2(listener.url));
    const trailers = once(stream, "trailers");
    await once(stream, "response");
    stream.resume();
    await listener.close(50);
    const [trailer] = await trailers;
    expect(trailer["grpc-status"]).toBe("14");
  });
});

async function start(limits: Partial<ListenerLimits> = {}): Promise<RunningListener> {
  const listener = await serveRoutes((router) => {
    router.service(JobService, {
      getJob: ({ jobId }) => ({
        job: { jobId, state: JobState.READY, spec: { payload: new Uint8Array(8_192) } },
      }),
    });
    router.service(TaskRunnerService, {
      async *session(frames, { signal }) {
        yield { frame: { case: "welcome", value: {} } };
        const stopped = new Promise<never>((_, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason));
        });
        stopped.catch(() => undefined);
        const iterator = frames[Symbol.asyncIterator]();
        for (;;) {
          const { done } = await Promise.race([iterator.next(), stopped]);
          if (done === true) return;
          yield { frame: { case: "pong", value: {} } };
        }
      },
    });
  }, limits);
  cleanups.push(() => listener.close(0));
  return listener;
}

function everyTransport(baseUrl: string) {
  return [
    createGrpcTransport({ baseUrl }),
    createGrpcWebTransport({ baseUrl, httpVersion: "2" }),
    createConnectTransport({ baseUrl, httpVersion: "2" }),
  ];
}

async function failure(call: Promise<unknown>): Promise<ConnectError> {
  try {
    await call;
  } catch (error) {
    return ConnectError.from(error);
  }
  throw new Error("the call succeeded");
}

async function expectAlive({ url }: RunningListener): Promise<void> {
  const client = createClient(
    JobService,
    createConnectTransport({ baseUrl: url, httpVersion: "1.1" }),
  );
  expect((await client.getJob({ jobId: JOB_ID })).job?.jobId).toBe(JOB_ID);
}

function http2(url: string): ClientHttp2Session {
  const session = connectHttp2(url);
  session.on("error", () => undefined);
  cleanups.push(() => session.destroy());
  return session;
}

async function tcp(port: number): Promise<Socket> {
  const socket = connectTcp(port, "127.0.0.1");
  cleanups.push(() => socket.destroy());
  await once(socket, "connect");
  return socket;
}
