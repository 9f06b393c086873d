import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { createRegistry } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type ConnectRouter,
  createConnectRouter,
  createContextValues,
  type Interceptor,
} from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerResponse } from "@connectrpc/connect/protocol";
import {
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from "@connectrpc/connect-node";
import type { Logger } from "pino";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from "../gen/google/rpc/error_details_pb.ts";
import type { BodyWatch } from "./body-watch.ts";
import { answerWithError, withContractErrors } from "./framework-errors.ts";
import { setTenant } from "./interceptors/tenant.ts";
import { rememberPeer } from "./peer.ts";
import type { FastPath } from "./unary-fast-path.ts";

/** A Node request of either protocol. */
export type NodeRequest = IncomingMessage | Http2ServerRequest;
/** A Node response of either protocol. */
export type NodeResponse = ServerResponse | Http2ServerResponse;

/** What a request handler is made of. */
export interface RequestHandlerOptions {
  readonly routes: (router: ConnectRouter) => void;
  /** Outermost first. */
  readonly interceptors: Interceptor[];
  readonly logger: Logger;
  /** The largest message read, after decompression, in bytes. */
  readonly maxMessageBytes: number;
  readonly bodyWatch: BodyWatch;
  /** Aborted when calls that still run must end. */
  readonly shutdownSignal: AbortSignal;
  /** Takes the common case of hot calls. */
  readonly fastPath?: FastPath | undefined;
  /** May take requests that name no RPC, and says whether it did. The others get a 404. */
  readonly fallback?: (request: NodeRequest, response: NodeResponse) => boolean;
}

// Compressing on a LAN costs more than it saves (docs/adr/0011), so answers never are; requests
// may be. Brotli is left out: no gRPC client sends it, and it is one more decoder to attack.
const NEVER_COMPRESS = 2 ** 32 - 1;

const JSON_OPTIONS = {
  // With unknown fields go unknown names of enums: a job with a misspelt on_failure would be taken
  // for one without. What is misspelt is refused instead.
  ignoreUnknownFields: false,
  // The details of a google.rpc.Status inside of an answer: JSON cannot write what it cannot name.
  registry: createRegistry(BadRequestSchema, ErrorInfoSchema, RetryInfoSchema),
};

/**
 * Makes the function that serves RPCs on Node requests. It does not throw: a request that the
 * Connect adapter cannot read is answered with 400, and nothing reaches `uncaughtException`.
 */
export function createRequestHandler(
  options: RequestHandlerOptions,
): (request: NodeRequest, response: NodeResponse) => void {
  const router = createConnectRouter({
    interceptors: options.interceptors,
    readMaxBytes: options.maxMessageBytes,
    acceptCompression: [compressionGzip],
    compressMinBytes: NEVER_COMPRESS,
    jsonOptions: JSON_OPTIONS,
    shutdownSignal: options.shutdownSignal,
  });
  options.routes(router);
  const handlers = new Map(
    router.handlers.map((handler) => [
      handler.requestPath,
      { handler, serve: withContractErrors(handler, options.maxMessageBytes) },
    ]),
  );
  const fallback = options.fallback ?? (() => false);

  return (request, response) => {
    const onError = (error: unknown) => options.logger.debug({ err: error }, "connection failed");
    request.on("error", onError);
    response.on("error", onError);
    try {
      const url = request.url ?? "";
      const query = url.indexOf("?");
      const found = handlers.get(query < 0 ? url : url.slice(0, query));
      if (found === undefined) {
        if (!fallback(request, response)) notFound(request, response);
        return;
      }
      watchBody(options.bodyWatch, found.handler, request);
      const universal = (tenant?: string) => {
        const values = rememberPeer(createContextValues(), request);
        if (tenant !== undefined) setTenant(values, tenant);
        return universalRequestFromNodeRequest(request, response, undefined, values);
      };
      const send = (answer: Promise<UniversalServerResponse>) => {
        answer
          .then((ready) => universalResponseToNodeResponse(ready, response))
          .catch((error: unknown) => onFailure(options.logger, found.handler, response, error));
      };
      const path = found.handler.requestPath;
      const isFast = options.fastPath?.take(path, request, response, {
        serve: (body) => send(found.serve({ ...universal(), body })),
        fail: (error, tenant) => send(answerWithError(found.handler, universal(tenant), error)),
      });
      if (!isFast) send(found.serve(universal()));
    } catch (error) {
      // No host, a host that is no host, a target that is no URL: the adapter throws at these.
      options.logger.debug({ err: error }, "request refused");
      refuse(response);
    }
  };
}

function watchBody(watch: BodyWatch, handler: UniversalHandler, request: NodeRequest): void {
  const { methodKind } = handler.method;
  const whole = methodKind === "unary" || methodKind === "server_streaming";
  // A quiet stream over HTTP/2 is healthy: the session has its own pings.
  if (whole || !("stream" in request)) watch.watch(request, whole);
}

function onFailure(
  logger: Logger,
  handler: UniversalHandler,
  response: NodeResponse,
  error: unknown,
): void {
  const { code } = ConnectError.from(error);
  // The peer went away while we wrote. Everything else should have become an answer.
  const gone = code === Code.Aborted || code === Code.Canceled || response.destroyed;
  const rpc = `${handler.service.typeName}/${handler.method.name}`;
  logger[gone ? "debug" : "error"]({ err: error, rpc }, "response not sent");
  if (!gone && !response.headersSent) refuse(response, 500);
}

function refuse(response: NodeResponse, status = 400): void {
  if (response.headersSent || response.destroyed) return;
  answer(response, status, { "content-length": "0" });
}

const GRPC_UNIMPLEMENTED = "12";

function notFound(request: NodeRequest, response: NodeResponse): void {
  request.resume();
  const type = request.headers["content-type"] ?? "";
  if (type.startsWith("application/grpc")) {
    // A gRPC client wants a status; from a bare 404 it makes one up.
    answer(response, 200, {
      "content-type": type,
      "grpc-status": GRPC_UNIMPLEMENTED,
      "grpc-message": "no such method",
    });
    return;
  }
  const body = '{"code":"unimplemented","message":"no such method"}';
  answer(response, 404, { "content-type": "application/json" }, body);
}

// The two response classes have the same methods with signatures that TypeScript cannot join.
function answer(
  response: NodeResponse,
  status: number,
  headers: Record<string, string>,
  body = "",
): void {
  const plain = response as ServerResponse;
  plain.writeHead(status, headers);
  plain.end(body);
}
