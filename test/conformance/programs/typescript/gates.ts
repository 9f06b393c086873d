/** A Hold that waits for its Proceed. */
export interface Gate {
  /** Resolves with the Proceed. */
  readonly opened: Promise<void>;
  /** The Hold ended otherwise. */
  leave(): void;
}

interface Waiting {
  readonly jobId: string;
  readonly attempt: number;
  readonly open: () => void;
}

/** Brings Proceed commands to the Holds that wait for them; none is lost. */
export class Gates {
  readonly #waiting = new Set<Waiting>();
  #remembered: { jobId: string; attempt: number }[] = [];

  /** A Proceed; attempt 0 means any. */
  proceed(jobId: string, attempt: number): void {
    for (const waiting of this.#waiting) {
      if (!fits({ jobId, attempt }, waiting)) continue;
      this.#waiting.delete(waiting);
      waiting.open();
      return;
    }
    this.#remembered.push({ jobId, attempt });
  }

  /** A Hold of a job's attempt begins. */
  wait(jobId: string, attempt: number): Gate {
    const { promise: opened, resolve: open } = Promise.withResolvers<void>();
    const waiting = { jobId, attempt, open };
    const known = this.#remembered.find((proceed) => fits(proceed, waiting));
    if (known === undefined) this.#waiting.add(waiting);
    else {
      this.#remembered = this.#remembered.filter((proceed) => proceed !== known);
      open();
    }
    return { opened, leave: () => this.#waiting.delete(waiting) };
  }
}

const fits = (
  proceed: { jobId: string; attempt: number },
  hold: { jobId: string; attempt: number },
): boolean =>
  proceed.jobId === hold.jobId && (proceed.attempt === 0 || proceed.attempt === hold.attempt);
