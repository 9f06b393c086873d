import type { Ask } from "../app/bridge/ready-queue.ts";
import type { Lane, ReadyLane } from "../domain/offer.ts";

/** What a replica tells the service about a lane. */
export interface Batch {
  readonly lane: Lane;
  /** Jobs that became ready or were not claimed after all; in no order. */
  readonly seqs: readonly number[];
  /** Set: jobs after this number may be missing from the service, so it must look them up. */
  readonly lostAfter: number | undefined;
}

/** What the service had for an ask. */
export interface Found {
  readonly lane: Lane;
  /** Taken out of the service: nobody else gets them. Lowest first. */
  readonly seqs: readonly number[];
  /**
   * Set: the service does not know all of the lane, so if these are not enough the ledger is
   * searched, after this number or, if `memory`, from where this replica's searches stand.
   */
  readonly searchAfter: number | "memory" | undefined;
  /** Nothing is left in the service. */
  readonly empty: boolean;
}

/**
 * A service that all replicas share and that holds the numbers of ready jobs by lane. It may lose
 * or repeat anything; it may not answer. Methods reject when it is away.
 *
 * Calls take effect in the order in which they are made.
 */
export interface LaneService {
  /** Begins to connect. Does not wait and does not throw. */
  start(): void;
  /** Resolves when the service is there and ready to be used. */
  probe(): Promise<void>;
  add(batches: readonly Batch[]): Promise<void>;
  take(asks: readonly Ask[]): Promise<readonly Found[]>;
  /** The ledger has had these oldest jobs for two looks: if the service lacks them, see to it. */
  check(stuck: readonly ReadyLane[]): Promise<void>;
  /** A search of this lane in the ledger saw its end. */
  searched(lane: Lane): void;
  stop(): Promise<void>;
}
