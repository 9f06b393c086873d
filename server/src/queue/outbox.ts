import { type Lane, laneKey } from "../domain/offer.ts";
import type { Batch } from "./lane-service.ts";

/** The most numbers held while the service is away; then lanes are noted as lost instead. */
const MAX_SEQS = 100_000;

/** The most lanes held; what does not fit is found by the look at the ledger. */
const MAX_LANES = 20_000;

interface Pending {
  readonly lane: Lane;
  seqs: number[];
  lostAfter: number | undefined;
}

/** What the service has not been told yet, by lane; bounded. */
export class Outbox {
  #lanes = new Map<string, Pending>();
  #seqs = 0;

  get isEmpty(): boolean {
    return this.#lanes.size === 0;
  }

  /** Holds jobs for the service; too many become a loss from the lowest on. */
  add(lane: Lane, seqs: readonly number[]): void {
    const pending = this.#pending(lane);
    if (pending === undefined) return;
    if (this.#seqs + seqs.length > MAX_SEQS) {
      this.lose(lane, lowest(seqs) - 1);
      return;
    }
    for (const seq of seqs) pending.seqs.push(seq);
    this.#seqs += seqs.length;
  }

  /** Jobs of a lane after a number may be missing from the service. */
  lose(lane: Lane, after: number): void {
    const pending = this.#pending(lane);
    if (pending === undefined) return;
    pending.lostAfter = Math.min(pending.lostAfter ?? after, after);
    const before = pending.seqs.length;
    const { lostAfter } = pending;
    pending.seqs = pending.seqs.filter((seq) => seq <= lostAfter);
    this.#seqs -= before - pending.seqs.length;
  }

  /** Everything held; it is held no more. */
  empty(): Batch[] {
    const batches = [...this.#lanes.values()];
    this.#lanes = new Map();
    this.#seqs = 0;
    return batches;
  }

  /** Holds again what could not be told. */
  putBack(batches: readonly Batch[]): void {
    for (const { lane, seqs, lostAfter } of batches) {
      if (seqs.length > 0) this.add(lane, seqs);
      if (lostAfter !== undefined) this.lose(lane, lostAfter);
    }
  }

  #pending(lane: Lane): Pending | undefined {
    const key = `${lane.tenant}\0${laneKey(lane)}`;
    let pending = this.#lanes.get(key);
    if (pending === undefined && this.#lanes.size < MAX_LANES) {
      pending = { lane, seqs: [], lostAfter: undefined };
      this.#lanes.set(key, pending);
    }
    return pending;
  }
}

/** The lowest of some numbers; a spread of 100,000 would not fit on the stack. */
export const lowest = (seqs: readonly number[]): number =>
  seqs.reduce((least, seq) => Math.min(least, seq), Number.MAX_SAFE_INTEGER);
