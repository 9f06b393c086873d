// What grpc-js can do at best: a unary handler that looks at nothing and answers nothing.
import { type handleUnaryCall, Server, ServerCredentials } from "@grpc/grpc-js";
import { serve } from "./line-protocol.ts";

const asIs = (bytes: Buffer): Buffer => bytes;
const empty: handleUnaryCall<Buffer, Buffer> = (_call, answer) => answer(null, Buffer.alloc(0));

/** Listens on a free port; answers its address. */
async function listen(): Promise<{ url: string }> {
  const server = new Server();
  server.addService(
    {
      empty: {
        path: "/bench.Empty/Call",
        requestStream: false,
        responseStream: false,
        requestSerialize: asIs,
        requestDeserialize: asIs,
        responseSerialize: asIs,
        responseDeserialize: asIs,
      },
    },
    { empty },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(error);
      else resolve(bound);
    });
  });
  return { url: `http://127.0.0.1:${port}` };
}

serve({ listen });
