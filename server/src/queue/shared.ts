import type {
  Ask,
  Candidate,
  ClaimRange,
  LaneFilter,
  ReadyQueue,
  TakenJob,
} from "../app/bridge/ready-queue.ts";
import { type Lane, laneKey, type ReadyLane } from "../domain/offer.ts";
import { LaneMemory, seqsByLane } from "./lane-memory.ts";
import type { Batch, Found, LaneService } from "./lane-service.ts";
import { Outbox } from "./outbox.ts";
import { fromTheBeginning } from "./postgres.ts";
import { rangesOf } from "./ranges.ts";

/** How long a claim waits for the service before it searches the ledger, in milliseconds. */
const PATIENCE_MS = 75;

/** How often a service that is away is asked whether it is back, in milliseconds. */
const PROBE_INTERVAL_MS = 250;

/** How long a probe may take, in milliseconds. */
const PROBE_PATIENCE_MS = 1_000;

/** How long a stop waits for the last words to the service, in milliseconds. */
const STOP_PATIENCE_MS = 500;

/** When a lane is asked for again whose notice overtook its jobs, in milliseconds. */
const RECHECK_MS = 25;

/** The most lanes that wait to be asked for again. */
const MAX_RECHECKS = 10_000;

const LATE = Symbol("late");
const SLOW = "the ready queue's service does not answer in time";

/** What a shared ready queue tells the program. */
export interface SharedQueuePorts {
  /** A tenant's lanes may have work again: hand out. */
  readonly wake: (tenant: string) => void;
  /** The service went away (with why) or came back. Dispatch goes on either way. */
  readonly onService: (state: "away" | "back", error?: unknown) => void;
}

/** Jobs that were taken out of the service for a claim that has not been answered. */
interface Popped {
  readonly lane: Lane;
  readonly seqs: readonly number[];
  /** The search that covers some of them. */
  readonly search: ClaimRange | undefined;
}

/**
 * A ready queue on a service that all replicas share. Popping is what makes replicas claim
 * different jobs; the ledger decides. While the service is away or slow this searches the ledger
 * as {@link PostgresReadyQueue} does, and tells the service afterwards what it missed.
 *
 * The published bound: what the service has lost is claimed after at most two looks at the ledger
 * (2 s) and one read of it, from when it is the oldest of its lane. See `discovered`.
 */
export class SharedReadyQueue implements ReadyQueue {
  readonly #service: LaneService;
  readonly #ports: SharedQueuePorts;
  readonly #memory: LaneMemory;
  readonly #outbox = new Outbox();
  readonly #popped = new Map<ClaimRange, Popped>();
  /** Lanes that another replica announced and whose jobs were not seen yet. */
  readonly #heard = new Map<string, Lane>();
  readonly #rechecks = new Set<NodeJS.Timeout>();
  #probe: NodeJS.Timeout | undefined;
  #sending = 0;
  #away = true;
  #stopped = false;

  constructor(service: LaneService, ports: SharedQueuePorts, memory = new LaneMemory()) {
    this.#service = service;
    this.#ports = ports;
    this.#memory = memory;
  }

  async start(): Promise<void> {
    this.#service.start();
    await this.#probeOnce();
    if (this.#away) this.#ports.onService("away", new Error(SLOW));
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    for (const popped of new Set(this.#popped.values())) this.#putBack(popped, popped.seqs);
    this.#popped.clear();
    this.#stopped = true;
    for (const timer of this.#rechecks) clearTimeout(timer);
    clearTimeout(this.#probe);
    if (!this.#away) await timely(this.#send(), STOP_PATIENCE_MS);
    await this.#service.stop();
  }

  attend(tenant: string): void {
    this.#memory.attend(tenant);
  }

  forget(tenant: string): void {
    this.#memory.forget(tenant);
  }

  candidates(tenant: string, filter: LaneFilter, nowMs: number): Candidate[] {
    return this.#memory.candidates(tenant, filter, nowMs);
  }

  async locate(asks: readonly Ask[], whole: boolean): Promise<readonly ClaimRange[]> {
    if (whole) return asks.map(fromTheBeginning);
    if (this.#away || asks.length === 0) return asks.map((ask) => this.#memory.search(ask));
    const watches = asks.map(({ lane }) => this.#memory.watch(lane));
    // Before the question, so that it finds what this replica has just announced.
    void this.#send();
    const question = this.#service.take(asks);
    const answer = await timely(question, PATIENCE_MS).catch((): typeof LATE => LATE);
    if (answer === LATE) {
      this.#late(question, asks);
      asks.forEach(({ lane }, index) => {
        const watch = watches[index];
        if (watch !== undefined) this.#memory.unwatch(lane, watch, false);
      });
      return asks.map((ask) => this.#memory.search(ask));
    }
    return answer.flatMap((found, index) => {
      const [ask, watch] = [asks[index], watches[index]];
      if (ask === undefined || watch === undefined) return [];
      this.#memory.unwatch(ask.lane, watch, found.empty && found.searchAfter === undefined);
      return this.#rangesFor(ask, found);
    });
  }

  claimed(ranges: readonly ClaimRange[], taken: readonly TakenJob[], uncut: boolean): boolean {
    const ended = this.#memory.claimed(ranges, taken, uncut);
    for (const { lane } of ended) this.#service.searched(lane);
    const seqs = seqsByLane(taken);
    const answered = new Set<Popped>();
    for (const range of ranges) {
      const popped = this.#popped.get(range);
      this.#popped.delete(range);
      if (popped !== undefined) answered.add(popped);
    }
    let isStale = false;
    for (const popped of answered) {
      const got = seqs.get(laneKey(popped.lane)) ?? [];
      const left = without(popped.seqs, got);
      if (uncut && (popped.search === undefined || ended.has(popped.search))) {
        // They are gone, or another claim has them; if that fails, the look at the ledger tells.
        isStale ||= left.length > 0;
      } else {
        // A claim takes each lane from its head, so what it passed over was not there.
        const last = got.reduce((most, seq) => Math.max(most, seq), 0);
        this.#putBack(
          popped,
          left.filter((seq) => seq > last),
        );
      }
    }
    return isStale;
  }

  ready(lanes: readonly ReadyLane[], here: boolean): void {
    this.#memory.ready(lanes);
    for (const lane of lanes) {
      if (!here) this.#hear(lane);
      else if (lane.seqs === undefined) this.#outbox.lose(lane, lane.minSeq - 1);
      else this.#outbox.add(lane, lane.seqs);
    }
    if (here) this.#sendSoon();
  }

  /**
   * The net under all that a service can lose. A lane that has work is asked for; if its oldest
   * job is the same at two looks, the service is made to have it or to say that it does not.
   */
  discovered(tenant: string, found: readonly ReadyLane[]): void {
    const stuck = this.#memory.discovered(tenant, found);
    if (this.#away) return;
    for (const lane of found) this.#memory.wake(lane);
    if (stuck.length > 0) this.#service.check(stuck).catch((error) => this.#failed(error));
  }

  #rangesFor(ask: Ask, found: Found): ClaimRange[] {
    const { lane } = ask;
    const { seqs, searchAfter } = found;
    this.#await(lane, found);
    // A search gets no more than the lane's share, or it would crowd out what was taken for it.
    const missing = ask.share - seqs.length;
    if (searchAfter === undefined || (searchAfter !== "memory" && missing <= 0)) {
      return this.#remember(lane, seqs);
    }
    if (searchAfter !== "memory") {
      const search = this.#memory.search({ lane, limit: missing }, searchAfter);
      return [...this.#remember(lane, seqs), search];
    }
    const place = this.#memory.place(lane);
    const behind = seqs.filter((seq) => seq <= place);
    const limit = Math.max(1, ask.share - behind.length);
    const search = this.#memory.search({ lane, limit });
    const ranges = rangesOf(lane, behind);
    // The search covers the others, too. Together they are no more than a share, and one.
    const popped = { lane, seqs, search };
    ranges.push(search);
    for (const range of ranges) this.#popped.set(range, popped);
    return ranges;
  }

  #remember(lane: Lane, seqs: readonly number[]): ClaimRange[] {
    const ranges = rangesOf(lane, seqs);
    const popped = { lane, seqs, search: undefined };
    for (const range of ranges) this.#popped.set(range, popped);
    return ranges;
  }

  #putBack({ lane }: Pick<Popped, "lane">, seqs: readonly number[]): void {
    if (seqs.length === 0) return;
    this.#outbox.add(lane, seqs);
    this.#memory.wake(lane);
    this.#sendSoon();
  }

  #hear(lane: ReadyLane): void {
    if (this.#away || this.#heard.size >= MAX_RECHECKS) return;
    const { minSeq, seqs, ...heard } = lane;
    this.#heard.set(nameOf(lane), heard);
  }

  /** Another replica's notice may be faster than what it told the service: ask once more. */
  #await(lane: Lane, { seqs, searchAfter }: Found): void {
    if (!this.#heard.delete(nameOf(lane)) || seqs.length > 0 || searchAfter !== undefined) return;
    const timer = setTimeout(() => {
      this.#rechecks.delete(timer);
      this.#memory.wake(lane);
      this.#ports.wake(lane.tenant);
    }, RECHECK_MS);
    this.#rechecks.add(timer);
  }

  /** Tells the service when this turn of the event loop is over; more may come in it. */
  #sendSoon(): void {
    if (this.#sending > 0 || this.#away || this.#stopped) return;
    setImmediate(() => {
      if (this.#sending === 0 && !this.#stopped) void this.#send();
    });
  }

  /** Tells the service all that is held. While it takes its time the next batch grows. */
  async #send(): Promise<void> {
    if (this.#away || this.#outbox.isEmpty) return;
    const batches: Batch[] = this.#outbox.empty();
    this.#sending += 1;
    const told = this.#service.add(batches);
    try {
      const answer = await timely(told, PROBE_PATIENCE_MS);
      if (answer === LATE) this.#failed(new Error(SLOW));
      await told;
    } catch (error) {
      this.#outbox.putBack(batches);
      this.#failed(error);
    } finally {
      this.#sending -= 1;
      if (!this.#outbox.isEmpty) this.#sendSoon();
    }
  }

  /** Nobody waits for an answer any more: what comes goes back, what does not is lost. */
  #late(question: Promise<readonly Found[]>, asks: readonly Ask[]): void {
    question.then(
      (answer) => {
        this.#failed(new Error(SLOW));
        for (const found of answer) this.#putBack(found, found.seqs);
      },
      (error) => {
        // The service may have taken jobs out and died before it could say which.
        for (const { lane } of asks) this.#outbox.lose(lane, 0);
        this.#failed(error);
      },
    );
    // If it is neither answered nor refused by now.
    setImmediate(() => this.#failed(new Error(SLOW)));
  }

  #failed(error: unknown): void {
    if (this.#away || this.#stopped) return;
    this.#away = true;
    this.#memory.rewind();
    this.#ports.onService("away", error);
    this.#probeLater();
  }

  #probeLater(): void {
    this.#probe = setTimeout(() => void this.#probeOnce(), PROBE_INTERVAL_MS);
    this.#probe.unref();
  }

  async #probeOnce(): Promise<void> {
    const answer = await timely(this.#service.probe(), PROBE_PATIENCE_MS).catch(
      (): typeof LATE => LATE,
    );
    if (this.#stopped) return;
    if (answer === LATE) {
      this.#probeLater();
      return;
    }
    this.#away = false;
    this.#ports.onService("back");
    void this.#send();
  }
}

const nameOf = (lane: Lane): string => `${lane.tenant}\0${laneKey(lane)}`;

function without(seqs: readonly number[], some: readonly number[]): number[] {
  const gone = new Set(some);
  return seqs.filter((seq) => !gone.has(seq));
}

/**
 * What `work` resolves with, or LATE. After the time the event loop gets one more turn: if it was
 * this process that was busy, the answer is there already.
 */
async function timely<T>(work: Promise<T>, patienceMs: number): Promise<T | typeof LATE> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<typeof LATE>((resolve) => {
    timer = setTimeout(() => setImmediate(() => setImmediate(() => resolve(LATE))), patienceMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
