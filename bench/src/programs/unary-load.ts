// Unary gRPC calls over bare HTTP/2 with a message that was encoded once, so that as little as
// possible of what is measured is the client: connect-node's costs more than the server.
import { type ClientHttp2Session, connect, constants } from "node:http2";
import { type Command, serve } from "./line-protocol.ts";

const PREFIX_BYTES = 5;

/** A gRPC message: uncompressed, its length, its bytes. */
function framed(message: Buffer): Buffer {
  const frame = Buffer.alloc(PREFIX_BYTES + message.length);
  frame.writeUInt32BE(message.length, 1);
  message.copy(frame, PREFIX_BYTES);
  return frame;
}

function call(session: ClientHttp2Session, path: string, tenant: string, body: Buffer) {
  return new Promise<void>((resolve, reject) => {
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: "POST",
      [constants.HTTP2_HEADER_PATH]: path,
      "content-type": "application/grpc",
      te: "trailers",
      "orch-tenant": tenant,
    });
    let status: unknown;
    stream.on("response", (headers) => {
      status = headers["grpc-status"];
    });
    stream.on("trailers", (trailers) => {
      status = trailers["grpc-status"] ?? status;
    });
    stream.on("error", reject);
    stream.on("close", () => {
      if (status === "0") resolve();
      else reject(new Error(`grpc-status ${String(status)}`));
    });
    stream.resume();
    stream.end(body);
  });
}

/** `callers` callers over `connections` connections, one call after the other; how long it took. */
async function load(command: Command): Promise<{ seconds: number }> {
  const { url, path, tenant = "default", message } = command;
  const body = framed(Buffer.from(String(message), "base64"));
  const sessions = Array.from({ length: Number(command.connections) }, () => connect(String(url)));
  await Promise.all(
    sessions.map(
      (session) =>
        new Promise((resolve, reject) => session.once("connect", resolve).once("error", reject)),
    ),
  );
  let left = Number(command.count);
  const caller = async (index: number) => {
    const session = sessions[index % sessions.length] as ClientHttp2Session;
    while (left > 0) {
      left--;
      await call(session, String(path), String(tenant), body);
    }
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: Number(command.callers) }, (_, index) => caller(index)));
  const seconds = (performance.now() - startedAt) / 1000;
  for (const session of sessions) session.close();
  return { seconds };
}

serve({ load });
