/** Lets code wait until something is true of a state that says when it changes. */
export class Condition {
  readonly #waiting = new Set<() => void>();

  /** Says that the state changed. */
  readonly changed = (): void => {
    for (const look of [...this.#waiting]) look();
  };

  /** Resolves with true once `holds` does, with false after `timeoutMs`. */
  until(holds: () => boolean, timeoutMs: number): Promise<boolean> {
    if (holds()) return Promise.resolve(true);
    if (timeoutMs <= 0) return Promise.resolve(false);
    return new Promise((resolve) => {
      const finish = (answer: boolean) => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve(answer);
      };
      const look = () => {
        if (holds()) finish(true);
      };
      const timer = setTimeout(() => finish(false), timeoutMs);
      this.#waiting.add(look);
    });
  }
}
