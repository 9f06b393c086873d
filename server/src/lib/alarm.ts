/**
 * Wakes one sleeper. A ring that comes while nobody sleeps is remembered, so none is lost between
 * two looks at the world; many rings are one.
 */
export class Alarm {
  readonly #signal: AbortSignal;
  readonly #onAbort = () => this.#wake?.();
  #rung = false;
  #wake: (() => void) | undefined;

  /** An aborted `signal` ends every sleep at once. */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", this.#onAbort);
  }

  /** Ends the sleep that is going on, or the next one at its start. */
  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Sleeps until a ring, at most `ms` milliseconds. */
  async wait(ms: number): Promise<void> {
    await this.#sleep(ms, () => this.#rung);
    this.#rung = false;
  }

  /** Sleeps for `ms` milliseconds; rings are kept for the next {@link wait}. */
  async pause(ms: number): Promise<void> {
    await this.#sleep(ms, () => false);
  }

  /** Lets go of the signal. */
  close(): void {
    this.#signal.removeEventListener("abort", this.#onAbort);
    this.#wake?.();
  }

  async #sleep(ms: number, awake: () => boolean): Promise<void> {
    if (this.#signal.aborted || awake()) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        if (!awake() && !this.#signal.aborted) return;
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }
}
