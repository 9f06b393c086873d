/** The conformance program of the TypeScript SDK: see test/conformance/README.md. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { CommandSchema, EventSchema } from "../../gen/driver_pb.ts";
import { Deframer, framed } from "../../runner/framing.ts";
import { Commands } from "./commands.ts";
import type { Emit } from "./emit.ts";
import { toError } from "./to-wire.ts";

const emit: Emit = (event) => {
  process.stdout.write(framed(toBinary(EventSchema, create(EventSchema, { event }))));
};

const commands = new Commands(emit);
const deframer = new Deframer();

async function answer(bytes: Uint8Array): Promise<void> {
  const { id, command } = fromBinary(CommandSchema, bytes);
  try {
    const value = await commands.run(id, command);
    emit({ case: "callResult", value: value === undefined ? { id } : { id, value } });
  } catch (error) {
    emit({ case: "callResult", value: { id, error: toError(error) } });
  }
}

process.on("unhandledRejection", (error) => {
  process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
  process.exit(2);
});
process.stdin.on("data", (chunk: Buffer) => {
  for (const message of deframer.push(chunk)) void answer(message);
});
process.stdin.on("end", () => process.exit(0));
emit({ case: "ready", value: { protocolVersion: 1, sdk: "sdk-ts" } });
