import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import {
  create,
  type DescMethodUnary,
  fromBinary,
  type Message,
  toBinary,
} from "@bufbuild/protobuf";
import type { Validator } from "@bufbuild/protovalidate";
import { createContextValues, type HandlerContext } from "@connectrpc/connect";
import { ACTOR_HEADER } from "./interceptors/actor.ts";
import { setTenant, TENANT_HEADER, tenantIn } from "./interceptors/tenant.ts";
import type { NodeRequest, NodeResponse } from "./request-handler.ts";

/** A unary method that is called so often that the adapter's cost a call counts. */
export interface FastMethod {
  readonly method: DescMethodUnary;
  /** The method's handler. It must not need more of its context than the tenant. */
  readonly invoke: (request: never, context: HandlerContext) => unknown;
}

/** How a call that the fast path does not finish is finished by the adapter. */
export interface SlowPath {
  /** Serves the call as it came; `body` is what has been read of it, and then the rest. */
  readonly serve: (body: AsyncIterable<Uint8Array>) => void;
  /** Answers the call with what its handler threw. */
  readonly fail: (error: unknown, tenant: string) => void;
}

/** Takes calls off the adapter's hands. */
export interface FastPath {
  /** Whether it takes the call; if not, nothing of it was read. */
  readonly take: (
    path: string,
    request: NodeRequest,
    response: NodeResponse,
    slow: SlowPath,
  ) => boolean;
}

const PREFIX_BYTES = 5;

const TYPES: ReadonlySet<string | undefined> = new Set([
  "application/grpc",
  "application/grpc+proto",
]);

/**
 * Serves the common case of hot unary methods without the adapter: gRPC over HTTP/2, one message
 * that is not compressed, valid, and within the size limit; docs/adr/0035 has what that saves.
 * Whatever else comes, and every error, goes through the adapter and so looks as it always does:
 * there is one implementation of the unusual.
 */
export function createFastPath(
  methods: readonly FastMethod[],
  validator: Validator,
  maxMessageBytes: number,
): FastPath {
  const byPath = new Map(
    methods.map((fast) => [`/${fast.method.parent.typeName}/${fast.method.name}`, fast]),
  );
  return {
    take(path, request, response, slow) {
      const fast = byPath.get(path);
      if (fast === undefined || !isCommon(request)) return false;
      const chunks: Buffer[] = [];
      let bytes = 0;
      const onData = (chunk: Buffer) => {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes <= maxMessageBytes + PREFIX_BYTES) return;
        request.off("data", onData).off("end", onEnd).pause();
        slow.serve(readSoFar(chunks, request));
      };
      const onEnd = () => {
        const call = readCall(fast, validator, request, chunks, bytes);
        if (call === undefined) slow.serve(readSoFar(chunks, undefined));
        else void answer(fast, response as Http2ServerResponse, call, slow);
      };
      request.on("data", onData).on("end", onEnd);
      return true;
    },
  };
}

/** Deadlines are the adapter's to keep, and so is everything that is not plain gRPC. */
function isCommon(request: NodeRequest): request is Http2ServerRequest {
  if (!("stream" in request)) return false;
  const { headers } = request;
  const encoding = headers["grpc-encoding"];
  return (
    TYPES.has(headers["content-type"]) &&
    (encoding === undefined || encoding === "identity") &&
    headers["grpc-timeout"] === undefined &&
    headers["content-encoding"] === undefined &&
    headers[ACTOR_HEADER] === undefined &&
    request.method === "POST"
  );
}

interface Call {
  readonly message: Message;
  readonly tenant: string;
}

/** Undefined: something about it is unusual. */
function readCall(
  { method }: FastMethod,
  validator: Validator,
  { headers }: Http2ServerRequest,
  chunks: readonly Buffer[],
  bytes: number,
): Call | undefined {
  const body = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
  if (bytes < PREFIX_BYTES || body[0] !== 0) return undefined;
  if (body.readUInt32BE(1) !== bytes - PREFIX_BYTES) return undefined;
  const tenant = tenantIn(headers[TENANT_HEADER]);
  if (tenant === undefined) return undefined;
  try {
    const message = fromBinary(method.input, body.subarray(PREFIX_BYTES));
    return validator.validate(method.input, message).kind === "valid"
      ? { message, tenant }
      : undefined;
  } catch {
    return undefined;
  }
}

async function answer(
  { method, invoke }: FastMethod,
  response: Http2ServerResponse,
  { message, tenant }: Call,
  slow: SlowPath,
): Promise<void> {
  const values = setTenant(createContextValues(), tenant);
  let frame: Buffer;
  try {
    const init = await invoke(message as never, { values } as HandlerContext);
    frame = framed(toBinary(method.output, create(method.output, init as never)));
  } catch (error) {
    slow.fail(error, tenant);
    return;
  }
  if (response.stream.destroyed || response.headersSent) return;
  response.writeHead(200, { "content-type": "application/grpc+proto" });
  response.addTrailers({ "grpc-status": "0" });
  response.end(frame);
}

function framed(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, PREFIX_BYTES);
  return frame;
}

async function* readSoFar(
  chunks: readonly Buffer[],
  rest: NodeRequest | undefined,
): AsyncGenerator<Uint8Array> {
  yield* chunks;
  if (rest !== undefined) yield* rest as AsyncIterable<Uint8Array>;
}
