/** How long work may wait for its turn, and what it fails with that would wait longer. */
export interface TurnOptions {
  readonly maxWaitMs: number;
  readonly tooLate: () => Error;
}

/** Runs work one after the other. */
export type InTurn = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * Runs work one after the other, in the order of the calls; a failure is the caller's alone. Work
 * that could not begin in time is not begun: whoever asked for it has gone or has asked again.
 */
export function inTurn({ maxWaitMs, tooLate }: TurnOptions): InTurn {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const calledAt = performance.now();
    const mine = last.then(() => {
      if (performance.now() - calledAt > maxWaitMs) throw tooLate();
      return work();
    });
    last = mine.catch(() => undefined);
    return mine;
  };
}
