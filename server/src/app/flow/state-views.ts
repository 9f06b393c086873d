import { phaseOf } from "../../domain/flow/breaker.ts";
import { scopeKey } from "../../domain/flow/settings.ts";
import { type BucketState, refill } from "../../domain/flow/token-bucket.ts";
import { knownStates } from "./known-states.ts";
import type { BreakerView, FlowStateView, LimiterView } from "./list-states.ts";
import { parseStateKey, type TenantStates } from "./state-store.ts";

type View = { -readonly [Field in keyof FlowStateView]: FlowStateView[Field] };

/** What limiters and breakers of a tenant found out, as operators see it, one entry a scope. */
export function stateViews(states: TenantStates, nowMs: number): FlowStateView[] {
  const known = knownStates(states);
  const views = new Map<string, View>();
  for (const key of states.keys()) {
    const { scope } = parseStateKey(key);
    const view: View = { scope };
    const bucket = known.bucket(scope);
    const limiter = bucket === undefined ? undefined : limiterView(refill(bucket, nowMs));
    if (limiter !== undefined) view.limiter = limiter;
    const breaker = known.breaker(scope);
    if (breaker !== undefined && (breaker.open || breaker.openings > 0)) {
      view.breaker = {
        phase: phaseOf(breaker, nowMs),
        openUntil: date(breaker.open ? breaker.openUntilMs : null),
        timesOpened: breaker.openings,
        reason: breaker.reason ?? "",
      } satisfies BreakerView;
    }
    const dynamic = known.dynamic(scope);
    if (dynamic !== undefined) view.dynamicLimit = dynamic.limit;
    if (Object.keys(view).length > 1) views.set(scopeKey(scope), view);
  }
  return [...views.values()];
}

const date = (ms: number | null): Date | undefined => (ms === null ? undefined : new Date(ms));

/** Undefined: it does not limit, and nothing was learnt. */
function limiterView(bucket: BucketState): LimiterView | undefined {
  const { rate, ceiling, lastCutAtMs, cutReason, blockedUntilMs } = bucket;
  if (rate === null) return undefined;
  return {
    ratePerSecond: rate,
    ceilingPerSecond: ceiling ?? rate,
    lastCutAt: date(lastCutAtMs),
    cutReason: cutReason ?? "",
    blockedUntil: date(blockedUntilMs),
  };
}
