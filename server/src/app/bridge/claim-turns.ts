import { FairTurns } from "../../domain/flow/fair-turns.ts";

interface Waiting {
  readonly weight: number;
  readonly enter: () => void;
}

/**
 * Lets a few claims of different tenants be under way at once, and while more wait, in proportion
 * to their tenants' weights. A tenant has one claim at a time, so nobody waits twice.
 */
export class ClaimTurns {
  readonly #atOnce: number;
  readonly #fair = new FairTurns();
  readonly #waiting = new Map<string, Waiting>();
  #under = 0;

  /** @param atOnce how many claims may be under way; at least 1. */
  constructor(atOnce: number) {
    this.#atOnce = Math.max(1, atOnce);
  }

  /** Waits for the tenant's turn; call what it resolves to when the claim is over. */
  async enter(tenant: string, weight: number): Promise<(jobs: number) => void> {
    await new Promise<void>((enter) => {
      this.#waiting.set(tenant, { weight, enter });
      this.#next();
    });
    return (jobs) => {
      this.#under -= 1;
      this.#fair.spent(tenant, jobs, weight);
      this.#next();
    };
  }

  #next(): void {
    while (this.#under < this.#atOnce && this.#waiting.size > 0) {
      const weights = new Map(Array.from(this.#waiting, ([key, { weight }]) => [key, weight]));
      const tenant = this.#fair.next(weights);
      const waiting = tenant === undefined ? undefined : this.#waiting.get(tenant);
      if (tenant === undefined || waiting === undefined) return;
      this.#waiting.delete(tenant);
      this.#under += 1;
      waiting.enter();
    }
  }
}
