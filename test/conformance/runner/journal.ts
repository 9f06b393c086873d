import type { JsonValue } from "@bufbuild/protobuf";

/** Where an entry of the journal came from. */
export type Channel =
  /** The worker's frames, as the scripted server received them. */
  | "frame"
  /** The scripted server's frames. */
  | "sent"
  /** Calls of the client, as the scripted server received them. */
  | "request"
  /** The program's events. */
  | "event"
  /** Connections, streams and processes that came and went. */
  | "note";

/** One thing that happened. */
export interface Entry {
  /** Milliseconds since the scenario began. */
  readonly at: number;
  readonly channel: Channel;
  /** The kind: a frame's or event's field name, an RPC's method. */
  readonly name: string;
  /** The message as protobuf JSON. */
  readonly body: JsonValue;
  /** The session that it belongs to, if any. */
  readonly session: string | undefined;
  /** Whether a step of the scenario has waited for it. */
  isTaken: boolean;
}

interface Waiter {
  readonly matches: (entry: Entry) => boolean;
  readonly resolve: (entry: Entry) => void;
}

/** A scenario's expectation does not hold; the message is for people. */
export class ExpectationError extends Error {
  override readonly name = "ExpectationError";
}

/** All that happened in one scenario, in order, with waiting for what has not happened yet. */
export class Journal {
  readonly entries: Entry[] = [];
  readonly #begin = performance.now();
  readonly #waiters = new Set<Waiter>();
  #failure: Error | undefined;
  readonly #rejects = new Set<(error: Error) => void>();

  /** Milliseconds since the scenario began. */
  now(): number {
    return performance.now() - this.#begin;
  }

  add(channel: Channel, name: string, body: JsonValue = {}, session?: string): Entry {
    const entry: Entry = { at: this.now(), channel, name, body, session, isTaken: false };
    this.entries.push(entry);
    for (const waiter of this.#waiters) {
      if (!waiter.matches(entry)) continue;
      this.#waiters.delete(waiter);
      entry.isTaken = true;
      waiter.resolve(entry);
      break;
    }
    return entry;
  }

  /** Ends every wait, now and later: the program died. */
  fail(error: Error): void {
    this.#failure ??= error;
    for (const reject of this.#rejects) reject(error);
    this.#rejects.clear();
  }

  /** Takes the first entry that matches and was not taken; waits for one if there is none. */
  async take(matches: (entry: Entry) => boolean, withinMs: number, what: string): Promise<Entry> {
    const found = this.entries.find((entry) => !entry.isTaken && matches(entry));
    if (found !== undefined) {
      found.isTaken = true;
      return found;
    }
    return await this.#within(withinMs, `no ${what}`, (resolve) => {
      const waiter = { matches, resolve };
      this.#waiters.add(waiter);
      return () => this.#waiters.delete(waiter);
    });
  }

  /** Bounds a wait in time and ends it when the program dies. */
  async bounded<T>(promise: Promise<T>, withinMs: number, what: string): Promise<T> {
    return await this.#within(withinMs, what, (resolve, reject) => {
      promise.then(resolve, reject);
      return () => {};
    });
  }

  #within<T>(
    ms: number,
    what: string,
    begin: (resolve: (value: T) => void, reject: (error: Error) => void) => () => void,
  ): Promise<T> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise<T>((resolve, reject) => {
      const end = () => {
        clearTimeout(timer);
        this.#rejects.delete(fail);
        undo();
      };
      const fail = (error: Error) => {
        end();
        reject(error);
      };
      const settle = (value: T) => {
        end();
        resolve(value);
      };
      const late = () => fail(new ExpectationError(`${what} within ${ms} ms`));
      const timer = setTimeout(late, ms);
      this.#rejects.add(fail);
      const undo = begin(settle, fail);
    });
  }
}
