import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import { type DescMethod, fromBinary } from "@bufbuild/protobuf";
import {
  BadRequestSchema,
  ErrorInfoSchema,
} from "../../server/src/gen/google/rpc/error_details_pb.ts";

/** What a call was answered. Streams answer all their messages, and their end. */
export interface WireAnswer {
  /** "ok", or the code as Connect spells it, such as "invalid_argument". */
  readonly code: string;
  readonly reason: string | undefined;
  readonly domain: string | undefined;
  /** The paths of BadRequest's violations. */
  readonly violations: readonly string[];
  readonly messages: readonly unknown[];
}

/** How a message is written on the wire. */
export type WireCodec = "json" | "proto";

/** The Connect protocol over one HTTP/2 connection, for what no client library would send. */
export interface Wire {
  /** Sends message bodies as they are; a unary method takes one. */
  call(
    method: DescMethod,
    codec: WireCodec,
    bodies: readonly (string | Uint8Array)[],
    headers?: Readonly<Record<string, string>>,
  ): Promise<WireAnswer>;
  close(): Promise<void>;
}

/** Connects to a server. */
export function openWire(url: string): Wire {
  const session = connect(url);
  session.on("error", () => {});
  return {
    async call(method, codec, bodies, headers = {}) {
      const isUnary = method.methodKind === "unary";
      const type = isUnary ? `application/${codec}` : `application/connect+${codec}`;
      const parts = bodies.map((body) => Buffer.from(body));
      const body = Buffer.concat(isUnary ? parts : parts.map(envelope));
      const { status, bytes } = await exchange(session, method, { type, body, headers });
      if (!isUnary) return streamAnswer(bytes, codec);
      if (status !== 200) return failed(JSON.parse(bytes.toString()) as ConnectFailure);
      return ok([codec === "json" ? JSON.parse(bytes.toString()) : bytes]);
    },
    async close() {
      if (session.destroyed) return;
      session.destroy();
      await once(session, "close");
    },
  };
}

interface ConnectFailure {
  readonly code: string;
  readonly details?: readonly { readonly type: string; readonly value: string }[];
}

const ok = (messages: readonly unknown[]): WireAnswer => ({
  code: "ok",
  reason: undefined,
  domain: undefined,
  violations: [],
  messages,
});

function failed(failure: ConnectFailure, messages: readonly unknown[] = []): WireAnswer {
  const details = failure.details ?? [];
  const bytesOf = (type: string) => {
    const found = details.find((detail) => detail.type === type);
    return found && Buffer.from(found.value, "base64");
  };
  const infoBytes = bytesOf(ErrorInfoSchema.typeName);
  const badBytes = bytesOf(BadRequestSchema.typeName);
  const info = infoBytes && fromBinary(ErrorInfoSchema, infoBytes);
  const bad = badBytes && fromBinary(BadRequestSchema, badBytes);
  return {
    code: failure.code,
    reason: info?.reason,
    domain: info?.domain,
    violations: bad?.fieldViolations.map(({ field }) => field) ?? [],
    messages,
  };
}

const HEADER_BYTES = 5;
const END_OF_STREAM = 2;

function envelope(message: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}

function streamAnswer(bytes: Buffer, codec: WireCodec): WireAnswer {
  const messages: unknown[] = [];
  let rest = bytes;
  while (rest.length >= HEADER_BYTES) {
    const end = HEADER_BYTES + rest.readUInt32BE(1);
    const body = rest.subarray(HEADER_BYTES, end);
    if (((rest[0] ?? 0) & END_OF_STREAM) !== 0) {
      const { error } = JSON.parse(body.toString()) as { error?: ConnectFailure };
      return error === undefined ? ok(messages) : failed(error, messages);
    }
    messages.push(codec === "json" ? JSON.parse(body.toString()) : body);
    rest = rest.subarray(end);
  }
  throw new Error(`the stream has no end: ${bytes.toString("latin1")}`);
}

interface Outgoing {
  readonly type: string;
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

async function exchange(
  session: ClientHttp2Session,
  method: DescMethod,
  { type, body, headers }: Outgoing,
): Promise<{ status: number; bytes: Buffer }> {
  const stream = session.request({
    ":method": "POST",
    ":path": `/${method.parent.typeName}/${method.name}`,
    "content-type": type,
    "connect-protocol-version": "1",
    ...headers,
  });
  // A body that is too large is refused before it is read: the answer counts, not the reset.
  stream.on("error", () => {});
  let status = 0;
  const chunks: Buffer[] = [];
  stream.on("response", (received) => {
    status = received[":status"] ?? 0;
  });
  stream.on("data", (chunk: Buffer) => void chunks.push(chunk));
  stream.end(body);
  // Its end, not its close: a server that has answered need not read the rest of a body.
  await Promise.race([once(stream, "end"), once(stream, "close")]);
  stream.close();
  return { status, bytes: Buffer.concat(chunks) };
}
