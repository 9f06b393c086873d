import { FairTurns } from "../../domain/flow/fair-turns.ts";

interface Waiting {
  readonly weight: number;
  readonly enter: () => void;
}

/** How long a turn is kept for a tenant that is expected back, in milliseconds. */
const KEPT_MS = 20;

/**
 * Lets a few claims of different tenants be under way at once, and while more wait, in proportion
 * to their tenants' weights. A tenant has one claim at a time, so nobody waits twice.
 *
 * Who comes from a claim that gave it jobs is about to want the next one. It counts as if it
 * waited already: otherwise whoever waits would always be next, and the weights would count for
 * nothing.
 */
export class ClaimTurns {
  readonly #atOnce: number;
  readonly #fair = new FairTurns();
  readonly #waiting = new Map<string, Waiting>();
  /** The weights of tenants that are expected back. */
  readonly #expected = new Map<string, number>();
  /** Turns that are kept for tenants that were expected, and when that ends. */
  readonly #kept = new Map<string, NodeJS.Timeout>();
  #under = 0;

  /** @param atOnce how many claims may be under way; at least 1. */
  constructor(atOnce: number) {
    this.#atOnce = Math.max(1, atOnce);
  }

  /** Waits for the tenant's turn; call what it resolves to when the claim is over. */
  async enter(tenant: string, weight: number): Promise<(jobs: number) => void> {
    this.#expected.delete(tenant);
    if (!this.#takeKept(tenant)) {
      await new Promise<void>((enter) => {
        this.#waiting.set(tenant, { weight, enter });
        this.#next();
      });
    }
    return (jobs) => {
      this.#under -= 1;
      this.#fair.spent(tenant, jobs, weight);
      if (jobs > 0) this.#expected.set(tenant, weight);
      this.#next();
    };
  }

  /** The tenant wants nothing for now. Call it whenever nothing follows a claim. */
  rests(tenant: string): void {
    this.#expected.delete(tenant);
    if (!this.#takeKept(tenant)) return;
    this.#under -= 1;
    this.#next();
  }

  #takeKept(tenant: string): boolean {
    clearTimeout(this.#kept.get(tenant));
    return this.#kept.delete(tenant);
  }

  #next(): void {
    while (this.#under < this.#atOnce && this.#waiting.size > 0) {
      const weights = new Map(this.#expected);
      for (const [tenant, { weight }] of this.#waiting) weights.set(tenant, weight);
      const tenant = this.#fair.next(weights);
      if (tenant === undefined) return;
      this.#under += 1;
      const waiting = this.#waiting.get(tenant);
      if (waiting !== undefined) {
        this.#waiting.delete(tenant);
        waiting.enter();
        continue;
      }
      this.#expected.delete(tenant);
      this.#kept.set(
        tenant,
        setTimeout(() => this.rests(tenant), KEPT_MS),
      );
    }
  }
}
