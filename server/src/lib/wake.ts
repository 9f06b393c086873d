/**
 * A wake-up that is not lost: `wake()` ends the wait that is under way, or the next one if none
 * is.
 */
export class Wake {
  #pending = false;
  #resolve: (() => void) | undefined;

  /** Ends the current or the next wait. */
  wake(): void {
    this.#pending = true;
    this.#resolve?.();
  }

  /** Resolves at the next wake-up, after `timeoutMs` at the latest. */
  async wait(timeoutMs: number): Promise<void> {
    if (!this.#pending) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#resolve = resolve;
        timer = setTimeout(resolve, timeoutMs);
      });
      clearTimeout(timer);
      this.#resolve = undefined;
    }
    this.#pending = false;
  }
}
