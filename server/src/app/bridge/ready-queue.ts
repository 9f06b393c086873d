import type { Lane, ReadyLane } from "../../domain/offer.ts";

/** What a pool of a worker takes. */
export interface LaneFilter {
  readonly queues: ReadonlySet<string>;
  readonly jobTypes: ReadonlySet<string>;
}

/** A lane that may have work. */
export interface Candidate {
  readonly lane: Lane;
  /** Milliseconds since it was last served here or became active here; for ageing. */
  readonly waitedMs: number;
}

/** How many jobs a claim would like from a lane. */
export interface Ask {
  readonly lane: Lane;
  /** The most that may be claimed of it. */
  readonly limit: number;
  /**
   * Its part of the claim; the shares of all asks are what the claim can take. A shared service
   * takes the shares out first and then, of lanes that have more, what others had too few of.
   */
  readonly share: number;
}

/** Jobs of a lane with `after < seq <= upTo`, at most `limit` of them. */
export interface ClaimRange {
  readonly lane: Lane;
  readonly after: number;
  readonly upTo: number;
  readonly limit: number;
}

/** A job that a claim took, and where it stood. */
export interface TakenJob {
  readonly lane: Lane;
  readonly seq: number;
}

/**
 * The ready jobs of a lane with `seq > after`, lowest first, at most `limit`: sequence numbers
 * only, without locks, committed ones only. What a shared service is refilled from; `limit` is at
 * most 4,096. Rejects when the ledger is away.
 */
export type ReadSeqs = (lane: Lane, after: number, limit: number) => Promise<readonly number[]>;

/**
 * Where to look for ready jobs. Only a hint: the ledger decides in the claim's transaction, and
 * an implementation that forgot everything finds it again through `discovered`, with or without
 * the service that it is on.
 *
 * One round is `candidates`, a choice among them, `locate`, the claim, `claimed`. Several rounds
 * may be under way at once.
 */
export interface ReadyQueue {
  /** Connects to the service, if there is one. Resolves when it is there or found to be away. */
  start(): Promise<void>;
  /** Gives back what was located and not claimed, and disconnects. May be called twice. */
  stop(): Promise<void>;
  /** Somebody here works for a tenant: its lanes are remembered until {@link forget}. */
  attend(tenant: string): void;
  /** Nobody here wants a tenant's jobs any more. */
  forget(tenant: string): void;
  /** The lanes of a tenant that may have work for a pool. `nowMs` is of any one steady clock. */
  candidates(tenant: string, filter: LaneFilter, nowMs: number): Candidate[];
  /**
   * Where to claim; nothing for a lane that turned out to be empty. All asks are of one tenant.
   * Never throws: an implementation whose service is away answers with a search of the ledger.
   * With a shared service this takes numbers out of it, so ask for what the claim can take: the
   * limits together at most its size. The lane of a range is the very object of its ask.
   *
   * @param whole search lanes from their beginning and remember nothing: a claimant that takes
   *   only small payloads leaves others behind.
   */
  locate(asks: readonly Ask[], whole: boolean): Promise<readonly ClaimRange[]>;
  /**
   * A claim over these ranges, the objects that `locate` answered, took these jobs. Call it after
   * every claim; after one that failed, with nothing taken and `exhausted` false.
   *
   * @param exhausted the claim took all that is there, up to the limits of the ranges: neither its
   *   own size nor somebody else's lock kept it from more.
   * @returns whether what was located had gone already and more is known: locate again at once.
   */
  claimed(ranges: readonly ClaimRange[], taken: readonly TakenJob[], exhausted: boolean): boolean;
  /**
   * Jobs became ready. Pass all of them if `here`; others only of tenants that are attended to.
   *
   * @param here they were committed by this replica, which alone publishes them to the service.
   *   A lane without `seqs` is then one of which everything from `minSeq` on has to be looked up.
   */
  ready(lanes: readonly ReadyLane[], here: boolean): void;
  /** A look at the ledger found these lanes of a tenant, and no others. Look once a second. */
  discovered(tenant: string, found: readonly ReadyLane[]): void;
}
