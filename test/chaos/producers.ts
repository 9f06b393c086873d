import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Ack, Intent, Read } from "./history.ts";
import { readJournal } from "./journal.ts";
import type { Grant, ScheduleWish } from "./plan-history.ts";
import type { ProducerSettings } from "./producer.ts";
import type { ProducerLine } from "./producing.ts";

const SCRIPT = fileURLToPath(new URL("./producer.ts", import.meta.url));

/** The producer's process. */
export interface ProducerProcess {
  /** Lets it begin; the plan's clock starts now. */
  begin(): void;
  /** Resolves when it was let finish and all was answered and settled; rejects if it broke. */
  readonly done: Promise<void>;
  /** Lets it begin nothing more; {@link done} resolves when the rest was answered. */
  finish(): void;
  kill(): void;
}

/** Starts it, and waits until it can begin. */
export async function startProducer(settings: ProducerSettings): Promise<ProducerProcess> {
  const args = ["--conditions=source", SCRIPT, JSON.stringify(settings)];
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "pipe"] });
  let errors = "";
  child.stderr.on("data", (chunk) => {
    errors += chunk;
  });
  child.stdin.on("error", () => {});
  const done = once(child, "exit").then(([code, signal]) => {
    if (code !== 0) throw new Error(`the producer ended with ${signal ?? code}: ${errors}`);
  });
  done.catch(() => {}); // whoever waits for it is told
  await Promise.race([once(child.stdout, "data"), done]);
  return {
    begin: () => void child.stdin.write("begin\n"),
    done,
    finish: () => void child.stdin.write("finish\n"),
    kill: () => void child.kill("SIGKILL"),
  };
}

/** What a producer wrote down. */
export interface Produced {
  readonly intents: readonly Intent[];
  readonly acks: readonly Ack[];
  readonly reads: readonly Read[];
  readonly grants: readonly Grant[];
  readonly schedules: readonly ScheduleWish[];
  /** How many operations of each kind, those that failed with why. */
  readonly operations: ReadonlyMap<string, number>;
}

/** Reads a producer's journal. */
export function readProduced(journal: string): Produced {
  const { lines } = readJournal<ProducerLine>(journal);
  const operations = new Map<string, number>();
  for (const line of lines) {
    if (line.line !== "operation") continue;
    const name = line.failure === undefined ? line.kind : `${line.kind} failed (${line.failure})`;
    operations.set(name, (operations.get(name) ?? 0) + 1);
  }
  return {
    intents: lines.filter((line) => line.line === "intent"),
    acks: lines.filter((line) => line.line === "ack"),
    reads: lines.filter((line) => line.line === "read"),
    grants: lines.filter((line) => line.line === "grant"),
    schedules: lines.filter((line) => line.line === "schedule"),
    operations,
  };
}
