import type { Ask } from "../app/bridge/ready-queue.ts";
import { type Lane, laneKey, type ReadyLane } from "../domain/offer.ts";
import { laneName } from "./lane-name.ts";
import type { Batch, Found, LaneService } from "./lane-service.ts";
import { NatsLink } from "./nats-link.ts";
import { lowest } from "./outbox.ts";

/** Numbers of one message, eight bytes each. */
const CHUNK = 256;

/** The most messages of one pull. */
const MAX_PULL = 64;

/** How long this replica holds numbers that it has no claim for, in milliseconds. */
const HOLD_MS = 100;

/** What the service answered longer ago says nothing about what is stuck now; milliseconds. */
const RECENT_MS = 5_000;

/** The most lanes whose state is remembered; a forgotten one is searched in the ledger first. */
const MAX_LANES = 20_000;

/** How long a pull waits for what this replica has published and not seen again, in ms. */
const PATIENCE_MS = 20;

/** The two subjects of a lane: its head, and what comes behind. */
type Place = "h" | "n";

interface LaneState {
  readonly lane: Lane;
  /** `tenant.lane`, as in subjects. */
  readonly name: string;
  /** Whether the ledger has to be searched, too, because the service may not know it all. */
  searching: boolean;
  /** Taken from the service and not asked for yet; ascending. */
  held: number[];
  heldSince: number;
  /** The highest number seen: what is lower was given back or came late, and goes first. */
  highest: number;
  /** Where this replica has put something since it last looked there. */
  readonly expected: Set<Place>;
  /** How many numbers a message of this lane has, lately. */
  perMessage: number;
  /** Settles when what was published is in the stream: a pull does not wait for that by itself. */
  published: Promise<unknown>;
  asked: { readonly at: number; readonly lowest: number } | undefined;
}

/**
 * Numbers of ready jobs in a JetStream work queue: each message has up to {@link CHUNK} of one
 * lane. A lane has two subjects, because a stream keeps the order of arrival: `h` for what belongs
 * before what is there, `n` for the rest.
 *
 * JetStream cannot say whether a number is in it. So a lane that is new here, or whose oldest job
 * stays while the service gives out others or none, is searched in the ledger, too, until a search
 * has seen its end.
 */
export class NatsLanes implements LaneService {
  readonly #link: NatsLink;
  readonly #onError: (error: unknown) => void;
  readonly #states = new Map<string, LaneState>();
  #epoch: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param url nats:// or tls://; several with commas between them. */
  constructor(url: string, onError: (error: unknown) => void) {
    this.#link = new NatsLink(url);
    this.#onError = onError;
  }

  start(): void {
    const sweep = () => this.#letGo(performance.now()).catch(this.#onError);
    this.#timer = setInterval(sweep, HOLD_MS / 2);
    this.#timer.unref();
  }

  async probe(): Promise<void> {
    const epoch = await this.#link.ensure();
    // Another stream: whatever is known rests on the one before.
    if (epoch !== this.#epoch) for (const state of this.#states.values()) state.searching = true;
    this.#epoch = epoch;
  }

  async add(batches: readonly Batch[]): Promise<void> {
    const told = batches.map(async ({ lane, seqs, lostAfter }) => {
      const state = this.#state(lane);
      if (lostAfter !== undefined) state.searching = true;
      await this.#publish(state, seqs);
    });
    await Promise.all(told);
  }

  async take(asks: readonly Ask[]): Promise<readonly Found[]> {
    const found = await Promise.all(asks.map(({ lane, share }) => this.#takeFrom(lane, share)));
    const at = performance.now();
    for (const { lane, seqs } of found) this.#state(lane).asked = { at, lowest: lowest(seqs) };
    const shares = asks.reduce((sum, { share }) => sum + share, 0);
    let spare = shares - found.reduce((sum, { seqs }) => sum + seqs.length, 0);
    for (const [index, { lane, seqs, empty }] of found.entries()) {
      const more = Math.min(spare, (asks[index]?.limit ?? 0) - seqs.length);
      if (empty || more <= 0) continue;
      const next = await this.#takeFrom(lane, more);
      found[index] = { ...next, seqs: [...seqs, ...next.seqs].sort((a, b) => a - b) };
      spare -= next.seqs.length;
    }
    return found;
  }

  async check(stuck: readonly ReadyLane[]): Promise<void> {
    for (const lane of stuck) {
      const state = this.#states.get(keyOf(lane));
      if (state?.asked === undefined) continue;
      const isRecent = performance.now() - state.asked.at < RECENT_MS;
      if (isRecent && state.asked.lowest > lane.minSeq) state.searching = true;
    }
  }

  searched(lane: Lane): void {
    const state = this.#states.get(keyOf(lane));
    if (state !== undefined) state.searching = false;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#letGo(Number.POSITIVE_INFINITY).catch(() => {}); // found by the look at the ledger
    await this.#link.close();
  }

  async #takeFrom(lane: Lane, limit: number): Promise<Found> {
    const state = this.#state(lane);
    let empty = false;
    if (state.held.length < limit) {
      await state.published;
      const batch = Math.ceil((limit - state.held.length) / state.perMessage);
      const pulls = (["h", "n"] as const).map(async (place) => {
        const patienceMs = state.expected.delete(place) ? PATIENCE_MS : 0;
        const subject = `${state.name}.${place}`;
        return this.#link.pull(subject, Math.min(batch, MAX_PULL), patienceMs);
      });
      const pulled = await Promise.all(pulls);
      const messages = pulled.flatMap((one) => one.messages.map(unpack));
      const seqs = messages.flat();
      if (seqs.length > 0) {
        state.perMessage = Math.max(1, seqs.length / messages.length);
        this.#hold(state, seqs);
      }
      empty = pulled.every((one) => one.empty);
    }
    const seqs = state.held.splice(0, limit);
    state.heldSince = performance.now();
    return {
      lane,
      seqs,
      searchAfter: state.searching ? "memory" : undefined,
      empty: empty && state.held.length === 0,
    };
  }

  #hold(state: LaneState, seqs: readonly number[]): void {
    state.held = [...new Set([...state.held, ...seqs])].sort((a, b) => a - b);
    state.highest = Math.max(state.highest, state.held.at(-1) ?? 0);
  }

  async #publish(state: LaneState, seqs: readonly number[]): Promise<void> {
    const last = state.held.at(-1) ?? 0;
    const here = seqs.filter((seq) => seq < last);
    if (here.length > 0) this.#hold(state, here);
    const ascending = seqs.filter((seq) => seq >= last).sort((a, b) => a - b);
    const { highest } = state;
    const head = ascending.filter((seq) => seq <= highest);
    const rest = ascending.slice(head.length);
    state.highest = rest.at(-1) ?? highest;
    if (head.length > 0) state.expected.add("h");
    if (rest.length > 0) state.expected.add("n");
    const publishing = Promise.all([
      ...inChunks(head).map((chunk) => this.#link.publish(`${state.name}.h`, chunk)),
      ...inChunks(rest).map((chunk) => this.#link.publish(`${state.name}.n`, chunk)),
    ]);
    state.published = Promise.allSettled([state.published, publishing]);
    try {
      await publishing;
    } catch (error) {
      state.searching = true;
      if (!isFull(error)) throw error;
    }
  }

  /** What was held for too long goes back, so that other replicas can have it. */
  async #letGo(now: number): Promise<void> {
    const late = [...this.#states.values()].filter(({ held, heldSince }) => {
      return held.length > 0 && now - heldSince >= HOLD_MS;
    });
    await Promise.all(late.map((state) => this.#publish(state, state.held.splice(0))));
  }

  #state(lane: Lane): LaneState {
    const key = keyOf(lane);
    let state = this.#states.get(key);
    if (state !== undefined) return state;
    state = {
      lane,
      name: `${Buffer.from(lane.tenant).toString("base64url")}.${laneName(lane)}`,
      searching: true,
      held: [],
      heldSince: 0,
      highest: 0,
      expected: new Set(),
      perMessage: 1,
      published: Promise.resolve(),
      asked: undefined,
    };
    this.#states.set(key, state);
    if (this.#states.size > MAX_LANES) this.#forgetOldest();
    return state;
  }

  #forgetOldest(): void {
    for (const [key, { held }] of this.#states) {
      if (held.length > 0) continue;
      this.#states.delete(key);
      return;
    }
  }
}

const keyOf = (lane: Lane): string => `${lane.tenant}\0${laneKey(lane)}`;

/** The stream takes no more of this subject, which is no reason to think that it is away. */
const isFull = (error: unknown): boolean =>
  error instanceof Error && error.message.includes("maximum messages per subject exceeded");

function inChunks(seqs: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let from = 0; from < seqs.length; from += CHUNK) {
    chunks.push(pack(seqs.slice(from, from + CHUNK)));
  }
  return chunks;
}

/** Numbers below 2^53, as 64-bit integers, the low byte first. */
function pack(seqs: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(seqs.length * 8);
  seqs.forEach((seq, index) => {
    bytes.writeBigUInt64LE(BigInt(seq), index * 8);
  });
  return bytes;
}

function unpack(bytes: Uint8Array): number[] {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: Math.floor(bytes.length / 8) }, (_, index) =>
    Number(view.readBigUInt64LE(index * 8)),
  );
}
