import { type BreakerState, breakerAtRest } from "../../domain/flow/breaker.ts";
import { type BucketState, refill } from "../../domain/flow/token-bucket.ts";
import { parseStateKey, type StateStep, type TenantStates } from "./state-store.ts";

/** States of a tenant above which it is looked which of them say nothing any more. */
const KEPT = 256;

/** The most that are forgotten at a time. */
const MAX_FORGOTTEN = 64;

/** Forgets a state if it still says nothing; what others made of it meanwhile stands. */
const forget =
  (key: string): StateStep =>
  (state, nowMs) => ({
    state: state === undefined || isAtRest(key, state, nowMs) ? undefined : state,
    answer: undefined,
  });

/**
 * Steps that forget what says nothing any more, once a tenant has many states: workers name the
 * hosts that throttle them, and what one names once would otherwise be kept and read for ever.
 */
export function forgetting(states: TenantStates, nowMs: number): Map<string, StateStep> {
  const steps = new Map<string, StateStep>();
  if (states.size <= KEPT) return steps;
  for (const [key, state] of states) {
    if (steps.size === MAX_FORGOTTEN) break;
    if (isAtRest(key, state, nowMs)) steps.set(key, forget(key));
  }
  return steps;
}

/** Whether a new state would do the same. */
function isAtRest(key: string, state: unknown, nowMs: number): boolean {
  switch (parseStateKey(key).kind) {
    case "bucket": {
      const { fixedRate, rate, blockedUntilMs } = refill(state as BucketState, nowMs);
      return fixedRate === null && rate === null && (blockedUntilMs ?? 0) <= nowMs;
    }
    case "breaker":
      return breakerAtRest(state as BreakerState, nowMs);
    case "dynamic":
      return false;
  }
}
