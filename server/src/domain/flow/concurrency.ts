import type { DynamicSetting, SourceObjectives } from "./settings.ts";

/** What happened since the last flush, of one job type. Flushes of replicas are simply added. */
export interface ConcurrencyDelta {
  readonly finished: number;
  /** How many of the finished ones failed. */
  readonly failures: number;
  /** The durations of the finished attempts, together, in milliseconds. */
  readonly latencySumMs: number;
  /** The most jobs of the type that were out at a time, on all replicas. */
  readonly inUse: number;
  /** The {@link strictest} of the sources that the jobs were of; undefined: none. */
  readonly objectives?: SourceObjectives;
}

/** What was counted since the limit was looked at last. */
export interface ConcurrencyWindow extends ConcurrencyDelta {
  readonly sinceMs: number;
}

/** A limit as it is stored and shown: plain JSON. Moments in milliseconds since the epoch. */
export interface ConcurrencyState {
  /** How many jobs of the type may be out at a time. */
  readonly limit: number;
  /** The duration that is usual, in milliseconds; null before anything was measured. */
  readonly baselineMs: number | null;
  readonly lastLoweredAtMs: number | null;
  /** Why it was lowered last. */
  readonly reason: string | null;
  /** Outcomes before this moment are of jobs from before the last lowering. */
  readonly deafUntilMs: number;
  readonly window: ConcurrencyWindow;
}

// Ten outcomes tell a ratio of a tenth; what finishes more rarely is looked at every 10 s.
const ENOUGH_OUTCOMES = 10;
const LEAST_WINDOW_MS = 1_000;
const LONGEST_WINDOW_MS = 10_000;

// Additive increase, multiplicative decrease (Chiu and Jain 1989): limits of several job types on
// one resource come to fair shares. A twentieth for large limits, which would take too long.
const LOWER_FACTOR = 0.8;
const RAISE_SHARE = 0.05;

// The limit was what held jobs back, as far as flushes of half a second can tell.
const IN_USE_SHARE = 0.9;

const MAX_FAILURE_RATIO = 0.1;
const BASELINE_FACTOR = 2;
// It follows what gets faster within a minute, and what gets slower in half an hour: an overload
// must not become usual, but a job type that has changed for good must not stay at its minimum.
const FASTER_MS = 60_000;
const SLOWER_MS = 1_800_000;
const MOST_DEAF_MS = 30_000;

/** The limit before anything is known: the most, which is where a fixed limit would be. */
export const newConcurrency = (settings: DynamicSetting, nowMs: number): ConcurrencyState => ({
  limit: settings.max,
  baselineMs: null,
  lastLoweredAtMs: null,
  reason: null,
  deafUntilMs: nowMs,
  window: emptyWindow(nowMs),
});

/**
 * Adds what a replica saw and moves the limit: to 80 % of what was in use when more attempts fail
 * than may or they take longer than they should, up by one or 5 % when all is well and the limit
 * was in use. Where the settings do not say what may and should be, the objectives of the sources
 * do.
 *
 * It lowers at most once a second, and not again before an attempt can have run from start to end
 * under the lower limit, 30 s at the most: what finishes until then says nothing about it. It
 * raises at most once a second as well.
 */
export function adjust(
  state: ConcurrencyState,
  delta: ConcurrencyDelta,
  settings: DynamicSetting,
  nowMs: number,
): ConcurrencyState {
  const { min, max } = settings;
  const bounded = { ...state, limit: Math.min(max, Math.max(min, state.limit)) };
  if (nowMs < state.deafUntilMs) return { ...bounded, window: emptyWindow(state.deafUntilMs) };
  const window = add(state.window, delta);
  const ageMs = nowMs - window.sinceMs;
  if (ageMs < LEAST_WINDOW_MS) return { ...bounded, window };
  if (window.finished < ENOUGH_OUTCOMES && ageMs < LONGEST_WINDOW_MS) return { ...bounded, window };
  const next = { ...bounded, window: emptyWindow(nowMs) };
  if (window.finished === 0) return next;
  const meanMs = window.latencySumMs / window.finished;
  const reason = whyLower(state, window, meanMs, settings);
  const baselineMs = follow(state.baselineMs, meanMs, ageMs);
  if (reason !== undefined) {
    const inUse = Math.min(bounded.limit, Math.max(1, window.inUse));
    return {
      ...next,
      limit: Math.max(min, Math.floor(inUse * LOWER_FACTOR)),
      baselineMs,
      lastLoweredAtMs: nowMs,
      reason,
      deafUntilMs: nowMs + Math.min(MOST_DEAF_MS, Math.max(LEAST_WINDOW_MS, meanMs)),
    };
  }
  if (window.inUse < bounded.limit * IN_USE_SHARE) return { ...next, baselineMs };
  const raised = bounded.limit + Math.max(1, Math.floor(bounded.limit * RAISE_SHARE));
  return { ...next, limit: Math.min(max, raised), baselineMs };
}

function whyLower(
  state: ConcurrencyState,
  window: ConcurrencyWindow,
  meanMs: number,
  settings: DynamicSetting,
): string | undefined {
  const { finished, failures } = window;
  // Of a few outcomes one alone may fail, or a type that rarely runs would be at its minimum.
  const excused = finished < ENOUGH_OUTCOMES ? 1 : 0;
  if (tooManyFailed(Math.max(0, failures - excused), window, settings)) {
    return `${failures} of ${finished} attempts failed`;
  }
  const objective = settings.latencyMs ?? window.objectives?.latencyMs;
  const most = objective ?? (state.baselineMs ?? Infinity) * BASELINE_FACTOR;
  if (meanMs <= most) return undefined;
  const [mean, bound] = [Math.round(meanMs), Math.round(most)];
  return objective === undefined
    ? `attempts take ${mean} ms, over twice the usual ${Math.round(bound / BASELINE_FACTOR)} ms`
    : `attempts take ${mean} ms, over the objective of ${bound} ms`;
}

function tooManyFailed(
  failed: number,
  { finished, objectives }: ConcurrencyWindow,
  { maxFailureRatio }: DynamicSetting,
): boolean {
  const successRatio = objectives?.successRatio;
  if (maxFailureRatio === undefined && successRatio !== undefined) {
    // Not by 1 - successRatio, which is a little under 0.1 for 0.9: 9 of 10 would be too few.
    return (finished - failed) / finished < successRatio;
  }
  return failed > finished * (maxFailureRatio ?? MAX_FAILURE_RATIO);
}

/**
 * Of two sources' objectives the harder ones. A source that asks for nothing takes nothing from
 * what the other asks for.
 */
export function strictest(a: SourceObjectives, b: SourceObjectives): SourceObjectives {
  if (a === b) return a;
  const latencyMs = Math.min(a.latencyMs ?? Infinity, b.latencyMs ?? Infinity);
  const successRatio = Math.max(a.successRatio ?? 0, b.successRatio ?? 0);
  return {
    ...(latencyMs < Infinity && { latencyMs }),
    ...(successRatio > 0 && { successRatio }),
  };
}

/** An exponential mean over time that is quicker to fall than to rise. */
function follow(baselineMs: number | null, meanMs: number, elapsedMs: number): number {
  if (baselineMs === null) return meanMs;
  const constantMs = meanMs < baselineMs ? FASTER_MS : SLOWER_MS;
  return baselineMs + (meanMs - baselineMs) * (1 - Math.exp(-elapsedMs / constantMs));
}

const emptyWindow = (sinceMs: number): ConcurrencyWindow => ({
  sinceMs,
  finished: 0,
  failures: 0,
  latencySumMs: 0,
  inUse: 0,
});

const add = (window: ConcurrencyWindow, delta: ConcurrencyDelta): ConcurrencyWindow => ({
  sinceMs: window.sinceMs,
  finished: window.finished + delta.finished,
  failures: window.failures + delta.failures,
  latencySumMs: window.latencySumMs + delta.latencySumMs,
  inUse: Math.max(window.inUse, delta.inUse),
  objectives: strictest(window.objectives ?? {}, delta.objectives ?? {}),
});
