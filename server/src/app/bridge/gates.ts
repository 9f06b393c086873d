import type { Runner } from "../../domain/fleet.ts";
import type { Blocked } from "../../domain/flow/blocked.ts";
import type { Lane } from "../../domain/offer.ts";
import type { Claim, Usage } from "./claim.ts";
import type { Ask, Candidate } from "./ready-queue.ts";

/** An ask with its lane's place among the others. */
export interface RankedAsk extends Ask {
  /** Larger goes first; equals by age. */
  readonly rank: number;
}

/** A lane that may not go now, and why. */
export interface BlockedLane {
  readonly lane: Lane;
  readonly by: Blocked;
}

/** What flow control lets a claim do. */
export interface FlowPlan {
  /** See {@link Claim}; undefined also when nothing may go. */
  readonly exact: Claim["exact"];
  /**
   * How much of which lane; nothing if nothing may go. The last call counts.
   *
   * @param usage what is out; only with `exact`.
   */
  readonly allot: (usage: Usage | undefined) => readonly RankedAsk[];
  /** What was held back so far, each lane once. */
  readonly blocked: () => readonly BlockedLane[];
  /**
   * After a claim that took nothing: lanes that nothing is known to hold back and that it did not
   * try, because there were too many, or because others were given what they share. Plan again
   * with these, and only these.
   */
  readonly passedOver: () => readonly Candidate[];
  /** Call it once, at the end, with the lane of each job that was taken: the rest is given back. */
  readonly settle: (taken: readonly Lane[]) => void;
}

/** Flow control, as dispatch sees it. */
export interface Gates {
  /** Decides about a claim of up to `limit` jobs from these lanes. */
  readonly plan: (
    tenant: string,
    candidates: readonly Candidate[],
    limit: number,
  ) => Promise<FlowPlan>;
  /** Those of these lanes whose ready jobs wait for nothing but a free slot. Takes nothing. */
  readonly open: (tenant: string, lanes: readonly Lane[]) => Promise<readonly Lane[]>;
  /** Waits until it is known who is taken out. Fails if the ledger cannot be reached. */
  readonly known: (tenant: string) => Promise<unknown>;
  /** Whether a task runner is taken out, as far as is known: it gets nothing. */
  readonly takenOut: (tenant: string, runner: Runner) => boolean;
  /** A tenant's share of this replica against others with a backlog. */
  readonly weight: (tenant: string) => number;
}
