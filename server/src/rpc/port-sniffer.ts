import type { Server as HttpServer } from "node:http";
import type { Http2Server } from "node:http2";
import type { Socket } from "node:net";

// The first bytes of every HTTP/2 connection (RFC 9113, section 3.4). No HTTP/1 method starts so.
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

// Enough to tell PRI from PUT, POST, PATCH and PROPFIND; waiting for all 24 would only delay.
const DECISIVE_BYTES = 3;

/** Where connections go once their protocol is known. */
export interface SniffTargets {
  readonly http1: HttpServer;
  readonly http2: Http2Server;
  /** How long a connection may take to send its first bytes, in milliseconds. */
  readonly timeoutMs: number;
}

/**
 * Makes a listener for raw connections that looks at their first bytes and hands them to the
 * HTTP/1.1 or the HTTP/2 server, so that one port without TLS serves both.
 *
 * Both servers take a socket with bytes already buffered: `unshift` puts them back first.
 */
export function sniffProtocol(targets: SniffTargets): (socket: Socket) => void {
  return (socket) => {
    // A reset before or between the servers' own listeners must never be unhandled.
    socket.on("error", () => socket.destroy());
    socket.setTimeout(targets.timeoutMs, () => socket.destroy());
    let seen: Buffer = Buffer.alloc(0);

    const onData = (chunk: Buffer) => {
      seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
      const compared = Math.min(seen.length, DECISIVE_BYTES);
      const matches = seen.subarray(0, compared).equals(PREFACE.subarray(0, compared));
      if (matches && seen.length < DECISIVE_BYTES) return;
      socket.off("data", onData);
      socket.off("end", onEnd);
      socket.pause();
      socket.removeAllListeners("timeout");
      socket.setTimeout(0);
      socket.unshift(seen);
      const server = matches ? targets.http2 : targets.http1;
      server.emit("connection", socket);
      // The HTTP/1 parser reads by 'data' and needs the flow back; HTTP/2 takes the handle.
      if (!matches) socket.resume();
    };
    const onEnd = () => socket.destroy();
    socket.on("data", onData);
    socket.on("end", onEnd);
  };
}
