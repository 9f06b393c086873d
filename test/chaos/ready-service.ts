import { execFile } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as pass } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startNats } from "../support/nats-process.ts";
import type { ServiceProcess } from "../support/service-process.ts";
import { startValkey } from "../support/valkey-process.ts";
import type { ReadyQueueName } from "./options.ts";

/** The service that holds the ready queue, and what the nemesis can do to it. */
export interface ReadyService {
  readonly name: string;
  /** What servers are told about it. */
  readonly env: Readonly<Record<string, string>>;
  /** SIGKILL, and back with what it had on disk after the time. */
  kill(downMs: number): Promise<void>;
  /** SIGKILL, and back with nothing. */
  empty(downMs: number): Promise<void>;
  /** Forgets everything: Valkey in place, NATS by a restart. */
  flush(): Promise<void>;
  /** SIGSTOP for a while. */
  pause(ms: number): Promise<void>;
  stop(): Promise<void>;
}

const SERVER = fileURLToPath(new URL("../../server/src/main.ts", import.meta.url));
const URL_SETTINGS = { valkey: "ORCH_VALKEY_URL", nats: "ORCH_NATS_URL" } as const;

/** Starts the service that a ready queue needs; undefined for the one in Postgres. */
export async function startReadyService(name: ReadyQueueName): Promise<ReadyService | undefined> {
  if (name === "postgres") return undefined;
  await assertKnown(name);
  const service = name === "valkey" ? await startValkey() : await startNats();
  const back = async (downMs: number, empty: boolean) => {
    await service.kill();
    await pass(downMs);
    await service.restart({ empty });
  };
  return {
    name,
    env: { ORCH_READY_QUEUE: name, [URL_SETTINGS[name]]: service.url },
    kill: (downMs) => back(downMs, false),
    empty: (downMs) => back(downMs, true),
    flush: () => (name === "valkey" ? flushValkey(service) : service.restart({ empty: true })),
    async pause(ms) {
      const wake = service.pause();
      await pass(ms);
      wake();
    },
    stop: () => service.stop(),
  };
}

/** A server that has no such setting would leave it unread, and the run would prove nothing. */
async function assertKnown(name: ReadyQueueName): Promise<void> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    "--conditions=source",
    SERVER,
    "--help",
  ]);
  if (!stdout.includes("ORCH_READY_QUEUE")) {
    throw new Error(`this server knows no ready queue in ${name}`);
  }
}

/** FLUSHALL in Valkey's own protocol: a client library is more than one word needs. */
async function flushValkey({ port }: ServiceProcess): Promise<void> {
  const socket = connect({ host: "127.0.0.1", port });
  socket.end("FLUSHALL\r\n");
  const [answer] = (await once(socket, "data")) as [Buffer];
  if (!answer.toString("utf8").startsWith("+OK")) throw new Error(`FLUSHALL answered ${answer}`);
}
