import { createServer as createHttp1Server, type Server as Http1Server } from "node:http";
import { createServer as createHttp2Server, type Http2Server } from "node:http2";
import {
  type AddressInfo,
  createServer as createTcpServer,
  type Server as TcpServer,
} from "node:net";
import type { ConnectRouter, Interceptor } from "@connectrpc/connect";
import type { Logger } from "pino";
import { startBodyWatch } from "./body-watch.ts";
import { unavailable } from "./errors.ts";
import { sniffProtocol } from "./port-sniffer.ts";
import { createRequestHandler, type NodeRequest, type NodeResponse } from "./request-handler.ts";
import { guardSessions, SESSION_SETTINGS, type SessionGuard } from "./session-guard.ts";
import type { FastPath } from "./unary-fast-path.ts";

/** Limits of a listener. Every one has a default that suits a server on a trusted network. */
export interface ListenerLimits {
  /** Open TCP connections. 10,000. */
  readonly maxConnections: number;
  /** Streams open at once on one HTTP/2 connection. 256. */
  readonly maxConcurrentStreams: number;
  /** Headers of one request in bytes. 16 KiB. */
  readonly maxHeaderBytes: number;
  /** A new connection must send its first bytes, and a request its headers, in it. 10 s. */
  readonly headersTimeoutMs: number;
  /** The body of a unary call must arrive in it; others must not pause for longer. 30 s. */
  readonly bodyTimeoutMs: number;
  /** A connection that carries nothing is closed after it. 5 min. */
  readonly idleMs: number;
  /** A connection gets its GOAWAY at this age, ± 10 %. 30 min. */
  readonly maxAgeMs: number;
  /** How long open streams may go on after that. 40 min: longer than stream_max_age. */
  readonly maxAgeGraceMs: number;
  /** Pings without traffic in ten seconds. 100. */
  readonly maxPings: number;
}

/** What {@link startListener} needs. */
export interface ListenerOptions extends Partial<ListenerLimits> {
  /** The address to bind, such as 127.0.0.1 or ::. */
  readonly host: string;
  /** The port; 0 takes a free one. */
  readonly port: number;
  readonly routes: (router: ConnectRouter) => void;
  /** The largest message read, after decompression, in bytes: max_message_bytes of the policy. */
  readonly maxMessageBytes: number;
  /** Outermost first. */
  readonly interceptors: Interceptor[];
  readonly logger: Logger;
  /** May take requests that name no RPC, and says whether it did. */
  readonly fallback?: (request: NodeRequest, response: NodeResponse) => boolean;
  /** Takes the common case of hot calls. */
  readonly fastPath?: FastPath | undefined;
}

/** A listener that serves. */
export interface RunningListener {
  /** Such as http://127.0.0.1:7400. */
  readonly url: string;
  readonly port: number;
  /**
   * Stops: no new connections, GOAWAY on the open ones, then waits up to `graceMs` for calls to
   * finish; what still runs then gets UNAVAILABLE (SERVER_STOPPING) through its signal and is cut
   * off. Idempotent; never rejects.
   */
  close(graceMs: number): Promise<void>;
}

const DEFAULT_LIMITS: ListenerLimits = {
  maxConnections: 10_000,
  maxConcurrentStreams: 256,
  maxHeaderBytes: 16 * 1024,
  headersTimeoutMs: 10_000,
  bodyTimeoutMs: 30_000,
  idleMs: 5 * 60_000,
  maxAgeMs: 30 * 60_000,
  maxAgeGraceMs: 40 * 60_000,
  maxPings: 100,
};

// The kernel notices a peer that vanished without a word.
const TCP_KEEPALIVE_MS = 30_000;

// After the signal, time for the last answers to be written.
const LAST_WORDS_MS = 250;

/** Serves gRPC, gRPC-Web and Connect over HTTP/1.1 and HTTP/2 without TLS, on one port. */
export async function startListener(options: ListenerOptions): Promise<RunningListener> {
  const limits: ListenerLimits = { ...DEFAULT_LIMITS, ...defined(options) };
  const shutdown = new AbortController();
  const bodyWatch = startBodyWatch(limits.bodyTimeoutMs);
  const inFlight = countInFlight();
  const serve = createRequestHandler({
    ...options,
    bodyWatch,
    shutdownSignal: shutdown.signal,
  });
  const onRequest = (request: NodeRequest, response: NodeResponse) => {
    inFlight.add(response);
    serve(request, response);
  };

  const http2 = http2Server(limits, onRequest);
  const sessions = guardSessions(http2, limits, options.logger);
  const http1 = http1Server(limits, onRequest, options.logger);
  const timeoutMs = limits.headersTimeoutMs;
  const tcp = createTcpServer({
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEPALIVE_MS,
  });
  tcp.maxConnections = limits.maxConnections;
  tcp.on("connection", sniffProtocol({ http1, http2, timeoutMs }));
  await listen(tcp, options.host, options.port);
  tcp.on("error", (error) => options.logger.error({ err: error }, "listener failed"));

  const { port } = tcp.address() as AddressInfo;
  let closed: Promise<void> | undefined;
  return {
    url: `http://${urlHost(options.host)}:${port}`,
    port,
    close(graceMs) {
      closed ??= stop({ tcp, http1, sessions, shutdown, inFlight }, graceMs).finally(() =>
        bodyWatch.stop(),
      );
      return closed;
    },
  };
}

interface Parts {
  readonly tcp: TcpServer;
  readonly http1: Http1Server;
  readonly sessions: SessionGuard;
  readonly shutdown: AbortController;
  readonly inFlight: ReturnType<typeof countInFlight>;
}

async function stop(parts: Parts, graceMs: number): Promise<void> {
  const gone = new Promise<void>((resolve) => parts.tcp.close(() => resolve()));
  parts.sessions.goaway();
  parts.inFlight.closeConnections();
  parts.http1.close();
  await parts.inFlight.idle(graceMs);
  if (parts.inFlight.size > 0) {
    parts.shutdown.abort(unavailable("SERVER_STOPPING"));
    await parts.inFlight.idle(LAST_WORDS_MS);
  }
  parts.sessions.destroy();
  parts.http1.closeAllConnections();
  await gone;
}

function http2Server(
  limits: ListenerLimits,
  onRequest: (request: NodeRequest, response: NodeResponse) => void,
): Http2Server {
  return createHttp2Server(
    {
      settings: {
        ...SESSION_SETTINGS,
        maxConcurrentStreams: limits.maxConcurrentStreams,
        maxHeaderListSize: limits.maxHeaderBytes,
      },
      maxSessionInvalidFrames: 100,
      maxSessionRejectedStreams: 100,
    },
    onRequest,
  );
}

function http1Server(
  limits: ListenerLimits,
  onRequest: (request: NodeRequest, response: NodeResponse) => void,
  logger: Logger,
): Http1Server {
  const server = createHttp1Server(
    {
      maxHeaderSize: limits.maxHeaderBytes,
      headersTimeout: limits.headersTimeoutMs,
      // Bodies have their own watch: an upload may take as long as it moves.
      requestTimeout: 0,
      keepAliveTimeout: limits.idleMs,
      connectionsCheckingInterval: Math.min(1_000, limits.headersTimeoutMs / 2),
      // HTTP/1.0 and broken clients send none; the request handler answers 400.
      requireHostHeader: false,
    },
    onRequest,
  );
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    logger.debug({ err: error }, "http/1 request refused");
    if (!socket.writable || error.code === "ECONNRESET") return void socket.destroy();
    const status = CLIENT_ERROR_STATUS[error.code ?? ""] ?? "400 Bad Request";
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    socket.once("finish", () => socket.destroy());
  });
  // The server itself never listens; this event starts its check of header time-outs.
  server.emit("listening");
  return server;
}

const CLIENT_ERROR_STATUS: Record<string, string> = {
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
};

/** Counts calls that are being served. */
function countInFlight() {
  const responses = new Set<NodeResponse>();
  let closing = false;
  let notify: (() => void) | undefined;
  return {
    add(response: NodeResponse): void {
      responses.add(response);
      if (closing) endConnection(response);
      const done = () => {
        responses.delete(response);
        if (responses.size === 0) notify?.();
      };
      response.once("close", done);
      // A client that keeps its side of an answered stream open is not waited for. The HTTP/2
      // response itself finishes only when both sides have.
      const written = "stream" in response ? response.stream : response;
      written.once("finish", () => setTimeout(done, LAST_WORDS_MS).unref());
    },
    /** From now on every HTTP/1 answer ends its connection. */
    closeConnections(): void {
      closing = true;
      for (const response of responses) endConnection(response);
    },
    get size() {
      return responses.size;
    },
    /** Resolves when nothing runs, or after `timeoutMs`. */
    idle(timeoutMs: number): Promise<void> {
      if (responses.size === 0) return Promise.resolve();
      return new Promise((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        notify = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    },
  };
}

function endConnection(response: NodeResponse): void {
  if ("stream" in response || response.headersSent) return;
  response.setHeader("connection", "close");
}

function listen(server: TcpServer, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, backlog: 1_024 }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function urlHost(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}

/** The limits among the options that are given; `undefined` must not hide a default. */
function defined(options: Partial<ListenerLimits>): Partial<ListenerLimits> {
  const keys = Object.keys(DEFAULT_LIMITS) as (keyof ListenerLimits)[];
  return Object.fromEntries(
    keys.flatMap((key) => (options[key] === undefined ? [] : [[key, options[key]]])),
  );
}
