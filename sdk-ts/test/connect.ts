import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach } from "vitest";
import { ErrorInfoSchema } from "../src/gen/google/rpc/error_details_pb.ts";
import { Orchestrator, type OrchestratorOptions } from "../src/index.ts";
import { type Script, ScriptedServer } from "./scripted-server.ts";

const undo: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

/** A client of a scripted server; both are gone after the test. */
export async function connect(
  script: Script,
  options: OrchestratorOptions = {},
): Promise<Orchestrator> {
  const server = await ScriptedServer.start(script);
  const orch = new Orchestrator({ url: server.url, ...options });
  undo.push(() => server.stop());
  undo.push(() => orch.close());
  return orch;
}

/** An error as the server sends it. */
export const refusal = (code: Code, reason: string): ConnectError =>
  new ConnectError(reason, code, undefined, [
    { desc: ErrorInfoSchema, value: { reason, domain: "orchestrator.stellaops" } },
  ]);

/** The server is away for a moment. */
export const away = (): ConnectError => new ConnectError("away", Code.Unavailable);
