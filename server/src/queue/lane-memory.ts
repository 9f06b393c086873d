import type {
  Ask,
  Candidate,
  ClaimRange,
  LaneFilter,
  TakenJob,
} from "../app/bridge/ready-queue.ts";
import { type Lane, laneKey, type ReadyLane } from "../domain/offer.ts";

/** The end of a range that goes on to the end of its lane. */
export const END_OF_LANE = Number.MAX_SAFE_INTEGER;

/** The most lanes remembered for a tenant; what does not fit is found by the next look. */
const MAX_LANES = 10_000;

/** Rounds of a lane that are watched at once; one that never ends falls out. */
const MAX_WATCHES = 8;

/** How many lanes are looked at for one that can be forgotten. */
const MAX_PASSED_OVER = 64;

/** Nothing was announced; also the watermark of a lane that nobody has looked at. */
const UNKNOWN = Number.MAX_SAFE_INTEGER;

/** What is announced while a claim is under way, so that the claim does not hide it. */
export interface Watch {
  lowest: number;
}

interface Entry {
  readonly lane: Lane;
  /** Searches read from here on. */
  watermark: number;
  /** Whether there may be work. */
  active: boolean;
  readonly watches: Watch[];
  /** The oldest job that the last look at the ledger found. */
  oldest: number | undefined;
  /** Since when it waits, in the caller's milliseconds; undefined: since the next `candidates`. */
  waitsSince: number | undefined;
  /** Served since it was last passed over by {@link LaneMemory} making room. */
  used: boolean;
}

/**
 * What a replica remembers of the lanes of the tenants it works for: which may have work, and
 * from where on to search each in the ledger. Bounded; it may forget anything.
 *
 * The watermark is what keeps a search's cost flat: rows before it were claimed, and their dead
 * tuples (which an old transaction keeps vacuum from removing) are not walked over again. What
 * commits late, behind the watermark, is announced with its number by whoever committed it, and
 * found by `discovered` should the announcement be lost.
 */
export class LaneMemory {
  readonly #tenants = new Map<string, Map<string, Entry>>();
  readonly #searches = new WeakMap<ClaimRange, Watch>();
  readonly #maxLanes: number;

  constructor(maxLanes = MAX_LANES) {
    this.#maxLanes = maxLanes;
  }

  /** Remembers this tenant's lanes from now on. */
  attend(tenant: string): void {
    if (!this.#tenants.has(tenant)) this.#tenants.set(tenant, new Map());
  }

  /** Forgets a tenant. */
  forget(tenant: string): void {
    this.#tenants.delete(tenant);
  }

  /** The lanes that may have work for a pool. */
  candidates(tenant: string, filter: LaneFilter, nowMs: number): Candidate[] {
    this.attend(tenant);
    const candidates: Candidate[] = [];
    for (const entry of this.#tenants.get(tenant)?.values() ?? []) {
      if (!entry.active) continue;
      entry.waitsSince ??= nowMs;
      const { lane, waitsSince } = entry;
      if (!filter.queues.has(lane.queue) || !filter.jobTypes.has(lane.jobType)) continue;
      candidates.push({ lane, waitedMs: nowMs - waitsSince });
    }
    return candidates;
  }

  /** Jobs became ready in lanes; those of tenants that nobody attends to are not remembered. */
  ready(lanes: readonly ReadyLane[]): void {
    for (const lane of lanes) {
      if (!this.#tenants.has(lane.tenant)) continue;
      const entry = this.#entry(lane);
      const before = lane.minSeq - 1;
      entry.watermark = Math.min(entry.watermark, before);
      for (const watch of entry.watches) watch.lowest = Math.min(watch.lowest, before);
      activate(entry);
    }
  }

  /** A lane may have work, wherever in it. */
  wake(lane: Lane): void {
    if (this.#tenants.has(lane.tenant)) activate(this.#entry(lane));
  }

  /** Begins a round: what is announced from now on keeps the lane awake. */
  watch(lane: Lane): Watch {
    const watch: Watch = { lowest: UNKNOWN };
    const entry = this.#find(lane);
    entry?.watches.push(watch);
    if (entry !== undefined && entry.watches.length > MAX_WATCHES) entry.watches.shift();
    return watch;
  }

  /** Ends a round; `empty`: nothing is left in the lane but what was announced meanwhile. */
  unwatch(lane: Lane, watch: Watch, empty: boolean): void {
    const entry = this.#find(lane);
    const place = entry?.watches.indexOf(watch) ?? -1;
    if (entry === undefined || place < 0) return;
    entry.watches.splice(place, 1);
    if (empty && watch.lowest === UNKNOWN) entry.active = false;
  }

  /** Where the next search of a lane begins: after this number. */
  place(lane: Lane): number {
    const watermark = this.#find(lane)?.watermark ?? 0;
    return watermark === UNKNOWN ? 0 : watermark;
  }

  /** A search of the ledger, from the watermark or from `after`, that begins a round. */
  search({ lane, limit }: Pick<Ask, "lane" | "limit">, after?: number): ClaimRange {
    const entry = this.#find(lane);
    if (entry?.watermark === UNKNOWN) entry.watermark = 0;
    const range = { lane, after: after ?? this.place(lane), upTo: END_OF_LANE, limit };
    this.#searches.set(range, this.watch(lane));
    return range;
  }

  /**
   * Ends the rounds of searches; other ranges count only as lanes that were served.
   *
   * @param uncut the claim took all that is there, up to the limits of the ranges.
   * @returns the searches that saw the end of their lanes.
   */
  claimed(
    ranges: readonly ClaimRange[],
    taken: readonly TakenJob[],
    uncut: boolean,
  ): Set<ClaimRange> {
    const seqs = seqsByLane(taken);
    const ended = new Set<ClaimRange>();
    for (const range of ranges) {
      const entry = this.#find(range.lane);
      if (entry === undefined) continue;
      const got = seqs.get(laneKey(range.lane)) ?? [];
      if (got.length > 0) {
        entry.waitsSince = undefined;
        entry.used = true;
      }
      const watch = this.#searches.get(range);
      if (watch === undefined) continue;
      const found = got.filter((seq) => seq > range.after);
      const isEnd = uncut && found.length < range.limit;
      if (isEnd) ended.add(range);
      if (!entry.watches.includes(watch)) continue;
      const last = found.reduce((most, seq) => Math.max(most, seq), 0);
      if (last > 0) entry.watermark = Math.max(entry.watermark, last);
      // Perhaps it failed, and another round has passed what this one was to take.
      else if (!uncut) entry.watermark = Math.min(entry.watermark, range.after);
      entry.watermark = Math.min(entry.watermark, watch.lowest);
      if (!isEnd) activate(entry);
      this.unwatch(range.lane, watch, isEnd);
    }
    return ended;
  }

  /** Every lane may have work anywhere: what was known rested on something that is gone. */
  rewind(): void {
    for (const entries of this.#tenants.values()) {
      for (const entry of entries.values()) {
        entry.watermark = 0;
        activate(entry);
      }
    }
  }

  /**
   * A look at the ledger found these lanes of a tenant and no others. Answers those whose oldest
   * job is the same as at the last look: no claim in flight takes that long.
   */
  discovered(tenant: string, found: readonly ReadyLane[]): ReadyLane[] {
    this.attend(tenant);
    const seen = new Set<string>();
    const stuck: ReadyLane[] = [];
    for (const lane of found) {
      seen.add(laneKey(lane));
      const entry = this.#entry(lane);
      const isStuck = entry.oldest === lane.minSeq;
      entry.oldest = lane.minSeq;
      if (isStuck) stuck.push(lane);
      if (lane.minSeq > entry.watermark) activate(entry);
      // Behind the watermark it was committed late or given back, or is a claim in flight.
      else if (entry.watermark === UNKNOWN || isStuck) this.ready([lane]);
    }
    const entries = this.#tenants.get(tenant);
    for (const [key, entry] of entries ?? []) {
      if (seen.has(key)) continue;
      entry.oldest = undefined;
      if (!entry.active) entries?.delete(key);
    }
    return stuck;
  }

  #find(lane: Lane): Entry | undefined {
    return this.#tenants.get(lane.tenant)?.get(laneKey(lane));
  }

  #entry(given: Lane): Entry {
    const known = this.#find(given);
    if (known !== undefined) return known;
    const { tenant, queue, jobType, priority, source, concurrencyKey } = given;
    const entry: Entry = {
      lane: { tenant, queue, jobType, priority, source, concurrencyKey },
      watermark: UNKNOWN,
      active: false,
      watches: [],
      oldest: undefined,
      waitsSince: undefined,
      used: false,
    };
    const entries = this.#tenants.get(tenant) ?? new Map<string, Entry>();
    this.#tenants.set(tenant, entries);
    if (entries.size >= this.#maxLanes) makeRoom(entries);
    entries.set(laneKey(given), entry);
    return entry;
  }
}

/** What a claim took, by {@link laneKey}. */
export function seqsByLane(taken: readonly TakenJob[]): Map<string, number[]> {
  const seqs = new Map<string, number[]>();
  for (const { lane, seq } of taken) {
    const key = laneKey(lane);
    const list = seqs.get(key);
    if (list === undefined) seqs.set(key, [seq]);
    else list.push(seq);
  }
  return seqs;
}

function activate(entry: Entry): void {
  if (entry.active) return;
  entry.active = true;
  entry.waitsSince = undefined;
}

/** Forgets a lane near the beginning that rests, or else one that was not served lately. */
function makeRoom(entries: Map<string, Entry>): void {
  const first = [...take(entries, MAX_PASSED_OVER)];
  const victim = first.find(([, { active }]) => !active) ?? first.find(([, { used }]) => !used);
  // Those before it have had their second chance.
  for (const [key, entry] of first) {
    entries.delete(key);
    if (key === victim?.[0]) return;
    entry.used = false;
    entries.set(key, entry);
  }
  const [oldest] = entries.keys();
  if (oldest !== undefined) entries.delete(oldest);
}

function* take<T>(all: Iterable<T>, count: number): Iterable<T> {
  let taken = 0;
  for (const one of all) {
    if (taken === count) return;
    taken += 1;
    yield one;
  }
}
