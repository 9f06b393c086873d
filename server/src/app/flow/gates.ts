import { type Runner, selects } from "../../domain/fleet.ts";
import { effectivePriority } from "../../domain/flow/ageing.ts";
import { allot } from "../../domain/flow/allot.ts";
import type { Blocked } from "../../domain/flow/blocked.ts";
import { type LaneNeeds, lookAt } from "../../domain/flow/lane-gate.ts";
import { hostOf, type LaneLimits, limitsOf } from "../../domain/flow/lane-limits.ts";
import { type FlowConfig, scopeKey } from "../../domain/flow/settings.ts";
import type { Lane } from "../../domain/offer.ts";
import type { Usage } from "../bridge/claim.ts";
import type { BlockedLane, FlowPlan, Gates } from "../bridge/gates.ts";
import type { Candidate } from "../bridge/ready-queue.ts";
import type { Admissions } from "./admissions.ts";
import type { FlowConfigs } from "./config-cache.ts";
import { knownStates, type TypedStates } from "./known-states.ts";
import { limitedPlan, type OpenLane } from "./limited-plan.ts";
import { reserve } from "./reservations.ts";
import type { SharedStates } from "./shared-states.ts";
import { type CountedUsage, countUsage, needsUsage, usageLimits } from "./usage-limits.ts";

/** What {@link FlowGates} needs. */
export interface FlowGatesPorts {
  readonly configs: Pick<FlowConfigs, "peek" | "ensure">;
  readonly states: SharedStates;
  readonly admissions: Admissions;
  /** What is out of a tenant, without a turn: for explanations and hints. */
  readonly usage: (tenant: string) => Promise<Usage>;
  /** Told each time a lane is held back, for metrics. */
  readonly onBlocked: (tenant: string, by: Blocked) => void;
  readonly onError: (error: unknown) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** The most lanes that one claim looks into. */
const MAX_LANES = 64;

/**
 * How long it counts what was seen out, in milliseconds, for the choice of lanes: where none that
 * is chosen has to be held against the ledger, nobody would see that others may go again.
 */
const USAGE_HOLDS_MS = 1_000;

/**
 * The one place where it is decided what may be handed out. Pauses, blackouts and breakers shut a
 * lane; buckets and probes are taken from before a claim and given back after it; concurrency and
 * quotas are held against the ledger inside of it.
 */
export class FlowGates implements Gates {
  readonly #ports: FlowGatesPorts;
  /** What claims under limits saw out last. */
  readonly #usage = new WeakMap<FlowConfig, CountedUsage & { readonly seenAtMs: number }>();

  constructor(ports: FlowGatesPorts) {
    this.#ports = ports;
  }

  readonly known = async (tenant: string): Promise<void> => {
    const { configs } = this.#ports;
    if (configs.peek(tenant) === undefined) await configs.ensure(tenant);
  };

  readonly takenOut = (tenant: string, runner: Runner): boolean =>
    this.#ports.configs.peek(tenant)?.takenOut?.some((one) => selects(one, runner)) ?? false;

  readonly weight = (tenant: string): number =>
    this.#ports.configs.peek(tenant)?.settings.get(TENANT)?.weight ?? 1;

  readonly plan = async (
    tenant: string,
    candidates: readonly Candidate[],
    limit: number,
  ): Promise<FlowPlan> => {
    const { configs, states } = this.#ports;
    const config = configs.peek(tenant) ?? (await configs.ensure(tenant));
    await states.ensure(tenant);
    const ranked = byRank(candidates);
    if (config.settings.size === 0 && states.peek(tenant).size === 0) {
      return this.#freePlan(config, ranked, limit);
    }
    const blocked: BlockedLane[] = [];
    const { open, rest } = this.#select(config, ranked, blocked);
    const { reservations, lanes } = await reserve(this.#ports, tenant, open, limit, blocked);
    for (const { by } of blocked) this.#ports.onBlocked(tenant, by);
    return limitedPlan({
      config,
      lanes,
      reservations,
      limit,
      blocked,
      nowMs: this.#ports.now(),
      onBlocked: (by) => this.#ports.onBlocked(tenant, by),
      onTaken: (taken) => this.#admit(config, taken),
      onUsage: (usage) => {
        this.#ports.admissions.sawUsage(config, usage.active);
        this.#usage.set(config, { ...usage, seenAtMs: this.#ports.now() });
      },
      leftOut: () => {
        const look = this.#looker(config);
        return rest.filter((one) => {
          const lane = look(one, []);
          return lane !== undefined && this.#fullBy(config, lane) === undefined;
        });
      },
    });
  };

  /** What holds a ready job of this lane back now; undefined: nothing but free slots. */
  async explain(lane: Lane): Promise<Blocked | undefined> {
    const [by] = await this.explainAll(lane.tenant, [lane]);
    return by;
  }

  /** The same for lanes of a tenant, in their order: states and usage are read once. */
  async explainAll(tenant: string, lanes: readonly Lane[]): Promise<(Blocked | undefined)[]> {
    const { configs, states, usage, now } = this.#ports;
    const config = await configs.ensure(tenant);
    const known = knownStates(await states.read(tenant));
    const limited = lanes.map((lane) => limitsOf(config, lane));
    const counts = limited.some(needsUsage);
    const out = counts ? countUsage(config, await usage(tenant)) : NOTHING_OUT;
    const nowMs = now();
    return limited.map((limits) => whatBlocks(limits, known, out, nowMs));
  }

  readonly open = async (tenant: string, lanes: readonly Lane[]): Promise<readonly Lane[]> => {
    const { configs, states, usage, now } = this.#ports;
    const config = await configs.ensure(tenant);
    await states.ensure(tenant);
    const known = knownStates(states.peek(tenant));
    const limited = lanes.map((lane) => ({ lane, limits: limitsOf(config, lane) }));
    const counts = limited.some(({ limits }) => needsUsage(limits));
    const out = counts ? countUsage(config, await usage(tenant)) : NOTHING_OUT;
    return limited
      .filter(({ limits }) => whatBlocks(limits, known, out, now()) === undefined)
      .map(({ lane }) => lane);
  };

  /**
   * The lanes that a claim looks into: those that nothing is known to hold back, by their rank,
   * and if there is room the others too. So lanes that wait for what they share, however many and
   * however long, do not stand in front of one that could go.
   */
  #select(config: FlowConfig, ranked: readonly RankedLane[], blocked: BlockedLane[]) {
    const look = this.#looker(config);
    const first: OpenLane[] = [];
    const full: { readonly lane: OpenLane; readonly by: Blocked }[] = [];
    let looked = 0;
    for (; looked < ranked.length && first.length < MAX_LANES; looked++) {
      const lane = look(ranked[looked] as RankedLane, blocked);
      const by = lane && this.#fullBy(config, lane);
      if (lane === undefined) continue;
      if (by === undefined) first.push(lane);
      else full.push({ lane, by });
    }
    const fill = full.splice(0, MAX_LANES - first.length).map(({ lane }) => lane);
    for (const { lane, by } of full) blocked.push({ lane: lane.lane, by });
    // Both are in the order of their ranks, and so is what is made of them.
    const open = [...first, ...fill].sort((x, y) => y.rank - x.rank || y.waitedMs - x.waitedMs);
    return { open, rest: [...full.map(({ lane }) => lane), ...ranked.slice(looked)] };
  }

  /** Says what an open lane needs; one that is shut goes to `shut`. */
  #looker(config: FlowConfig) {
    const known = knownStates(this.#ports.states.peek(config.tenant));
    const nowMs = this.#ports.now();
    return ({ lane, rank, waitedMs }: RankedLane, shut: BlockedLane[]): OpenLane | undefined => {
      const limits = limitsOf(config, lane);
      const gate = lookAt(limits, known, nowMs);
      if (gate.kind === "open") return { lane, rank, waitedMs, limits, known, needs: gate.needs };
      shut.push({ lane, by: gate.by });
      return undefined;
    };
  }

  /** What has nothing left for an open lane, by what was seen last; a guess that costs nothing. */
  #fullBy(config: FlowConfig, { limits, known, needs }: OpenLane): Blocked | undefined {
    const nowMs = this.#ports.now();
    const usage = this.#usage.get(config);
    if (usage !== undefined && nowMs - usage.seenAtMs < USAGE_HOLDS_MS) {
      const full = needsUsage(limits) ? usageLimits(limits, known, usage, nowMs) : [];
      const by = full.find(({ remaining }) => remaining <= 0);
      if (by !== undefined) return by.blocked;
    }
    return emptyBucket(needs, known, nowMs);
  }

  #freePlan(config: FlowConfig, all: readonly RankedLane[], limit: number): FlowPlan {
    const ranked = all.slice(0, MAX_LANES);
    return {
      exact: undefined,
      allot: () => {
        const wishes = ranked.map(({ rank }) => ({ priority: rank, scopes: [] }));
        const shares = allot(wishes, limit, NO_SCOPES);
        return ranked.map(({ lane, rank }, index) => {
          return { lane, rank, limit, share: shares[index]?.limit ?? 0 };
        });
      },
      blocked: () => [],
      passedOver: () => all.slice(MAX_LANES),
      settle: (taken) => this.#admit(config, taken),
    };
  }

  /** Remembers what was let through to hosts, should one of them complain. */
  #admit(config: FlowConfig, taken: readonly Lane[]): void {
    for (const { tenant, source } of taken) {
      if (source === "") continue;
      this.#ports.admissions.admitted(tenant, hostOf(config, source), this.#ports.now());
    }
  }
}

/** What holds a lane back, by what is out; undefined: nothing but free slots. */
function whatBlocks(
  limits: LaneLimits,
  known: TypedStates,
  out: CountedUsage,
  nowMs: number,
): Blocked | undefined {
  const gate = lookAt(limits, known, nowMs);
  if (gate.kind === "shut") return gate.by;
  for (const one of usageLimits(limits, known, out, nowMs)) {
    if (one.remaining <= 0) return one.blocked;
  }
  return emptyBucket(gate.needs, known, nowMs);
}

/** For lanes without limits that are held against what is out. */
const NOTHING_OUT: CountedUsage = {
  active: new Map(),
  handedOut: { jobsPerHour: 0, jobsPerDay: 0 },
};

/** The bucket that has no token for a lane; undefined: each that it needs has one. */
function emptyBucket(
  { buckets }: LaneNeeds,
  known: TypedStates,
  nowMs: number,
): Blocked | undefined {
  for (const { scope } of buckets) {
    const state = known.bucket(scope);
    if (state?.rate == null) continue;
    const waitMs = ((1 - state.tokens) / state.rate) * 1_000 - (nowMs - state.refilledAtMs);
    if (waitMs <= 0) continue;
    return { kind: "limiter", scope, ratePerSecond: state.rate, untilMs: nowMs + waitMs };
  }
  return undefined;
}

const NO_SCOPES: ReadonlyMap<string, number> = new Map();

const TENANT = scopeKey({ kind: "tenant", name: "" });

interface RankedLane {
  readonly lane: Lane;
  readonly rank: number;
  readonly waitedMs: number;
}

/** By effective priority; among equals, who was not served for longest comes first. */
const byRank = (candidates: readonly Candidate[]): RankedLane[] =>
  candidates
    .map(({ lane, waitedMs }) => ({
      lane,
      waitedMs,
      rank: effectivePriority(lane.priority, waitedMs),
    }))
    .sort((a, b) => b.rank - a.rank || b.waitedMs - a.waitedMs);
