import type { Candidate, LaneFilter, ReadyQueue } from "../app/bridge/ready-queue.ts";
import type { Lane, ReadyLane } from "../domain/offer.ts";

interface Entry {
  readonly lane: Lane;
  /** Claims read from here on. */
  watermark: number;
  /** Whether there may be work behind the watermark. */
  active: boolean;
  /** The lowest place announced since the last candidates(), so that a claim keeps it in sight. */
  announced: number;
  /** The oldest job that a look at the table found before the watermark, once. */
  suspect: number | undefined;
}

/** The watermark of a lane that nobody has looked at. */
const UNKNOWN = Number.MAX_SAFE_INTEGER;

const keyOf = (lane: Lane) => `${lane.queue}\0${lane.jobType}\0${lane.priority}`;

/**
 * The ready queue on Postgres: the table `ready` is the queue, and this remembers for each lane
 * whether it is worth a look and from where.
 *
 * The watermark is what keeps a claim's cost flat: rows before it were claimed, and their dead
 * tuples (which an old transaction keeps vacuum from removing) are not walked over again. What
 * commits late, behind the watermark, is announced with its number by whoever committed it, and
 * found by `discovered` should the announcement be lost.
 */
export class PostgresReadyQueue implements ReadyQueue {
  readonly #tenants = new Map<string, Map<string, Entry>>();

  candidates(tenant: string, filter: LaneFilter): Candidate[] {
    const entries = this.#tenants.get(tenant);
    if (entries === undefined) return [];
    const candidates: Candidate[] = [];
    for (const entry of entries.values()) {
      const { lane, watermark, active } = entry;
      if (active && filter.queues.has(lane.queue) && filter.jobTypes.has(lane.jobType)) {
        entry.announced = UNKNOWN;
        candidates.push({ lane, watermark });
      }
    }
    return candidates;
  }

  ready(lanes: readonly ReadyLane[]): void {
    for (const { minSeq, ...lane } of lanes) {
      const entry = this.#entry(lane);
      entry.watermark = Math.min(entry.watermark, minSeq - 1);
      entry.announced = Math.min(entry.announced, minSeq - 1);
      entry.active = true;
    }
  }

  claimed(
    candidates: readonly Candidate[],
    taken: readonly { readonly lane: Lane; readonly seq: number }[],
    exhausted: boolean,
  ): void {
    const newest = new Map<string, number>();
    for (const { lane, seq } of taken) {
      newest.set(keyOf(lane), Math.max(newest.get(keyOf(lane)) ?? 0, seq));
    }
    for (const { lane } of candidates) {
      const entry = this.#entry(lane);
      entry.watermark = Math.min(newest.get(keyOf(lane)) ?? entry.watermark, entry.announced);
      if (exhausted && entry.announced === UNKNOWN) entry.active = false;
    }
  }

  forget(tenant: string): void {
    this.#tenants.delete(tenant);
  }

  discovered(tenant: string, found: readonly ReadyLane[]): void {
    const seen = new Set<string>();
    for (const lane of found) {
      seen.add(keyOf(lane));
      const entry = this.#entry(lane);
      if (lane.minSeq > entry.watermark) {
        if (!entry.active) this.ready([{ ...lane, minSeq: entry.watermark + 1 }]);
      } else if (entry.watermark === UNKNOWN || entry.suspect === lane.minSeq) {
        // Seen twice, so it is not a claim in flight: it was committed late, or given back.
        this.ready([lane]);
        entry.suspect = undefined;
      } else {
        entry.suspect = lane.minSeq;
      }
    }
    const entries = this.#tenants.get(tenant);
    for (const [key, entry] of entries ?? []) {
      if (!entry.active && !seen.has(key)) entries?.delete(key);
    }
  }

  #entry(lane: Lane): Entry {
    let entries = this.#tenants.get(lane.tenant);
    if (entries === undefined) {
      entries = new Map();
      this.#tenants.set(lane.tenant, entries);
    }
    let entry = entries.get(keyOf(lane));
    if (entry === undefined) {
      const { tenant, queue, jobType, priority } = lane;
      entry = {
        lane: { tenant, queue, jobType, priority },
        watermark: UNKNOWN,
        active: false,
        announced: UNKNOWN,
        suspect: undefined,
      };
      entries.set(keyOf(lane), entry);
    }
    return entry;
  }
}
