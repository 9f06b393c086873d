import type { Lane, ReadyLane } from "../../domain/offer.ts";

/** What a pool of a worker takes. */
export interface LaneFilter {
  readonly queues: ReadonlySet<string>;
  readonly jobTypes: ReadonlySet<string>;
}

/** A lane that may have work, and where to look in it. */
export interface Candidate {
  readonly lane: Lane;
  /** Jobs with larger sequence numbers may be there. */
  readonly watermark: number;
}

/**
 * Where to look for ready jobs. Only a hint: the ledger decides in the claim's transaction, and
 * an implementation that forgot everything must find it again through `discovered`.
 */
export interface ReadyQueue {
  /** The lanes of a tenant that may have work for a pool; the next `claimed` is about these. */
  candidates(tenant: string, filter: LaneFilter): Candidate[];
  /** Jobs became ready. */
  ready(lanes: readonly ReadyLane[]): void;
  /**
   * A claim over `candidates` took these.
   *
   * @param exhausted whether it saw the end of all of them.
   */
  claimed(
    candidates: readonly Candidate[],
    taken: readonly { readonly lane: Lane; readonly seq: number }[],
    exhausted: boolean,
  ): void;
  /** Nobody here wants a tenant's jobs any more. */
  forget(tenant: string): void;
  /** A look at the ledger found these lanes of a tenant, and no others. */
  discovered(tenant: string, found: readonly ReadyLane[]): void;
}
