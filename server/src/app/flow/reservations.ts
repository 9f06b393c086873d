import type { Blocked } from "../../domain/flow/blocked.ts";
import { type BreakerState, settleProbe, tryProbe } from "../../domain/flow/breaker.ts";
import type { RateSetting } from "../../domain/flow/settings.ts";
import {
  type BucketState,
  giveBack,
  newBucket,
  take,
  withSettings,
} from "../../domain/flow/token-bucket.ts";
import type { BlockedLane } from "../bridge/gates.ts";
import type { OpenLane } from "./limited-plan.ts";
import type { SharedStates } from "./shared-states.ts";
import { type StateStep, stateKey } from "./state-store.ts";

/** What was taken from limiters and breakers for a claim, by the key of their states. */
export interface Reservations {
  /** How many jobs each lets through. */
  readonly granted: ReadonlyMap<string, number>;
  /** What to say of a limiter or probe of which nothing is left for a lane. */
  readonly reasons: ReadonlyMap<string, Blocked>;
  /** Gives back what was not used; `used` counts jobs by the same keys. */
  readonly settle: (used: ReadonlyMap<string, number>) => void;
}

/**
 * How long a probe's outcome is waited for, in milliseconds: after it the worker is taken for
 * lost, and another job may find out.
 */
export const PROBE_TTL_MS = 60_000;

/** What reserving needs. */
export interface ReservePorts {
  readonly states: SharedStates;
  readonly onError: (error: unknown) => void;
  /** Milliseconds since 1970, of this replica: the store's clock may be another one. */
  readonly now: () => number;
}

interface Granted {
  readonly granted: number;
  readonly retryAfterMs: number;
  readonly ratePerSecond: number;
}

/** The keys of everything that has to be taken from before jobs of a lane may go. */
export const neededKeys = ({ needs }: OpenLane): string[] => [
  ...needs.probes.map((scope) => stateKey("breaker", scope)),
  ...needs.buckets.map(({ scope }) => stateKey("bucket", scope)),
];

/**
 * Takes tokens and probes for a claim of up to `limit` jobs. Lanes that got nothing go to
 * `blocked`. What a replica takes and does not live to give back is refilled (tokens), or found
 * to be lost (a probe): nothing leaks.
 */
export async function reserve(
  { states, onError, now }: ReservePorts,
  tenant: string,
  open: readonly OpenLane[],
  limit: number,
  blocked: BlockedLane[],
): Promise<{ readonly reservations: Reservations; readonly lanes: readonly OpenLane[] }> {
  const steps = new Map<string, StateStep>();
  for (const { needs } of open) {
    for (const { scope, rate } of needs.buckets) {
      steps.set(stateKey("bucket", scope), takeTokens(rate, limit));
    }
    for (const scope of needs.probes) steps.set(stateKey("breaker", scope), takeProbe);
  }
  if (steps.size === 0) return { reservations: NOTHING, lanes: open };
  // What the claim before did not use comes back first.
  await states.settled(tenant);
  const answers = (await states.update(tenant, steps)) as ReadonlyMap<string, Granted>;
  const reasons = reasonsOf(open, answers, now());
  const granted = new Map(Array.from(answers, ([key, answer]) => [key, answer.granted]));
  const lanes = open.filter((lane) => {
    const empty = neededKeys(lane).find((key) => answers.get(key)?.granted === 0);
    const by = empty === undefined ? undefined : reasons.get(empty);
    if (by === undefined) return true;
    blocked.push({ lane: lane.lane, by });
    return false;
  });
  const settle = (used: ReadonlyMap<string, number>): void => {
    const back = new Map<string, StateStep>();
    for (const [key, count] of granted) {
      const unused = count - (used.get(key) ?? 0);
      if (unused > 0 && Number.isFinite(unused))
        back.set(key, key.startsWith("bucket:") ? putBack(unused) : freeProbe);
    }
    if (back.size > 0) states.later(tenant, back).catch(onError);
  };
  return { reservations: { granted, reasons, settle }, lanes };
}

const NOTHING: Reservations = { granted: new Map(), reasons: new Map(), settle: () => {} };

function reasonsOf(
  open: readonly OpenLane[],
  answers: ReadonlyMap<string, Granted>,
  nowMs: number,
): Map<string, Blocked> {
  const reasons = new Map<string, Blocked>();
  const until = (key: string): number => nowMs + (answers.get(key)?.retryAfterMs ?? 0);
  for (const { needs } of open) {
    for (const scope of needs.probes) {
      const key = stateKey("breaker", scope);
      reasons.set(key, { kind: "breaker", scope, phase: "half_open", untilMs: until(key) });
    }
    for (const { scope } of needs.buckets) {
      const key = stateKey("bucket", scope);
      const ratePerSecond = answers.get(key)?.ratePerSecond ?? 0;
      reasons.set(key, { kind: "limiter", scope, ratePerSecond, untilMs: until(key) });
    }
  }
  return reasons;
}

const takeTokens =
  (rate: RateSetting | undefined, wanted: number): StateStep =>
  (state, nowMs) => {
    const settings = { fixedRate: rate?.perSecond ?? null, burst: rate?.burst ?? 0 };
    const before = (state as BucketState | undefined) ?? newBucket(settings, nowMs);
    const taken = take(withSettings(before, settings, nowMs), wanted, nowMs);
    const { granted, retryAfterMs } = taken;
    const ratePerSecond = taken.state.rate ?? 0;
    return { state: taken.state, answer: { granted, retryAfterMs, ratePerSecond } };
  };

const putBack =
  (unused: number): StateStep =>
  (state, nowMs) => ({
    state: state === undefined ? undefined : giveBack(state as BucketState, unused, nowMs),
    answer: undefined,
  });

const takeProbe: StateStep = (stored, nowMs) => {
  const state = stored as BreakerState | undefined;
  const free = { granted: Number.POSITIVE_INFINITY, retryAfterMs: 0, ratePerSecond: 0 };
  // Closed meanwhile: nothing has to be taken.
  if (state === undefined || !state.open) return { state, answer: free };
  const turn = tryProbe(state, nowMs, PROBE_TTL_MS);
  const retryAfterMs = turn.granted ? 0 : turn.retryAfterMs;
  return {
    state: turn.state,
    answer: { ...free, granted: turn.granted ? 1 : 0, retryAfterMs },
  };
};

/** A probe for which there was no job. */
const freeProbe: StateStep = (stored, nowMs) => {
  const state = stored as BreakerState | undefined;
  if (state === undefined) return { state, answer: undefined };
  return { state: settleProbe(state, state.probe, "unknown", nowMs, 0), answer: undefined };
};
