import type { IncomingMessage, ServerResponse } from "node:http";
import { constants, type Http2ServerRequest } from "node:http2";
import type { Socket } from "node:net";

/** A request whose body has not arrived in full. */
interface Watched {
  readonly request: IncomingMessage | Http2ServerRequest;
  /** True: the whole body must be in by the deadline. False: some of it, again and again. */
  readonly whole: boolean;
  deadline: number;
  bytesRead: number;
}

/** Ends requests whose body comes too slowly. */
export interface BodyWatch {
  /**
   * Watches a request until its body is complete or its connection is closed. `whole` bodies
   * (unary calls, bounded by the message size) must arrive within the timeout; others must
   * never pause for longer than it.
   */
  watch(request: IncomingMessage | Http2ServerRequest, whole: boolean): void;
  /** Stops the sweep. Idempotent. */
  stop(): void;
}

/**
 * Starts a watch. One sweep for all requests instead of a timer for each: a timer costs more
 * than the rest of the guard, and a second more or less does not matter here.
 */
export function startBodyWatch(timeoutMs: number): BodyWatch {
  const watched = new Set<Watched>();

  const sweep = setInterval(
    () => {
      const now = performance.now();
      for (const entry of watched) {
        if (entry.request.complete || entry.request.destroyed) {
          watched.delete(entry);
          continue;
        }
        if (!entry.whole && movedOn(entry)) entry.deadline = now + timeoutMs;
        if (now < entry.deadline) continue;
        watched.delete(entry);
        timeOut(entry.request);
      }
    },
    Math.min(1_000, timeoutMs / 2),
  );
  sweep.unref();

  return {
    watch(request, whole) {
      if (request.complete) return;
      const deadline = performance.now() + timeoutMs;
      const entry: Watched = { request, whole, deadline, bytesRead: 0 };
      watched.add(entry);
      request.once("end", () => watched.delete(entry));
    },
    stop: () => clearInterval(sweep),
  };
}

/** Whether bytes came since the last look, or the handler has yet to read what came. */
function movedOn(entry: Watched): boolean {
  const { request } = entry;
  if (request.readableLength > 0) return true;
  const bytesRead = (request.socket as Socket).bytesRead;
  const moved = bytesRead !== entry.bytesRead;
  entry.bytesRead = bytesRead;
  return moved;
}

function timeOut(request: IncomingMessage | Http2ServerRequest): void {
  if ("stream" in request) {
    request.stream.close(constants.NGHTTP2_CANCEL);
    return;
  }
  const { socket } = request;
  const response = (socket as Socket & { _httpMessage?: ServerResponse })._httpMessage;
  if (response?.headersSent !== true) {
    socket.write("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  }
  socket.destroySoon();
}
