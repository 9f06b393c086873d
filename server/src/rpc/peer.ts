import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { type ContextValues, createContextKey } from "@connectrpc/connect";

const requestKey = createContextKey<IncomingMessage | Http2ServerRequest | undefined>(undefined, {
  description: "node request",
});

/** Remembers which Node request a call came by. The request handler calls it. */
export function rememberPeer(
  values: ContextValues,
  request: IncomingMessage | Http2ServerRequest,
): ContextValues {
  return values.set(requestKey, request);
}

/**
 * Who calls, as `address:port`, for logs; "unknown" once the connection is gone. Looked up only
 * when asked for: reading it from an HTTP/2 socket costs more than the rest of a log line.
 */
export function peerOf(context: { readonly values: ContextValues }): string {
  const socket = context.values.get(requestKey)?.socket;
  try {
    const address = socket?.remoteAddress;
    return address === undefined ? "unknown" : `${address}:${socket?.remotePort}`;
  } catch {
    // The socket proxy of an HTTP/2 session throws once the session is destroyed.
    return "unknown";
  }
}
