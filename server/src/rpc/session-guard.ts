import { constants, type Http2Server, type ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import type { Logger } from "pino";

/** Limits on one HTTP/2 connection. */
export interface SessionLimits {
  /** A connection without an open stream for so long is closed, in milliseconds. */
  readonly idleMs: number;
  /** A connection this old gets a GOAWAY, ± 10 % so that not all leave at once. */
  readonly maxAgeMs: number;
  /** How long its open streams may go on after that, in milliseconds. */
  readonly maxAgeGraceMs: number;
  /** Pings without traffic that are answered in each window of ten seconds. */
  readonly maxPings: number;
}

/** The HTTP/2 connections of a listener. */
export interface SessionGuard {
  /** Tells every peer to open no more streams here; open ones go on. */
  goaway(): void;
  /** Ends all connections at once. */
  destroy(): void;
  /** How many are open. */
  readonly size: number;
}

const PING_WINDOW_MS = 10_000;
const PING_FRAME_BYTES = 17;
const SMALLEST_DATA_FRAME_BYTES = 14;
const FIRST_GOAWAY_STREAM_ID = 2 ** 31 - 1;
const GOAWAY_ROUND_TRIP_MS = 1_000;

// One unary call fits in the default 64 KiB window; an artifact chunk of 1 MiB does not, and
// stalls for a round trip every 64 KiB.
const STREAM_WINDOW_BYTES = 1024 * 1024;
const CONNECTION_WINDOW_BYTES = 8 * 1024 * 1024;

/** HTTP/2 settings that go with the guard. */
export const SESSION_SETTINGS = { initialWindowSize: STREAM_WINDOW_BYTES, enablePush: false };

/** Guards every session of the server from its first frame on. */
export function guardSessions(
  server: Http2Server,
  limits: SessionLimits,
  logger: Logger,
): SessionGuard {
  const sessions = new Set<ServerHttp2Session>();

  server.on("session", (session) => {
    sessions.add(session);
    // Errors of a connection are the peer's doing. Unhandled they would end the process.
    session.on("error", (error) => logger.debug({ err: error }, "http2 session failed"));
    session.once("close", () => sessions.delete(session));
    session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
    limitPings(session, limits.maxPings, logger);
    limitIdleness(session, limits.idleMs);
    limitAge(session, limits);
  });
  server.on("sessionError", (error) => logger.debug({ err: error }, "http2 session failed"));

  return {
    goaway() {
      for (const session of sessions) closeGracefully(session);
    },
    destroy() {
      for (const session of sessions) session.destroy();
    },
    get size() {
      return sessions.size;
    },
  };
}

/**
 * Counts pings that no traffic explains. gRPC clients measure bandwidth with a ping for each data
 * frame they get, so every frame's worth of bytes that we sent excuses one.
 */
function limitPings(session: ServerHttp2Session, maxPings: number, logger: Logger): void {
  const socket = session.socket as unknown as Socket;
  const bytesWritten = () => socket.bytesWritten ?? 0;
  let windowStart = 0;
  let pings = 0;
  let writtenAtStart = 0;
  session.on("ping", () => {
    const now = performance.now();
    if (now - windowStart > PING_WINDOW_MS) {
      windowStart = now;
      pings = 0;
      writtenAtStart = bytesWritten();
    }
    pings += 1;
    if (pings <= maxPings) return;
    const payload = bytesWritten() - writtenAtStart - pings * PING_FRAME_BYTES;
    if (pings <= maxPings + payload / SMALLEST_DATA_FRAME_BYTES) return;
    logger.info({ pings }, "http2 ping flood, connection closed");
    session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM);
  });
}

function limitIdleness(session: ServerHttp2Session, idleMs: number): void {
  let open = 0;
  let timer = setTimeout(() => closeGracefully(session), idleMs).unref();
  session.on("stream", (stream) => {
    open += 1;
    clearTimeout(timer);
    stream.once("close", () => {
      open -= 1;
      if (open > 0 || session.closed) return;
      timer = setTimeout(() => closeGracefully(session), idleMs).unref();
    });
  });
  session.once("close", () => clearTimeout(timer));
}

function limitAge(session: ServerHttp2Session, limits: SessionLimits): void {
  const jitter = 0.9 + Math.random() * 0.2;
  let timer = setTimeout(() => {
    closeGracefully(session);
    timer = setTimeout(() => session.destroy(), limits.maxAgeGraceMs).unref();
  }, limits.maxAgeMs * jitter).unref();
  session.once("close", () => clearTimeout(timer));
}

/**
 * Ends a connection as RFC 9113, section 6.8, advises: first a GOAWAY that still allows every
 * stream, then, a round trip later, the one that names the last stream. A stream that the peer
 * opened meanwhile is served instead of refused.
 */
export function closeGracefully(session: ServerHttp2Session): void {
  if (session.closed || session.destroyed) return;
  session.goaway(constants.NGHTTP2_NO_ERROR, FIRST_GOAWAY_STREAM_ID);
  const finish = () => {
    clearTimeout(timer);
    if (!session.closed && !session.destroyed) session.close();
  };
  const timer = setTimeout(finish, GOAWAY_ROUND_TRIP_MS).unref();
  session.ping(finish);
}
