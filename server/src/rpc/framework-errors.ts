import { Code, ConnectError, type ContextValues, createContextKey } from "@connectrpc/connect";
import type {
  UniversalHandler,
  UniversalServerRequest,
  UniversalServerResponse,
} from "@connectrpc/connect/protocol";
import { type FieldViolation, invalidArgument, reasonOf, rpcError } from "./errors.ts";

// Connect parses a unary request before any interceptor runs and writes its own error: INTERNAL
// for rubbish, and never an ErrorInfo. There is no hook, so the answer is looked at, and when
// Connect alone made it, the same handler runs once more on an empty request with the mapped
// error in its context: the errors interceptor throws it, and the protocol's own code writes it.
// Nothing of this runs for requests that parse.

const frameworkErrorKey = createContextKey<unknown>(undefined, {
  description: "error of the RPC framework",
});

/** What went wrong before, or outside of, the interceptors. */
export function frameworkErrorOf(values: ContextValues): unknown {
  return values.get(frameworkErrorKey);
}

/** Answers a call with an error that was thrown outside of Connect, in the call's own protocol. */
export function answerWithError(
  handler: UniversalHandler,
  request: UniversalServerRequest,
  error: unknown,
): Promise<UniversalServerResponse> {
  request.contextValues?.set(frameworkErrorKey, error);
  return handler(emptied(request));
}

/** Wraps a handler so that errors of the framework follow the contract, too. */
export function withContractErrors(handler: UniversalHandler, maxBytes: number) {
  return async (request: UniversalServerRequest): Promise<UniversalServerResponse> => {
    const response = await handler(request);
    const found = await inspect(handler, request, response);
    if (found.error === undefined || request.contextValues === undefined) return found.response;
    const error = mapFrameworkError(found.error, maxBytes);
    request.contextValues.set(frameworkErrorKey, error);
    return await handler(emptied(request));
  };
}

/**
 * Maps an error that Connect threw to the contract's. Others pass unchanged.
 *
 * Rubbish where a message should be is the caller's fault: INVALID_ARGUMENT, not INTERNAL.
 */
export function mapFrameworkError(error: unknown, maxBytes?: number): ConnectError {
  if (!(error instanceof ConnectError)) return error as ConnectError;
  if (reasonOf(error) !== undefined) return error;
  const text = error.rawMessage;
  if (error.code === Code.Internal && /^(parse binary|decompression failed)/.test(text)) {
    return invalidArgument("REQUEST_MALFORMED", [malformed(text)]);
  }
  if (error.code === Code.InvalidArgument) {
    return invalidArgument("REQUEST_MALFORMED", [malformed(text)]);
  }
  if (error.code === Code.ResourceExhausted && /readMaxBytes/.test(text)) {
    return rpcError(Code.ResourceExhausted, "MESSAGE_TOO_LARGE", {
      message: "message is larger than the server reads",
      metadata: { maxMessageBytes: maxBytes },
    });
  }
  if (error.code === Code.Unimplemented) {
    return rpcError(Code.Unimplemented, "UNIMPLEMENTED", { message: text });
  }
  return error;
}

function malformed(text: string): FieldViolation {
  const field = /cannot decode field [\w.]*?([a-z][a-z0-9_]*) from JSON/.exec(text)?.[1] ?? "";
  return { field, description: text, reason: "MALFORMED" };
}

interface Inspected {
  readonly response: UniversalServerResponse;
  readonly error?: ConnectError;
}

async function inspect(
  handler: UniversalHandler,
  request: UniversalServerRequest,
  response: UniversalServerResponse,
): Promise<Inspected> {
  if (handler.method.methodKind !== "unary") return { response };
  const status = response.trailer?.get("grpc-status");
  if (status != null) return { response, ...grpcError(response.trailer) };
  if (response.body === undefined) return { response };
  if (request.header.get("content-type")?.startsWith("application/grpc-web") === true) {
    return await peek(response, grpcWebError);
  }
  if (response.status < 400) return { response };
  return await peek(response, connectError);
}

async function peek(
  response: UniversalServerResponse,
  read: (bytes: Uint8Array) => ConnectError | undefined,
): Promise<Inspected> {
  const body = response.body as AsyncIterable<Uint8Array>;
  const iterator = body[Symbol.asyncIterator]();
  const first = await iterator.next();
  const error = first.done === true ? undefined : read(first.value);
  async function* restored() {
    if (first.done === true) return;
    yield first.value;
    yield* { [Symbol.asyncIterator]: () => iterator };
  }
  return { response: { ...response, body: restored() }, ...(error && { error }) };
}

function grpcError(trailer: Headers | undefined): { error?: ConnectError } {
  const code = Number(trailer?.get("grpc-status"));
  if (code === 0 || trailer === undefined || trailer.has("grpc-status-details-bin")) return {};
  return { error: new ConnectError(decodeMessage(trailer.get("grpc-message")), code as Code) };
}

const GRPC_WEB_TRAILER_FLAG = 0x80;
const ENVELOPE_HEADER_BYTES = 5;

function grpcWebError(bytes: Uint8Array): ConnectError | undefined {
  // An error without a message is a trailer alone; a message comes first otherwise.
  if (bytes[0] !== GRPC_WEB_TRAILER_FLAG) return undefined;
  const trailer = new Headers();
  const text = new TextDecoder().decode(bytes.subarray(ENVELOPE_HEADER_BYTES));
  for (const line of text.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) trailer.set(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
  }
  return grpcError(trailer).error;
}

function connectError(bytes: Uint8Array): ConnectError | undefined {
  const parsed: unknown = JSON.parse(new TextDecoder().decode(bytes));
  if (typeof parsed !== "object" || parsed === null || "details" in parsed) return undefined;
  const { code, message } = parsed as { code?: string; message?: string };
  const known = CONNECT_CODES.get(code ?? "");
  return known === undefined ? undefined : new ConnectError(message ?? "", known);
}

const CONNECT_CODES: ReadonlyMap<string, Code> = new Map([
  ["invalid_argument", Code.InvalidArgument],
  ["resource_exhausted", Code.ResourceExhausted],
  ["unimplemented", Code.Unimplemented],
  ["internal", Code.Internal],
]);

function decodeMessage(value: string | null): string {
  try {
    return decodeURIComponent(value ?? "");
  } catch {
    return value ?? "";
  }
}

/** The same request with an empty message and no compression. */
function emptied(request: UniversalServerRequest): UniversalServerRequest {
  const header = new Headers(request.header);
  for (const name of ["content-encoding", "grpc-encoding", "content-length"]) header.delete(name);
  const type = header.get("content-type") ?? "";
  const json = type.includes("json") ? "{}" : "";
  const message = new TextEncoder().encode(json);
  const enveloped = type.startsWith("application/grpc");
  const bytes = enveloped ? envelope(message) : message;
  async function* body() {
    yield bytes;
  }
  const url = request.method === "GET" ? emptiedQuery(request.url) : request.url;
  return { ...request, url, header, body: body() };
}

function emptiedQuery(url: string): string {
  const parsed = new URL(url);
  parsed.searchParams.delete("compression");
  parsed.searchParams.delete("base64");
  parsed.searchParams.set("message", parsed.searchParams.get("encoding") === "json" ? "{}" : "");
  return parsed.toString();
}

function envelope(message: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(ENVELOPE_HEADER_BYTES + message.length);
  new DataView(bytes.buffer).setUint32(1, message.length);
  bytes.set(message, ENVELOPE_HEADER_BYTES);
  return bytes;
}
