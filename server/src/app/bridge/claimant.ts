import type { Runner } from "../../domain/fleet.ts";
import type { Blocked } from "../../domain/flow/blocked.ts";
import type { Offer } from "../../domain/offer.ts";
import type { LaneFilter } from "./ready-queue.ts";

/** A pool of a claimant: what it takes and how many it may still get. */
export interface ClaimantPool extends LaneFilter {
  readonly name: string;
  /** Free slots right now. */
  readonly free: () => number;
}

/** Somebody who wants jobs: a session's stream, or a unary claim that waits. */
export interface Claimant extends Runner {
  readonly tenant: string;
  /** The session, if it is a stream. */
  readonly sessionId: string | undefined;
  readonly pools: readonly ClaimantPool[];
  /** Jobs with a larger inline payload are not for it. */
  readonly maxPayloadBytes: number;
  /** The id under which a unary claim can be repeated; its leases are active at once. */
  readonly claimRequestId: string | undefined;
  /** Whether it wants active leases instead of offers. */
  readonly leaseAtOnce: boolean;
  /** Takes claimed jobs; false: it is gone, and they go back. */
  readonly deliver: (pool: string, offers: readonly Offer[], repeated: boolean) => boolean;
  /** Told when it has free slots and gets nothing: what ready jobs wait for, or that none is. */
  readonly idle: (blocked: readonly Blocked[]) => void;
  /** Told once when it has no free slot and jobs that it takes wait for nothing else. */
  readonly full: () => void;
}
