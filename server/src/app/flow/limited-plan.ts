import { allot } from "../../domain/flow/allot.ts";
import type { Blocked } from "../../domain/flow/blocked.ts";
import type { LaneNeeds } from "../../domain/flow/lane-gate.ts";
import type { LaneLimits } from "../../domain/flow/lane-limits.ts";
import type { FlowConfig } from "../../domain/flow/settings.ts";
import { type Lane, laneKey } from "../../domain/offer.ts";
import type { BlockedLane, FlowPlan, RankedAsk } from "../bridge/gates.ts";
import type { Candidate } from "../bridge/ready-queue.ts";
import type { TypedStates } from "./known-states.ts";
import { neededKeys, type Reservations } from "./reservations.ts";
import {
  type CountedUsage,
  countUsage,
  needsUsage,
  usageLimits,
  windowQuotas,
} from "./usage-limits.ts";

/** A lane that nothing shuts, and what is limited about it. */
export interface OpenLane {
  readonly lane: Lane;
  readonly rank: number;
  readonly waitedMs: number;
  readonly limits: LaneLimits;
  readonly known: TypedStates;
  readonly needs: LaneNeeds;
}

/** What {@link limitedPlan} is made of. */
export interface LimitedPlanOptions {
  readonly config: FlowConfig;
  readonly lanes: readonly OpenLane[];
  readonly reservations: Reservations;
  readonly limit: number;
  /** Lanes that are held back already. */
  readonly blocked: readonly BlockedLane[];
  readonly onBlocked: (by: Blocked) => void;
  readonly onTaken: (taken: readonly Lane[]) => void;
  readonly onUsage: (usage: CountedUsage) => void;
  /** Lanes for which there was no room and that nothing is known to hold back, asked at the end. */
  readonly leftOut: () => readonly Candidate[];
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

/** The plan of a claim under limits; see {@link FlowPlan}. */
export function limitedPlan(options: LimitedPlanOptions): FlowPlan {
  const { lanes, reservations } = options;
  let heldBack: BlockedLane[] = [];
  let crowdedOut: readonly Candidate[] = [];
  const quotas = lanes[0] === undefined ? [] : windowQuotas(lanes[0].limits);
  return {
    exact: lanes.some((lane) => needsUsage(lane.limits)) ? { quotas } : undefined,
    allot: (usage) => {
      const counted = usage === undefined ? undefined : countUsage(options.config, usage);
      if (counted !== undefined) options.onUsage(counted);
      const divided = divide(options, counted);
      heldBack = divided.blocked;
      crowdedOut = divided.crowdedOut;
      return divided.asks;
    },
    blocked: () => [...options.blocked, ...heldBack],
    passedOver: () => [...crowdedOut, ...options.leftOut()],
    settle: (taken) => {
      for (const { by } of heldBack) options.onBlocked(by);
      options.onTaken(taken);
      reservations.settle(countUsed(lanes, taken));
    },
  };
}

/** How a claim is divided. */
interface Divided {
  readonly asks: RankedAsk[];
  readonly blocked: BlockedLane[];
  /** Lanes that would have something if others had not been given what they share. */
  readonly crowdedOut: Candidate[];
}

/** Divides what is left of every limit among the lanes that share it. */
function divide(options: LimitedPlanOptions, counted: CountedUsage | undefined): Divided {
  const { lanes, reservations, limit, nowMs } = options;
  const remaining = new Map(reservations.granted);
  const reasons = new Map(reservations.reasons);
  const wishes = lanes.map((lane) => {
    const scopes = neededKeys(lane);
    const found = counted === undefined ? [] : usageLimits(lane.limits, lane.known, counted, nowMs);
    for (const { key, remaining: left, blocked } of found) {
      scopes.push(key);
      remaining.set(key, left);
      reasons.set(key, blocked);
    }
    return { priority: lane.rank, scopes };
  });
  const divided: Divided = { asks: [], blocked: [], crowdedOut: [] };
  allot(wishes, limit, remaining).forEach(({ limit: share, most, blockedBy }, index) => {
    const { lane, rank, waitedMs } = lanes[index] as OpenLane;
    if (most > 0) divided.asks.push({ lane, rank, limit: most, share });
    const by = blockedBy === undefined ? undefined : reasons.get(blockedBy);
    if (by !== undefined) divided.blocked.push({ lane, by });
    const hadRoom = blockedBy !== undefined && (remaining.get(blockedBy) ?? 0) >= 1;
    if (most === 0 && hadRoom) divided.crowdedOut.push({ lane, waitedMs });
  });
  return divided;
}

/** How many of the jobs that were taken came out of each reservation, by its key. */
function countUsed(
  lanes: readonly OpenLane[],
  taken: readonly Lane[],
): ReadonlyMap<string, number> {
  const keys = new Map(lanes.map((lane) => [laneKey(lane.lane), neededKeys(lane)]));
  const used = new Map<string, number>();
  for (const lane of taken) {
    for (const key of keys.get(laneKey(lane)) ?? []) used.set(key, (used.get(key) ?? 0) + 1);
  }
  return used;
}
