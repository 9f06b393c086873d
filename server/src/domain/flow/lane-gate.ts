import { activeBlackout, nextChange } from "./blackout.ts";
import type { Blocked } from "./blocked.ts";
import { type BreakerState, phaseOf } from "./breaker.ts";
import type { LaneLimits } from "./lane-limits.ts";
import type { Blackout, FlowScope } from "./settings.ts";
import type { BucketState } from "./token-bucket.ts";

/** What is known of the shared states of a lane's scopes. */
export interface KnownStates {
  readonly bucket: (scope: FlowScope) => BucketState | undefined;
  readonly breaker: (scope: FlowScope) => BreakerState | undefined;
}

/** What has to be taken before jobs of an open lane may go. */
export interface LaneNeeds {
  readonly buckets: LaneLimits["buckets"];
  /** Half-open breakers, of which one probe may go. */
  readonly probes: readonly FlowScope[];
}

/** Whether a lane is shut, as far as is known, or what has to be taken first. */
export type LaneGate =
  | { readonly kind: "shut"; readonly by: Blocked }
  | { readonly kind: "open"; readonly needs: LaneNeeds };

/**
 * Looks at a lane in the order in which its obstacles last: what people decided comes before what
 * machines found out. `nowMs` is milliseconds since 1970.
 */
export function lookAt(limits: LaneLimits, known: KnownStates, nowMs: number): LaneGate {
  const by = pauseOf(limits, nowMs) ?? blackoutOf(limits, nowMs);
  if (by !== undefined) return { kind: "shut", by };
  const probes: FlowScope[] = [];
  for (const { scope } of limits.breakers) {
    const state = known.breaker(scope);
    const phase = state === undefined ? "closed" : phaseOf(state, nowMs);
    if (state === undefined || phase === "closed") continue;
    const untilMs = Math.max(state.openUntilMs ?? 0, state.probeUntilMs ?? 0);
    if (untilMs > nowMs) {
      return { kind: "shut", by: { kind: "breaker", scope, phase, untilMs } };
    }
    probes.push(scope);
  }
  const buckets = limits.buckets.filter(({ scope, rate }) => {
    const state = known.bucket(scope);
    return rate !== undefined || (state !== undefined && isAtWork(state, nowMs));
  });
  for (const { scope } of buckets) {
    const state = known.bucket(scope);
    if (state?.blockedUntilMs == null || state.blockedUntilMs <= nowMs) continue;
    const ratePerSecond = state.rate ?? 0;
    const untilMs = state.blockedUntilMs;
    return { kind: "shut", by: { kind: "limiter", scope, ratePerSecond, untilMs } };
  }
  return { kind: "open", needs: { buckets, probes } };
}

const isAtWork = (state: BucketState, nowMs: number): boolean =>
  state.rate !== null || (state.blockedUntilMs ?? 0) > nowMs;

function pauseOf(limits: LaneLimits, nowMs: number): Blocked | undefined {
  for (const { scope, pause } of limits.pauses) {
    const { reason, expiresAtMs } = pause;
    if (expiresAtMs !== undefined && expiresAtMs <= nowMs) continue;
    return { kind: "pause", scope, reason, untilMs: expiresAtMs };
  }
  return undefined;
}

function blackoutOf(limits: LaneLimits, nowMs: number): Blocked | undefined {
  for (const { scope, windows } of limits.blackouts) {
    const active = blackoutNow(windows, nowMs);
    if (active === undefined) continue;
    const { window, untilMs } = active;
    return { kind: "blackout", scope, name: window.name, untilMs };
  }
  return undefined;
}

interface Remembered {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly active: { readonly window: Blackout; readonly untilMs: number } | undefined;
}

// Windows are parts of settings that are replaced and never changed, so what was found out about
// them holds until its moment comes. Working it out costs up to a millisecond a window.
const remembered = new WeakMap<readonly Blackout[], Remembered>();

/** The blackout in force among windows, if any; remembers the answer for as long as it holds. */
export function blackoutNow(windows: readonly Blackout[], nowMs: number): Remembered["active"] {
  const before = remembered.get(windows);
  if (before !== undefined && before.fromMs <= nowMs && nowMs < before.untilMs) {
    return before.active;
  }
  const active = activeBlackout(windows, nowMs);
  const untilMs = active?.untilMs ?? nextChange(windows, nowMs) ?? Number.POSITIVE_INFINITY;
  remembered.set(windows, { fromMs: nowMs, untilMs, active });
  return active;
}
