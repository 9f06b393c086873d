import type { LeaseRef, Offer } from "../gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import type { AbortReason } from "../job-errors.ts";

/**
 * Where a lease stands in this worker:
 * - offered: its accept has no answer yet, the handler has not begun
 * - running: the handler runs
 * - stopping: the handler runs and was asked to stop, the lease is still ours
 * - lingering: the handler still runs although the lease is lost
 * - reporting: the handler is done with, the server has not answered the outcome yet
 */
export type LeaseState = "offered" | "running" | "stopping" | "lingering" | "reporting";

/** What can happen to a lease. */
export type LeaseEvent =
  /** The server applied the accept, or the lease came active. */
  | "accepted"
  /** The server refused the accept. */
  | "refused"
  /** The handler is asked to stop. */
  | "stop"
  /** The job moved on without this lease. */
  | "lost"
  /** The handler ended, or will never begin. */
  | "finished"
  /** The handler ignored its signal until the grace was over. */
  | "gave_up"
  /** The server answered the outcome. */
  | "answered";

/** Every legal move; an absent entry is illegal. "gone" leaves the table. */
export const leaseMoves: Readonly<
  Record<LeaseState, Partial<Record<LeaseEvent, LeaseState | "gone">>>
> = {
  offered: { accepted: "running", refused: "gone", lost: "gone", finished: "reporting" },
  running: { stop: "stopping", lost: "lingering", finished: "reporting" },
  stopping: { lost: "lingering", finished: "reporting", gave_up: "reporting" },
  lingering: { finished: "gone", gave_up: "gone" },
  reporting: { answered: "gone" },
};

/** A lease that this worker holds, or held until its handler ends. */
export interface HeldLease {
  readonly key: string;
  readonly ref: LeaseRef;
  readonly offer: Offer;
  state: LeaseState | "gone";
  /** Why the handler was asked to stop, the first reason. */
  abortReason?: AbortReason;
  /** Aborts the handler's signal; set while it runs. */
  controller?: AbortController;
  /** The attempt's deadline or the grace of its stop. */
  timer?: NodeJS.Timeout | undefined;
}

/** The key of a lease: a job can be here twice, under an old epoch and its successor. */
export const leaseKey = (jobId: string, leaseEpoch: bigint): string => `${jobId}#${leaseEpoch}`;

/** The leases of one worker, each moved along its state machine. */
export class LeaseTable {
  readonly #leases = new Map<string, HeldLease>();
  /** The newest lease of each job. */
  readonly #newest = new Map<string, HeldLease>();
  readonly #counts: Record<LeaseState, number> = {
    offered: 0,
    running: 0,
    stopping: 0,
    lingering: 0,
    reporting: 0,
  };
  readonly #changed: () => void;

  /** @param changed called after every change */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get size(): number {
    return this.#leases.size;
  }

  get(jobId: string, leaseEpoch: bigint): HeldLease | undefined {
    return this.#leases.get(leaseKey(jobId, leaseEpoch));
  }

  add(offer: Offer, ref: LeaseRef): HeldLease {
    const key = leaseKey(ref.jobId, ref.leaseEpoch);
    const lease: HeldLease = { key, ref, offer, state: "offered" };
    this.#leases.set(key, lease);
    this.#newest.set(ref.jobId, lease);
    this.#counts.offered++;
    this.#changed();
    return lease;
  }

  /** Moves a lease; false if the event means nothing in its state. */
  move(lease: HeldLease, event: LeaseEvent): boolean {
    const next = lease.state === "gone" ? undefined : leaseMoves[lease.state][event];
    if (next === undefined) return false;
    if (lease.state !== "gone") this.#counts[lease.state]--;
    lease.state = next;
    if (next === "gone") this.#forget(lease);
    else this.#counts[next]++;
    this.#changed();
    return true;
  }

  /** The leases in any of these states, oldest first. */
  in(...states: readonly LeaseState[]): HeldLease[] {
    return [...this.#leases.values()].filter(
      (lease) => lease.state !== "gone" && states.includes(lease.state),
    );
  }

  /** How many leases are in any of these states. */
  count(...states: readonly LeaseState[]): number {
    return states.reduce((sum, state) => sum + this.#counts[state], 0);
  }

  /** The newest lease of a job that this worker knows. */
  newestOf(jobId: string): HeldLease | undefined {
    return this.#newest.get(jobId);
  }

  #forget(lease: HeldLease): void {
    this.#leases.delete(lease.key);
    if (this.#newest.get(lease.ref.jobId) === lease) this.#newest.delete(lease.ref.jobId);
  }
}
