import { once } from "node:events";
import type { ClientHttp2Session } from "node:http2";
import type { Socket } from "node:net";

// The wire, for what no client library would send.

/** What every HTTP/2 connection begins with. */
export const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/** A SETTINGS frame that sets nothing. */
export const EMPTY_SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);

/** A PING frame. */
export const PING = Buffer.from([0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);

/** The message WorkerFrame{ping{nonce: 1}}. */
export const PING_MESSAGE = Buffer.from([0x5a, 0x02, 0x08, 0x01]);

/** A message as gRPC frames it, uncompressed. */
export function envelope(message: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** All that the other side sends until the connection is closed, one character a byte. */
export async function everything(socket: Socket): Promise<string> {
  let text = "";
  socket.on("error", () => undefined);
  socket.on("data", (chunk) => {
    text += chunk.toString("latin1");
  });
  await once(socket, "close");
  return text;
}

/** Opens TaskRunnerService.Session over gRPC. */
export function openSession(session: ClientHttp2Session) {
  const path = "/stellaops.orchestrator.v1.TaskRunnerService/Session";
  const headers = { ":method": "POST", ":path": path, "content-type": "application/grpc" };
  const stream = session.request(headers);
  stream.on("error", () => undefined);
  return stream;
}

/** Posts a body over HTTP/2 and returns the answer's body and trailers as one text. */
export async function post(
  session: ClientHttp2Session,
  path: string,
  type: string,
  body: Buffer,
): Promise<string> {
  const stream = session.request({ ":method": "POST", ":path": path, "content-type": type });
  let text = "";
  stream.on("trailers", (trailers) => {
    text += Object.entries(trailers)
      .map(([name, value]) => `${name}: ${value}\n`)
      .join("");
  });
  stream.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1");
  });
  stream.end(body);
  await once(stream, "close");
  return text;
}
