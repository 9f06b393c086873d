import type { LeaseRef } from "../../domain/lease.ts";
import type { Offer } from "../../domain/offer.ts";

interface Held {
  readonly lease: LeaseRef;
  readonly pool: string;
  accepted: boolean;
}

/**
 * What a session's worker has in its hands, by job: the count against its slots. A job counts from
 * the moment it is offered until its worker says it is done with it.
 */
export class HeldLeases {
  readonly #byJob = new Map<string, Held>();
  readonly #perPool = new Map<string, number>();

  /** How many jobs a pool holds. */
  count(pool: string): number {
    return this.#perPool.get(pool) ?? 0;
  }

  /** Adds offers, or leases that need no accept. */
  offer(pool: string, offers: readonly Offer[], accepted: boolean): void {
    for (const { lease } of offers) this.#add({ lease, pool, accepted });
  }

  /** Adds a lease that the worker brought along from an earlier stream. */
  resume(pool: string, lease: LeaseRef): void {
    this.#add({ lease, pool, accepted: true });
  }

  /** Notes that offers were accepted. */
  accept(lease: LeaseRef): void {
    const held = this.#find(lease);
    if (held !== undefined) held.accepted = true;
  }

  /** Whether the lease is in here under the same epoch. */
  has(jobId: string, leaseEpoch: number): boolean {
    return this.#byJob.get(jobId)?.lease.leaseEpoch === leaseEpoch;
  }

  /** Takes a lease away; answers the pool it was in, or undefined if it was not here. */
  remove(lease: LeaseRef): string | undefined {
    const held = this.#find(lease);
    if (held === undefined) return undefined;
    this.#byJob.delete(lease.jobId);
    this.#perPool.set(held.pool, this.count(held.pool) - 1);
    return held.pool;
  }

  /** The leases whose offers nobody answered. */
  unaccepted(): LeaseRef[] {
    return [...this.#byJob.values()].filter((held) => !held.accepted).map((held) => held.lease);
  }

  #add(held: Held): void {
    const before = this.#byJob.get(held.lease.jobId);
    if (before !== undefined) this.remove(before.lease);
    this.#byJob.set(held.lease.jobId, held);
    this.#perPool.set(held.pool, this.count(held.pool) + 1);
  }

  #find(lease: LeaseRef): Held | undefined {
    const held = this.#byJob.get(lease.jobId);
    return held?.lease.leaseEpoch === lease.leaseEpoch ? held : undefined;
  }
}
