import type { Lane, Offer } from "../../domain/offer.ts";
import type { ClaimRange } from "./ready-queue.ts";

/** A range to claim from, its place among the others, and the clocks of its job type in ms. */
export interface RankedRange extends ClaimRange {
  /** Larger goes first; ranges of the same rank go by age. */
  readonly rank: number;
  readonly ttlMs: number;
  readonly deadlineMs: number;
}

/** How many leases are out for jobs of one kind; a kind is a lane without its priority. */
export interface ActiveLeases {
  readonly queue: string;
  readonly jobType: string;
  readonly source: string;
  readonly concurrencyKey: string;
  readonly count: number;
}

/** Quotas that are counted by windows of time. */
export type WindowQuota = "jobsPerHour" | "jobsPerDay";

/** What limits are held against, read while no other claim of the tenant can change it. */
export interface Usage {
  readonly active: readonly ActiveLeases[];
  /** What was handed out in the current windows. */
  readonly handedOut: Readonly<Record<WindowQuota, number>>;
}

/**
 * Says where to claim. With `usage` it is called inside of the claim's transaction, and possibly
 * again when that lost a race; only the last answer counts.
 */
export type ChooseRanges = (usage: Usage | undefined) => Promise<readonly RankedRange[]>;

/**
 * Claim sizes that have a statement of their own. A claim is of the largest that the free slots
 * allow, and comes again for the rest; a larger one would make other claimants of a tenant wait.
 */
export const CLAIM_SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256] as const;

/** The largest claim for so many free slots. */
export const claimSize = (free: number): number =>
  CLAIM_SIZES.findLast((size) => size <= free) ?? CLAIM_SIZES[0];

/** A claim for one worker. */
export interface Claim extends ClaimTerms {
  /**
   * Set: limits that must hold over all replicas apply, so claims of the tenant take turns and
   * `choose` is told what is out; the quotas named are counted.
   */
  readonly exact: { readonly quotas: readonly WindowQuota[] } | undefined;
  readonly choose: ChooseRanges;
}

/** What a claimant's side says about a claim. */
export interface ClaimTerms {
  readonly tenant: string;
  readonly workerId: string;
  readonly sessionId: string | undefined;
  /** One of {@link CLAIM_SIZES}. */
  readonly limit: number;
  readonly maxPayloadBytes: number;
  /** How long offers wait for their accept, in milliseconds. */
  readonly offerDeadlineMs: number;
  /** Set: the leases are active at once and the claim can be repeated under this id. */
  readonly requestId: string | undefined;
  /** Whether leases are active at once instead of offered; those of a request id always are. */
  readonly active: boolean;
}

/** A claimed job and where it stood in its lane. */
export interface Claimed {
  readonly offer: Offer;
  readonly lane: Lane;
  readonly seq: number;
}

/** What a claim answered. */
export interface ClaimAnswer {
  readonly claimed: readonly Claimed[];
  /** Whether it took all that is there, up to the limits of its ranges. */
  readonly exhausted: boolean;
  /** Whether these are leases of an earlier claim with the same request id. */
  readonly repeated: boolean;
}
