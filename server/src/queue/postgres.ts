import type {
  Ask,
  Candidate,
  ClaimRange,
  LaneFilter,
  ReadyQueue,
  TakenJob,
} from "../app/bridge/ready-queue.ts";
import type { ReadyLane } from "../domain/offer.ts";
import { END_OF_LANE, LaneMemory } from "./lane-memory.ts";

/**
 * The ready queue on Postgres: the table `ready` is the queue, and a replica remembers for each
 * lane whether it is worth a look and from where on.
 */
export class PostgresReadyQueue implements ReadyQueue {
  readonly #memory: LaneMemory;

  constructor(memory = new LaneMemory()) {
    this.#memory = memory;
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {}

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
    return whole ? asks.map(fromTheBeginning) : asks.map((ask) => this.#memory.search(ask));
  }

  claimed(ranges: readonly ClaimRange[], taken: readonly TakenJob[], uncut: boolean): boolean {
    this.#memory.claimed(ranges, taken, uncut);
    return false;
  }

  ready(lanes: readonly ReadyLane[], _here: boolean): void {
    this.#memory.ready(lanes);
  }

  discovered(tenant: string, found: readonly ReadyLane[]): void {
    this.#memory.discovered(tenant, found);
  }
}

/** A search that passes nothing over and leaves no trace. */
export const fromTheBeginning = ({ lane, limit }: Ask): ClaimRange => ({
  lane,
  after: 0,
  upTo: END_OF_LANE,
  limit,
});
