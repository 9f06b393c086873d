import type { FailureClass } from "../lease.ts";
import type { BreakerSetting } from "./settings.ts";

/** Deviations from the defaults. Of a breaker that is disabled, ask nothing and tell it nothing. */
export type BreakerThresholds = Omit<BreakerSetting, "disabled">;

/** What happened since the last flush, of one host or job type, on one replica. */
export interface BreakerDelta {
  readonly successes: number;
  readonly failures: number;
  /** How many of the failures came after the last success; all of them if there was none. */
  readonly trailingFailures: number;
}

/** Three seconds of outcomes. */
export interface BreakerSlice {
  /** When the slice begins, over its length of 3,000 ms. */
  readonly index: number;
  readonly successes: number;
  readonly failures: number;
}

/**
 * A breaker as it is stored and shown: plain JSON, moments in milliseconds since the epoch, null
 * for "none". That an open one is half-open follows from the clock and is not stored.
 */
export interface BreakerState {
  readonly open: boolean;
  /** When it opened or closed last, and what made it. */
  readonly changedAtMs: number;
  readonly reason: string | null;
  /** Open: no job before this moment, then one probe. */
  readonly openUntilMs: number | null;
  /** How often it opened without being well in between; how long it stays open follows. */
  readonly openings: number;
  readonly consecutiveFailures: number;
  /** The last 30 s, in any order, at most ten. */
  readonly slices: readonly BreakerSlice[];
  /** The number of the last probe that was let through. */
  readonly probe: number;
  /** Set: that probe is out, and is taken for lost at this moment. */
  readonly probeUntilMs: number | null;
}

/** What a breaker lets through. */
export type BreakerPhase = "closed" | "open" | "half_open";

/** How a probe ended, for the breaker that sent it. */
export type ProbeOutcome = "success" | "failure" | "unknown";

/** The answer to who wants to probe. `probe` names it when its outcome is reported. */
export type ProbeTurn =
  | { readonly state: BreakerState; readonly granted: true; readonly probe: number }
  | { readonly state: BreakerState; readonly granted: false; readonly retryAfterMs: number };

// The defaults are those of the project's evidence, "Limits and retries".
const CONSECUTIVE_FAILURES = 5;
const MIN_SUCCESS_RATIO = 0.8;
const SLICE_MS = 3_000;
const SLICES = 10;
const FIRST_OPEN_MS = 5_000;
const LONGEST_OPEN_MS = 300_000;

/**
 * The fewest outcomes in 30 s for which a share of successes means anything. Fewer than 20 with
 * under 80 % success are a handful of failures, which the count of consecutive ones looks after.
 */
export const MINIMUM_VOLUME = 20;

/**
 * How long a breaker must have been closed to begin with short times again. One that opens
 * earlier was not well, and stays open for longer than the last time.
 */
export const WELL_AFTER_MS = 30_000;

/**
 * How long failures in a row are remembered after the last outcome, in milliseconds: what comes so
 * much later is another matter. The project's own measure, twice the longest time to be open.
 */
export const REMEMBERED_MS = 2 * LONGEST_OPEN_MS;

/** A closed breaker that has seen nothing. */
export const newBreaker = (nowMs: number): BreakerState => ({
  open: false,
  changedAtMs: nowMs,
  reason: null,
  openUntilMs: null,
  openings: 0,
  consecutiveFailures: 0,
  slices: [],
  probe: 0,
  probeUntilMs: null,
});

/**
 * Whether a breaker says nothing that a new one would not, and need not be kept: it is closed, has
 * been well since it opened, and what failed is over its time.
 */
export function breakerAtRest(state: BreakerState, nowMs: number): boolean {
  const { open, changedAtMs, openings, consecutiveFailures, slices } = state;
  const wasWell = openings === 0 || nowMs - changedAtMs >= WELL_AFTER_MS;
  if (open || !wasWell) return false;
  const lastMs = Math.max(changedAtMs, ...slices.map(({ index }) => (index + 1) * SLICE_MS));
  if (consecutiveFailures > 0 && nowMs - lastMs < REMEMBERED_MS) return false;
  const oldest = Math.floor(nowMs / SLICE_MS) - SLICES;
  return slices.every(({ index, failures }) => failures === 0 || index <= oldest);
}

/** Whether all jobs, none, or one probe may go. */
export function phaseOf(state: BreakerState, nowMs: number): BreakerPhase {
  if (!state.open) return "closed";
  return nowMs < (state.openUntilMs ?? 0) ? "open" : "half_open";
}

/**
 * Adds what a replica saw. Opens after 5 failures in a row, or under 80 % success in 30 s with at
 * least 20 outcomes, unless the thresholds say otherwise.
 *
 * The counts are sums, so the order in which replicas flush does not matter for the share. For
 * failures in a row it matters only between a flush with a success and one without: a success
 * anywhere is proof that not everything fails. An open breaker counts nothing: these are jobs that
 * began before, and only the probe tells how things are now.
 *
 * @param atMs when it happened; what is older than the window is not counted.
 * @param random evenly distributed in [0, 1).
 */
export function record(
  state: BreakerState,
  delta: BreakerDelta,
  atMs: number,
  random: number,
  thresholds: BreakerThresholds = {},
): BreakerState {
  const { successes, failures } = delta;
  const mostFailures = thresholds.consecutiveFailures ?? CONSECUTIVE_FAILURES;
  const leastSuccess = thresholds.minSuccessRatio ?? MIN_SUCCESS_RATIO;
  if (state.open || successes + failures <= 0) return state;
  const consecutiveFailures =
    successes > 0 ? delta.trailingFailures : state.consecutiveFailures + failures;
  const slices = addToSlices(state.slices, delta, Math.floor(atMs / SLICE_MS));
  const counted = { ...state, consecutiveFailures, slices };
  if (consecutiveFailures >= mostFailures) {
    return trip(counted, `${consecutiveFailures} failures in a row`, atMs, random, thresholds);
  }
  const good = sum(slices, (slice) => slice.successes);
  const all = good + sum(slices, (slice) => slice.failures);
  if (all < MINIMUM_VOLUME || good / all >= leastSuccess) return counted;
  return trip(counted, `${all - good} of ${all} failed in 30 s`, atMs, random, thresholds);
}

/**
 * Asks to send the one probe of a half-open breaker. A probe whose outcome is not reported within
 * `probeTtlMs` is taken for lost and another may go. `retryAfterMs` of a refusal counts to the
 * moment at which asking again can help; it is 0 for a closed breaker, which needs no probe.
 */
export function tryProbe(state: BreakerState, nowMs: number, probeTtlMs: number): ProbeTurn {
  if (!state.open) return { state, granted: false, retryAfterMs: 0 };
  const freeAtMs = Math.max(state.openUntilMs ?? 0, state.probeUntilMs ?? 0);
  if (nowMs < freeAtMs) return { state, granted: false, retryAfterMs: freeAtMs - nowMs };
  const probe = state.probe + 1;
  const probing = { ...state, probe, probeUntilMs: nowMs + probeTtlMs };
  return { state: probing, granted: true, probe };
}

/**
 * Reports the outcome of a probe. Success closes; failure opens again for longer; `unknown` lets
 * another go at once. The outcome of a probe that was taken for lost and replaced is not heard.
 *
 * @param random evenly distributed in [0, 1).
 */
export function settleProbe(
  state: BreakerState,
  probe: number,
  outcome: ProbeOutcome,
  nowMs: number,
  random: number,
  thresholds: BreakerThresholds = {},
): BreakerState {
  if (!state.open || state.probeUntilMs === null || probe !== state.probe) return state;
  if (outcome === "unknown") return { ...state, probeUntilMs: null };
  if (outcome === "failure") return trip(state, "the probe failed", nowMs, random, thresholds);
  return {
    ...newBreaker(nowMs),
    reason: "the probe succeeded",
    openings: state.openings,
    probe: state.probe,
  };
}

function trip(
  state: BreakerState,
  reason: string,
  nowMs: number,
  random: number,
  thresholds: BreakerThresholds,
): BreakerState {
  const well = !state.open && nowMs - state.changedAtMs >= WELL_AFTER_MS;
  const openings = (well ? 0 : state.openings) + 1;
  const longestMs = Math.min(
    LONGEST_OPEN_MS,
    (thresholds.openMs ?? FIRST_OPEN_MS) * 2 ** (openings - 1),
  );
  return {
    open: true,
    changedAtMs: nowMs,
    reason,
    // Down to 80 %, so that the breakers of many hosts behind one fault do not probe together.
    openUntilMs: nowMs + Math.round(longestMs * (1 - 0.2 * random)),
    openings,
    consecutiveFailures: 0,
    slices: [],
    probe: state.probe,
    probeUntilMs: null,
  };
}

function addToSlices(
  slices: readonly BreakerSlice[],
  { successes, failures }: BreakerDelta,
  index: number,
): BreakerSlice[] {
  const newest = slices.reduce((most, slice) => Math.max(most, slice.index), index);
  const kept = slices.filter((slice) => slice.index > newest - SLICES);
  if (index <= newest - SLICES) return kept;
  const same = kept.find((slice) => slice.index === index);
  const sums = {
    index,
    successes: (same?.successes ?? 0) + successes,
    failures: (same?.failures ?? 0) + failures,
  };
  return [...kept.filter((slice) => slice !== same), sums];
}

const sum = (slices: readonly BreakerSlice[], of: (slice: BreakerSlice) => number): number =>
  slices.reduce((total, slice) => total + of(slice), 0);

// Ended from outside, or never begun: nothing was learnt.
const SILENT: ReadonlySet<FailureClass> = new Set([
  "lease_expired",
  "drained",
  "cancelled",
  "incapable",
]);

// Whom a failure speaks against. A host that answers 5xx, late or not at all is broken. One that
// answers 429 is not: that is its bucket's business. Data that does not fit, panics and errors of
// the handler are the job type's; a host is not closed for them, nor a type for its hosts'
// faults, which would take its other hosts away. A late attempt may be either's fault. What was
// interrupted, cancelled or sent to a worker that cannot do it says nothing about either.
const COUNTS: Readonly<Record<FailureClass, { host: boolean; jobType: boolean }>> = {
  user: { host: false, jobType: true },
  http_429: { host: false, jobType: false },
  http_5xx: { host: true, jobType: false },
  schema_mismatch: { host: false, jobType: true },
  parse_error: { host: false, jobType: true },
  timeout: { host: true, jobType: true },
  lease_expired: { host: false, jobType: false },
  drained: { host: false, jobType: false },
  cancelled: { host: false, jobType: false },
  incapable: { host: false, jobType: false },
  panic: { host: false, jobType: true },
  network: { host: true, jobType: false },
  oversize: { host: false, jobType: true },
};

/** Whether a failure counts against its source's host. If not, it is no success either. */
export const countsForHost = (failureClass: FailureClass): boolean => COUNTS[failureClass].host;

/** Whether a failure counts against its job type. If not, it is no success either. */
export const countsForJobType = (failureClass: FailureClass): boolean =>
  COUNTS[failureClass].jobType;

/**
 * How a probe ended for the breaker whose count is given. A failure that does not count against it
 * closes it: the attempt got through, and if only bad jobs wait, nothing else ever would. If it was
 * wrong, 5 failures open the breaker again, for longer.
 *
 * @param failureClass undefined: the attempt succeeded.
 */
export function probeOutcome(
  failureClass: FailureClass | undefined,
  counts: (failureClass: FailureClass) => boolean,
): ProbeOutcome {
  if (failureClass === undefined) return "success";
  if (counts(failureClass)) return "failure";
  return SILENT.has(failureClass) ? "unknown" : "success";
}
