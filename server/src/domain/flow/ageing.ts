/** How long a lane waits for one more step of priority, in milliseconds. */
export const AGEING_INTERVAL_MS = 30_000;

/** The lowest and the highest priority of the contract. */
export const PRIORITIES = { lowest: -10, highest: 10 } as const;

/**
 * One above the highest: ageing ends here, so a lane that has waited for long is above all that is
 * fresh, and equal to all else that has waited for long.
 */
export const AGED_PRIORITY = PRIORITIES.highest + 1;

/**
 * After this long any lane is at {@link AGED_PRIORITY}: 21 steps from the lowest priority, 630,000
 * ms. From then on it shares turns only with lanes that have waited too, and equals take turns. So
 * no lane with work is passed over for longer than this and one turn of each other that has aged.
 */
export const STARVATION_BOUND_MS = (AGED_PRIORITY - PRIORITIES.lowest) * AGEING_INTERVAL_MS;

/**
 * The priority at which a lane stands that has waited for `waitedMs` since it was last served or
 * began to have work: one step more for every 30 s, up to {@link AGED_PRIORITY}.
 */
export function effectivePriority(priority: number, waitedMs: number): number {
  const steps = Math.floor(Math.max(0, waitedMs) / AGEING_INTERVAL_MS);
  return Math.min(AGED_PRIORITY, priority + steps);
}

/** Milliseconds until the effective priority changes; Infinity: it does not any more. */
export function nextStepMs(priority: number, waitedMs: number): number {
  if (effectivePriority(priority, waitedMs) >= AGED_PRIORITY) return Infinity;
  if (waitedMs < 0) return AGEING_INTERVAL_MS - waitedMs;
  return AGEING_INTERVAL_MS - (waitedMs % AGEING_INTERVAL_MS);
}
