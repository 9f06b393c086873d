import { fromJson, type JsonObject, type JsonValue, toJson } from "@bufbuild/protobuf";
import {
  type LeaseRef,
  LeaseVerdict,
  type ServerFrame,
  ServerFrameSchema,
  type WorkerFrame,
  WorkerFrameSchema,
} from "./api.ts";
import type { Journal } from "./journal.ts";
import { callError, type ScriptedError } from "./scripted-errors.ts";

/** What the scripted server does by itself. False: nothing, the scenario answers. */
export interface Manners {
  /** A WriteVerdict's name for each kind of write, such as "APPLIED". */
  accept: string | false;
  progress: string | false;
  complete: string | false;
  fail: string | false;
  release: string | false;
  /** A LeaseVerdict's name for every lease of a heartbeat, such as "RENEWED". */
  heartbeat: string | false;
  /** The same for what a Hello says is held. */
  held: string | false;
  /** Pong. */
  ping: boolean;
  /** DrainAck. */
  drain: boolean;
}

/** A well-behaved server. */
export const goodManners: Manners = {
  accept: "APPLIED",
  progress: "APPLIED",
  complete: "APPLIED",
  fail: "APPLIED",
  release: "APPLIED",
  heartbeat: "RENEWED",
  held: "RENEWED",
  ping: true,
  drain: true,
};

/** The writes of a frame: the kind, the lease and the id that the answer repeats. */
interface Write {
  readonly kind: "ACCEPT" | "PROGRESS" | "COMPLETE" | "FAIL" | "RELEASE";
  readonly lease: LeaseRef | undefined;
  readonly completionId: string;
}

function writesOf({ frame }: WorkerFrame): Write[] {
  const write = (kind: Write["kind"], lease: LeaseRef | undefined, completionId = ""): Write => ({
    kind,
    lease,
    completionId,
  });
  switch (frame.case) {
    case "accept":
      return frame.value.leases.map((lease) => write("ACCEPT", lease));
    case "progress":
      return frame.value.reports.map(({ lease }) => write("PROGRESS", lease));
    case "complete":
      return frame.value.completions.map((one) => write("COMPLETE", one.lease, one.completionId));
    case "fail":
      return frame.value.failures.map((one) => write("FAIL", one.lease, one.completionId));
    case "release":
      return frame.value.releases.map(({ lease }) => write("RELEASE", lease));
    default:
      return [];
  }
}

const mannerOf = {
  ACCEPT: "accept",
  PROGRESS: "progress",
  COMPLETE: "complete",
  FAIL: "fail",
  RELEASE: "release",
} as const;

/** The server's end of one session stream. */
export class ScriptedSession {
  readonly name: string;
  /** The stream is over, one way or the other. */
  isOver = false;
  /** The first pool of Hello: where offers go unless a scenario says otherwise. */
  pool = "";
  readonly #journal: Journal;
  readonly #manners: Manners;
  readonly #outgoing: ServerFrame[] = [];
  #wake: (() => void) | undefined;
  #end: { readonly error: ScriptedError | undefined } | undefined;
  #nonce = 0;
  readonly #pongs = new Map<string, () => void>();

  constructor(name: string, journal: Journal, manners: Manners) {
    this.name = name;
    this.#journal = journal;
    this.#manners = manners;
  }

  /** Sends a frame given as protobuf JSON. */
  send(frame: JsonObject): void {
    this.sendMessage(fromJson(ServerFrameSchema, frame));
  }

  /** Sends a frame that protobuf JSON cannot express. */
  sendMessage(message: ServerFrame): void {
    const json = toJson(ServerFrameSchema, message) as JsonObject;
    const name = message.frame.case ?? "unknown";
    this.#journal.add("sent", name, json[name] ?? {}, this.name);
    this.#outgoing.push(message);
    this.#wake?.();
  }

  /** Answers one write. */
  answer(result: JsonObject): void {
    this.send({ results: { results: [result] } });
  }

  /** Ends the stream in order, or with an error. */
  end(error?: ScriptedError): void {
    this.#end = { error };
    this.#wake?.();
  }

  /** Resolves when the worker has dealt with everything that was sent so far. */
  async settled(): Promise<void> {
    const nonce = String(++this.#nonce + 1_000_000);
    const pong = new Promise<void>((resolve) => this.#pongs.set(nonce, resolve));
    this.send({ ping: { nonce } });
    await pong;
  }

  /** What the RPC sends. */
  async *frames(): AsyncGenerator<ServerFrame, void, undefined> {
    for (;;) {
      const frame = this.#outgoing.shift();
      if (frame !== undefined) {
        yield frame;
      } else if (this.isOver) {
        return;
      } else if (this.#end !== undefined) {
        if (this.#end.error !== undefined) throw callError(this.#end.error);
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }

  /** Takes what the RPC receives until the worker ends its half or the stream breaks. */
  async read(incoming: AsyncIterator<WorkerFrame>): Promise<void> {
    try {
      for (;;) {
        const next = await incoming.next();
        if (next.done) break;
        this.take(next.value);
      }
      this.#journal.add("note", "session", "half-closed", this.name);
      // A real server ends its half when the worker has ended the other.
      this.end();
    } catch {
      this.over();
    }
  }

  /** The stream broke. */
  over(): void {
    if (this.isOver) return;
    this.isOver = true;
    for (const resolve of this.#pongs.values()) resolve();
    this.#journal.add("note", "session", "over", this.name);
    this.#wake?.();
  }

  /** Records a frame and answers it as the manners say. */
  take(message: WorkerFrame): void {
    const { frame } = message;
    const json = toJson(WorkerFrameSchema, message) as JsonObject;
    const name = frame.case ?? "unknown";
    this.#journal.add("frame", name, json[name] ?? {}, this.name);
    const manners = this.#manners;
    if (frame.case === "hello") this.pool = frame.value.pools[0]?.name ?? "";
    if (frame.case === "ping" && manners.ping) {
      this.send({ pong: { nonce: String(frame.value.nonce) } });
    }
    if (frame.case === "pong") this.#onPong(String(frame.value.nonce));
    if (frame.case === "drain" && manners.drain) this.send({ drainAck: {} });
    if (frame.case === "heartbeat") this.#verdicts(frame.value.leases, manners.heartbeat);
    this.#results(writesOf(message));
  }

  /** Verdicts on what a Hello says is held. */
  verdictsOnHeld(leases: readonly LeaseRef[]): void {
    this.#verdicts(leases, this.#manners.held);
  }

  #onPong(nonce: string): void {
    this.#pongs.get(nonce)?.();
    this.#pongs.delete(nonce);
  }

  #verdicts(leases: readonly LeaseRef[], name: string | false): void {
    if (name === false || leases.length === 0) return;
    const verdict = LeaseVerdict[name as keyof typeof LeaseVerdict];
    const verdicts = leases.map(({ jobId, leaseEpoch }) => ({
      jobId,
      leaseEpoch: String(leaseEpoch),
      verdict,
    }));
    this.send({ verdicts: { verdicts } });
  }

  #results(writes: readonly Write[]): void {
    const results: JsonValue[] = [];
    for (const { kind, lease, completionId } of writes) {
      const verdict = this.#manners[mannerOf[kind]];
      if (verdict === false || lease === undefined) continue;
      const { jobId, leaseEpoch } = lease;
      results.push({
        kind: `WRITE_KIND_${kind}`,
        jobId,
        leaseEpoch: String(leaseEpoch),
        completionId,
        verdict: `WRITE_VERDICT_${verdict}`,
      });
    }
    if (results.length > 0) this.send({ results: { results } });
  }
}
