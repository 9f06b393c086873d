import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import {
  fromBinary,
  fromJson,
  type JsonObject,
  type JsonValue,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { type CallResult, CommandSchema, EventSchema } from "../gen/driver_pb.ts";
import { Deframer, framed } from "./framing.ts";
import { ExpectationError, type Journal } from "./journal.ts";
import type { Sdk } from "./sdks.ts";

const MAX_LOG_CHARACTERS = 20_000;

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A command that was sent, with its answer to come. */
export interface Call {
  readonly name: string;
  readonly result: Promise<JsonObject>;
}

/** One process of an SDK's program. What it says goes into the journal. */
export class Program {
  /** Resolves when the process has ended. */
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #journal: Journal;
  readonly #waiting = new Map<number, (result: JsonObject) => void>();
  #nextId = 1;
  #log = "";
  #isEnding = false;

  constructor(sdk: Sdk, root: string, journal: Journal) {
    const [command = "", ...args] = sdk.run;
    this.#journal = journal;
    this.#child = spawn(command, args, { cwd: root, stdio: "pipe" });
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#log = (this.#log + text).slice(-MAX_LOG_CHARACTERS);
    });
    // A program that is gone already: its exit says so better.
    this.#child.stdin.on("error", () => {});
    this.#read();
    this.exited = new Promise((resolve) => {
      this.#child.on("error", (error) =>
        this.#onExit(resolve, { code: null, signal: null }, error),
      );
      this.#child.on("close", (code, signal) => this.#onExit(resolve, { code, signal }));
    });
  }

  /** The end of what it wrote to stderr. */
  get log(): string {
    return this.#log;
  }

  /** Sends a command, given as protobuf JSON: `{ getJob: { jobId: … } }`. */
  call(command: JsonObject): Call {
    const id = this.#nextId++;
    const [name = "nothing"] = Object.keys(command);
    const message = fromJson(CommandSchema, { ...command, id });
    const result = new Promise<JsonObject>((resolve) => this.#waiting.set(id, resolve));
    this.#child.stdin.write(framed(toBinary(CommandSchema, message)));
    return { name, result };
  }

  /** Sends a signal to the process; its end is expected from now on. */
  kill(signal: NodeJS.Signals): void {
    this.#isEnding = true;
    this.#child.kill(signal);
  }

  /** Closes stdin and waits for the process to leave, not longer than `withinMs`. */
  async end(withinMs: number): Promise<Exit | "killed"> {
    this.#isEnding = true;
    this.#child.stdin.end();
    let isKilled = false;
    const timer = setTimeout(() => {
      isKilled = true;
      this.#child.kill("SIGKILL");
    }, withinMs);
    const exit = await this.exited;
    clearTimeout(timer);
    return isKilled ? "killed" : exit;
  }

  #read(): void {
    const deframer = new Deframer();
    this.#child.stdout.on("data", (chunk: Buffer) => {
      try {
        for (const message of deframer.push(chunk)) this.#onMessage(message);
      } catch (error) {
        this.#journal.fail(new ExpectationError(`cannot read the program's events: ${error}`));
      }
    });
  }

  #onMessage(bytes: Uint8Array): void {
    const { event } = fromBinary(EventSchema, bytes);
    if (event.case === undefined) throw new RangeError("an event without a case");
    const json = toJson(EventSchema, fromBinary(EventSchema, bytes)) as JsonObject;
    const body = json[event.case] ?? {};
    if (event.case === "callResult") this.#onResult(event.value, body);
    else this.#journal.add("event", event.case, body);
  }

  #onResult({ id }: CallResult, body: JsonValue): void {
    const settle = this.#waiting.get(id);
    if (settle === undefined) throw new RangeError(`a second or unasked result for command ${id}`);
    this.#waiting.delete(id);
    settle(body as JsonObject);
  }

  #onExit(resolve: (exit: Exit) => void, exit: Exit, error?: Error): void {
    this.#journal.add("note", "exit", { code: exit.code, signal: exit.signal });
    if (!this.#isEnding) {
      const how = error?.message ?? `code ${exit.code}, signal ${exit.signal}`;
      this.#journal.fail(new ExpectationError(`the program ended by itself: ${how}`));
    }
    resolve(exit);
  }
}
