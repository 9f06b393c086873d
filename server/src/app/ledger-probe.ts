import { sampled } from "../lib/sampled.ts";
import { within } from "../lib/within.ts";

/** How long the ledger may take to answer a probe before it counts as away, in milliseconds. */
export const PROBE_PATIENCE_MS = 2_000;

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
  patienceMs = PROBE_PATIENCE_MS,
): (() => Promise<boolean>) =>
  sampled(
    () =>
      within(ping(), patienceMs).then(
        () => true,
        () => false,
      ),
    MAX_AGE_MS,
    nowMs,
  );
