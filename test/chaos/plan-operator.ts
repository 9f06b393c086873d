import { JobMaker, type PlannedJob, SOURCE } from "./planned-jobs.ts";
import type { Seeded } from "./seeded.ts";

/** What a bulk operation does, and to which jobs. */
export type PlannedBulk =
  /** Dead letters: of a job type, or of the source. */
  | { readonly action: "retry"; readonly jobType?: string; readonly source?: string }
  | { readonly action: "discard"; readonly jobType: string }
  | { readonly action: "reprioritise"; readonly jobType: string; readonly priority: number }
  | { readonly action: "extend deadline"; readonly jobType: string }
  /** Those with a label. */
  | { readonly action: "cancel"; readonly herd: string };

/** What an operator does. */
export type OperatorOperation =
  | { readonly kind: "bulk"; readonly bulk: PlannedBulk; readonly perSecond: number }
  /** Jobs that start late, and that are cancelled by their label before most of them do. */
  | {
      readonly kind: "cull";
      readonly herd: string;
      readonly jobs: readonly PlannedJob[];
      readonly afterMs: number;
    }
  /** One of the task runners that are there by then. */
  | {
      readonly kind: "take out";
      readonly draw: number;
      readonly move: boolean;
      readonly forMs: number;
    };

/** Invents what the operator of one tenant does. */
export class OperatorDraft {
  readonly #random: Seeded;
  readonly #jobs: JobMaker;

  constructor(random: Seeded, tenant: string) {
    this.#random = random;
    this.#jobs = new JobMaker(`${tenant}/o`);
  }

  next(): OperatorOperation {
    const draw = this.#random.next();
    if (draw < 0.2) return this.#cull();
    if (draw < 0.55) {
      const move = this.#random.chance(0.6);
      const forMs = this.#random.between(500, 4_000);
      return { kind: "take out", draw: this.#random.next(), move, forMs };
    }
    const perSecond = this.#random.chance(0.3) ? 20 : 0;
    return { kind: "bulk", bulk: this.#bulk(), perSecond };
  }

  #bulk(): PlannedBulk {
    const draw = this.#random.next();
    if (draw < 0.35) return { action: "retry", source: SOURCE };
    if (draw < 0.45) return { action: "retry", jobType: "chaos.flaky" };
    if (draw < 0.6) return { action: "retry", jobType: "chaos.hopeless" };
    if (draw < 0.7) return { action: "discard", jobType: "chaos.hopeless" };
    if (draw < 0.8) return { action: "extend deadline", jobType: "chaos.work" };
    const priority = this.#random.between(0, 5);
    return { action: "reprioritise", jobType: "chaos.work", priority };
  }

  #cull(): OperatorOperation {
    const herd = this.#jobs.nonce();
    const jobs = Array.from({ length: this.#random.between(5, 15) }, () =>
      this.#jobs.job("chaos.work", {
        workMs: this.#random.between(0, 1_000),
        delayMs: this.#random.between(0, 4_000),
        herd,
      }),
    );
    return { kind: "cull", herd, jobs, afterMs: this.#random.between(0, 2_000) };
  }
}
