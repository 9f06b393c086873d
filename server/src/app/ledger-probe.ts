import { sampled } from "../lib/sampled.ts";

/** How long the ledger may take to answer a probe before it counts as away, in milliseconds. */
const PATIENCE_MS = 2_000;

/** How long an answer is good for, in milliseconds, so that probes from many sides cost one. */
const MAX_AGE_MS = 1_000;

/**
 * Makes a function that says whether the ledger answers. It never rejects, and never takes much
 * longer than two seconds.
 *
 * @param ping resolves when the ledger has answered; may hang.
 */
export const ledgerProbe = (
  ping: () => Promise<unknown>,
  nowMs: () => number,
  patienceMs = PATIENCE_MS,
): (() => Promise<boolean>) =>
  sampled(
    () =>
      new Promise((resolve) => {
        const timer = setTimeout(() => resolve(false), patienceMs);
        ping()
          .then(
            () => resolve(true),
            () => resolve(false),
          )
          .finally(() => clearTimeout(timer));
      }),
    MAX_AGE_MS,
    nowMs,
  );
