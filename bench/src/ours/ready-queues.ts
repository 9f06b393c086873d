import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startNats } from "../../../test/support/nats-process.ts";
import { startValkey } from "../../../test/support/valkey-process.ts";
import type { LeftOut } from "../workload.ts";

const MAIN = fileURLToPath(new URL("../../../server/src/main.ts", import.meta.url));

/** A ready queue that the server can be started with. */
export interface ReadyQueueKind {
  readonly name: "postgres" | "valkey" | "nats";
  /** Starts what it needs; answers the server's settings and what stops it. */
  start(): Promise<RunningQueue>;
}

/** A ready queue whose service runs. */
export interface RunningQueue {
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

const NOTHING: RunningQueue = { env: {}, stop: async () => undefined };

const KINDS: readonly ReadyQueueKind[] = [
  { name: "postgres", start: async () => NOTHING },
  {
    name: "valkey",
    async start() {
      const valkey = await startValkey({ persistent: false });
      const env = { ORCH_READY_QUEUE: "valkey", ORCH_VALKEY_URL: valkey.url };
      return { env, stop: () => valkey.stop() };
    },
  },
  {
    name: "nats",
    async start() {
      const nats = await startNats();
      const env = { ORCH_READY_QUEUE: "nats", ORCH_NATS_URL: nats.url };
      return { env, stop: () => nats.stop() };
    },
  },
];

/** The ready queues that this server knows, by its own help. */
export async function readyQueues(): Promise<{
  readonly kinds: readonly ReadyQueueKind[];
  readonly leftOut: readonly LeftOut[];
}> {
  const args = ["--conditions=source", MAIN, "--help"];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const knows = stdout.includes("ORCH_READY_QUEUE");
  const kinds = KINDS.filter(({ name }) => name === "postgres" || knows);
  const missing = KINDS.filter((kind) => !kinds.includes(kind));
  const why = "the server has no setting ORCH_READY_QUEUE";
  return { kinds, leftOut: missing.map(({ name }) => ({ name: `ready queue ${name}`, why })) };
}
