import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { type Entry, ExpectationError, type Journal } from "./journal.ts";
import { mismatch, type Variables } from "./match.ts";
import type { Network } from "./network.ts";
import type { Call, Program } from "./program.ts";
import { msOf, type Scenario, type Step } from "./scenario.ts";
import type { ScriptedServer } from "./scripted-server.ts";
import type { ScriptedSession } from "./scripted-session.ts";
import { resolve } from "./values.ts";

/** How long a step waits unless it says otherwise. Slow machines are no failure. */
const PATIENCE_MS = 15_000;

/** What a scenario is played with. */
export interface StageParts {
  readonly scenario: Scenario;
  readonly journal: Journal;
  readonly program: Program;
  readonly network: Network;
  /** Absent when the real server plays. */
  readonly server: ScriptedServer | undefined;
  /** A folder for files. */
  readonly folder: string;
  /** The folder of the suite. */
  readonly suite: string;
}

/** A scenario under way: its parts, its names, and what steps do again and again. */
export class Stage {
  readonly scenario: Scenario;
  readonly journal: Journal;
  readonly program: Program;
  readonly network: Network;
  readonly folder: string;
  readonly suite: string;
  readonly variables: Variables = new Map();
  /** Calls under way, by the name that a step gave them. */
  readonly calls = new Map<string, Call[]>();
  /** Moments, by the name that a step gave them. */
  readonly marks = new Map<string, number>();
  readonly #server: ScriptedServer | undefined;

  constructor(parts: StageParts) {
    this.scenario = parts.scenario;
    this.journal = parts.journal;
    this.program = parts.program;
    this.network = parts.network;
    this.folder = parts.folder;
    this.suite = parts.suite;
    this.#server = parts.server;
  }

  /** The scripted server. Throws when the real one plays. */
  get server(): ScriptedServer {
    if (this.#server === undefined) throw new Error("this needs server: scripted");
    return this.#server;
  }

  /** The session that a step names, else the newest. */
  session(step: Step): ScriptedSession {
    const { sessions } = this.server;
    const found = step.on ? sessions.find(({ name }) => name === step.on) : sessions.at(-1);
    if (found === undefined) throw new ExpectationError(`no session ${step.on ?? ""}`);
    return found;
  }

  /** Variables and generated values put in. */
  resolve(value: JsonValue | undefined): JsonValue {
    return resolve(value ?? null, this);
  }

  within(step: Step): number {
    return msOf(step.within, PATIENCE_MS);
  }

  /** Sends a command and waits for its result, which must not be an error. */
  async command(command: JsonObject, withinMs = PATIENCE_MS): Promise<JsonObject> {
    const call = this.program.call(command);
    const result = await this.journal.bounded(call.result, withinMs, `no result of ${call.name}`);
    if (result.error !== undefined) {
      throw new ExpectationError(`${call.name} failed: ${JSON.stringify(result.error)}`);
    }
    return result;
  }

  /** The one key of a `frame`, `event` or `request` and what it must match. */
  patternOf(channel: Entry["channel"], step: Step): (entry: Entry) => boolean {
    const wanted = step[channel];
    const [name, body] =
      typeof wanted === "string"
        ? [wanted, {}]
        : (Object.entries((wanted ?? {}) as JsonObject)[0] ?? ["nothing", {}]);
    const pattern = this.resolve(body);
    return (entry) =>
      entry.channel === channel &&
      entry.name === name &&
      (step.on === undefined || entry.session === step.on) &&
      (step.since === undefined || entry.at >= this.markOf(step.since)) &&
      mismatch(entry.body, pattern, this.variables) === undefined;
  }

  markOf(name: string): number {
    const at = this.marks.get(name);
    if (at === undefined) throw new Error(`there is no mark "${name}"`);
    return at;
  }

  /**
   * Waits until everything that was sent has been dealt with: a Ping answered by every session
   * and a command answered by the program. Not for a session that is over.
   */
  async settle(): Promise<void> {
    const open = this.#server?.sessions.filter(({ isOver }) => !isOver) ?? [];
    const pings = Promise.all(open.map((session) => session.settled()));
    await this.journal.bounded(pings, PATIENCE_MS, "a Ping was not answered");
    await this.command({ getLeaseDefaults: {} });
  }
}
