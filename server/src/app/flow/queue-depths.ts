/** What {@link QueueDepths} needs. */
export interface QueueDepthPorts {
  /** How many ready jobs a queue has, counted up to `atMost`. */
  readonly count: (tenant: string, queue: string, atMost: number) => Promise<number>;
  /** A clock that only goes forward, in milliseconds. */
  readonly nowMs: () => number;
}

/** Places that were taken in a queue. */
export interface Places {
  readonly granted: number;
  /** Call it once, when it is known how many of them hold a job that is in the ledger. */
  readonly settle: (used: number) => void;
}

/** A count is good for this long, in milliseconds. */
const FRESH_MS = 1_000;

/** A count that takes long is good for longer: counting may take up a twentieth of the time. */
const COST_FACTOR = 20;

/** Queues that are kept. One that is forgotten is counted again. */
const MAX_QUEUES = 10_000;

interface Entry {
  count: number;
  /** Places given out that the count may not have in it. */
  taken: number;
  /** Those of them of which nobody has said yet what became of them. */
  unsettled: number;
  countedUpTo: number;
  freshUntilMs: number;
  counting: Promise<void> | undefined;
}

/**
 * How full queues are, as far as this replica knows: a count about once a second, and what was
 * let in here since. Queues that nobody asks about cost nothing.
 */
export class QueueDepths {
  readonly #ports: QueueDepthPorts;
  readonly #entries = new Map<string, Entry>();

  constructor(ports: QueueDepthPorts) {
    this.#ports = ports;
  }

  /** Takes up to `wanted` places in a queue that may hold `maxDepth` ready jobs. */
  async take(tenant: string, queue: string, maxDepth: number, wanted: number): Promise<Places> {
    const entry = this.#entryOf(`${tenant}\0${queue}`);
    if (entry.freshUntilMs <= this.#ports.nowMs() || entry.countedUpTo < maxDepth) {
      entry.counting ??= this.#count(entry, tenant, queue, maxDepth).finally(() => {
        entry.counting = undefined;
      });
      await entry.counting;
    }
    const granted = Math.max(0, Math.min(wanted, maxDepth - entry.count - entry.taken));
    entry.taken += granted;
    entry.unsettled += granted;
    return {
      granted,
      settle: (used) => {
        entry.unsettled -= granted;
        entry.taken = Math.max(entry.unsettled, entry.taken - (granted - used));
      },
    };
  }

  async #count(entry: Entry, tenant: string, queue: string, maxDepth: number): Promise<void> {
    const startedMs = this.#ports.nowMs();
    // What is settled by now is committed, so the count has it; of the rest nobody can say.
    const settled = entry.taken - entry.unsettled;
    const count = await this.#ports.count(tenant, queue, maxDepth);
    const endedMs = this.#ports.nowMs();
    entry.count = count;
    entry.taken = Math.max(entry.unsettled, entry.taken - settled);
    entry.countedUpTo = maxDepth;
    entry.freshUntilMs = endedMs + Math.max(FRESH_MS, COST_FACTOR * (endedMs - startedMs));
  }

  #entryOf(key: string): Entry {
    const found = this.#entries.get(key);
    if (found !== undefined) return found;
    const entry: Entry = {
      count: 0,
      taken: 0,
      unsettled: 0,
      countedUpTo: -1,
      freshUntilMs: 0,
      counting: undefined,
    };
    this.#entries.set(key, entry);
    if (this.#entries.size > MAX_QUEUES) {
      const [oldest] = this.#entries.keys();
      if (oldest !== undefined) this.#entries.delete(oldest);
    }
    return entry;
  }
}
