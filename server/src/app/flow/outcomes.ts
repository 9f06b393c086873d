import {
  type BreakerState,
  breakerAtRest,
  countsForHost,
  countsForJobType,
  newBreaker,
  probeOutcome,
  record,
  settleProbe,
} from "../../domain/flow/breaker.ts";
import {
  adjust,
  type ConcurrencyState,
  newConcurrency,
  strictest,
} from "../../domain/flow/concurrency.ts";
import { limitsOf } from "../../domain/flow/lane-limits.ts";
import type {
  BreakerSetting,
  DynamicSetting,
  FlowConfig,
  FlowScope,
  SourceObjectives,
} from "../../domain/flow/settings.ts";
import type { FailureClass } from "../../domain/lease.ts";
import { type Loop, loop } from "../../lib/loop.ts";
import type { Admissions } from "./admissions.ts";
import type { FlowConfigs } from "./config-cache.ts";
import type { SharedStates } from "./shared-states.ts";
import { type StateStep, stateKey } from "./state-store.ts";

/** An attempt that ended, as limits see it. */
export interface Outcome {
  readonly tenant: string;
  readonly queue: string;
  readonly jobType: string;
  readonly source: string;
  /** Undefined: it succeeded. */
  readonly failureClass: FailureClass | undefined;
  /** What the upstream asked to wait, if it failed for that. */
  readonly retryAfterMs?: number | undefined;
  /** From its start to its end, in milliseconds. */
  readonly elapsedMs: number;
}

/** What {@link Outcomes} needs. */
export interface OutcomesPorts {
  readonly configs: Pick<FlowConfigs, "peek" | "ensure">;
  readonly states: SharedStates;
  readonly admissions: Admissions;
  readonly random: () => number;
  readonly onError: (error: unknown) => void;
}

/** How often outcomes are added to what all replicas share, in milliseconds. */
const FLUSH_MS = 500;

/** What was seen of a scope since the last flush. */
interface Seen {
  readonly scope: FlowScope;
  readonly counts: (failureClass: FailureClass) => boolean;
  readonly setting: BreakerSetting;
  successes: number;
  failures: number;
  trailingFailures: number;
  /** The end of the attempt that began last, for a breaker that has a probe out. */
  latest: { startedAtMs: number; failureClass: FailureClass | undefined } | undefined;
}

interface SeenType {
  readonly setting: DynamicSetting;
  objectives: SourceObjectives;
  finished: number;
  failures: number;
  latencySumMs: number;
}

interface SeenOfTenant {
  readonly breakers: Map<string, Seen>;
  readonly types: Map<string, SeenType>;
}

/**
 * Gathers how attempts ended and tells breakers and dynamic limits twice a second: they are about
 * many jobs, and a write for each would cost more than the job. A scope that saw no failure and
 * has no breaker at work is not written at all.
 */
export class Outcomes {
  readonly #ports: OutcomesPorts;
  readonly #flushing: Loop;
  #seen = new Map<string, SeenOfTenant>();

  constructor(ports: OutcomesPorts) {
    this.#ports = ports;
    this.#flushing = loop({
      name: "outcomes",
      restAfterErrorMs: FLUSH_MS,
      onError: (_name, error) => ports.onError(error),
      tick: async () => {
        await this.flush();
        return FLUSH_MS;
      },
    });
  }

  /** Attempts ended; never waits. A tenant about which nothing is known yet is not counted. */
  note(outcomes: readonly Outcome[]): void {
    for (const outcome of outcomes) {
      if (outcome.source === "" && !this.#hasSettings(outcome.tenant)) continue;
      const config = this.#ports.configs.peek(outcome.tenant);
      if (config !== undefined) this.#note(config, outcome);
      else this.#ports.configs.ensure(outcome.tenant).catch(this.#ports.onError);
    }
  }

  /** Begins to flush. */
  start(): void {
    this.#flushing.start();
  }

  /** Flushes once more and ends. May be called more than once. */
  async stop(): Promise<void> {
    await this.#flushing.stop();
    await this.flush().catch(this.#ports.onError);
  }

  /** Tells the shared states what was seen. */
  async flush(): Promise<void> {
    const seen = this.#seen;
    this.#seen = new Map();
    await Promise.all(
      Array.from(seen, async ([tenant, own]) => {
        const steps = this.#steps(tenant, own);
        if (steps.size > 0) await this.#ports.states.update(tenant, steps);
      }),
    );
  }

  #hasSettings(tenant: string): boolean {
    return (this.#ports.configs.peek(tenant)?.settings.size ?? 0) > 0;
  }

  #note(config: FlowConfig, outcome: Outcome): void {
    const { tenant, jobType, failureClass, elapsedMs } = outcome;
    const own = this.#seen.get(tenant) ?? { breakers: new Map(), types: new Map() };
    this.#seen.set(tenant, own);
    const limits = limitsOf(config, { ...outcome, concurrencyKey: "" });
    for (const { scope, setting } of limits.breakers) {
      const counts = scope.kind === "job_type" ? countsForJobType : countsForHost;
      const seen = seenOf(own.breakers, scope, setting, counts);
      noteEnd(seen, failureClass, Date.now() - elapsedMs);
    }
    if (limits.dynamic === undefined) return;
    const { setting, objectives } = limits.dynamic;
    const type = own.types.get(jobType) ?? {
      setting,
      objectives,
      finished: 0,
      failures: 0,
      latencySumMs: 0,
    };
    type.objectives = strictest(type.objectives, objectives);
    type.finished += 1;
    if (failureClass !== undefined) type.failures += 1;
    type.latencySumMs += elapsedMs;
    own.types.set(jobType, type);
  }

  #steps(tenant: string, own: SeenOfTenant): Map<string, StateStep> {
    const known = this.#ports.states.peek(tenant);
    const steps = new Map<string, StateStep>();
    for (const [key, seen] of own.breakers) {
      if (seen.failures === 0 && !known.has(key)) continue;
      steps.set(key, breakerStep(seen, this.#ports.random(), Date.now()));
    }
    for (const [jobType, type] of own.types) {
      const inUse = this.#ports.admissions.takeInUse(tenant, jobType);
      const scope = { kind: "job_type", name: jobType } as const;
      steps.set(stateKey("dynamic", scope), dynamicStep(type, inUse));
    }
    return steps;
  }
}

function seenOf(
  breakers: Map<string, Seen>,
  scope: FlowScope,
  setting: BreakerSetting,
  counts: Seen["counts"],
): Seen {
  const key = stateKey("breaker", scope);
  let seen = breakers.get(key);
  if (seen === undefined) {
    const none = { successes: 0, failures: 0, trailingFailures: 0 };
    seen = { scope, setting, counts, ...none, latest: undefined };
    breakers.set(key, seen);
  }
  return seen;
}

function noteEnd(seen: Seen, failureClass: FailureClass | undefined, startedAtMs: number): void {
  if (startedAtMs >= (seen.latest?.startedAtMs ?? 0)) seen.latest = { startedAtMs, failureClass };
  if (failureClass === undefined) {
    seen.successes += 1;
    seen.trailingFailures = 0;
  } else if (seen.counts(failureClass)) {
    seen.failures += 1;
    seen.trailingFailures += 1;
  }
}

/** What is rounded on the way, and the time between an attempt's end and the news of it. */
const SLACK_MS = 250;

const breakerStep =
  (seen: Seen, random: number, flushedAtMs: number): StateStep =>
  (stored, nowMs) => {
    const state = (stored as BreakerState | undefined) ?? newBreaker(nowMs);
    if (!state.open) {
      const counted = record(state, seen, nowMs, random, seen.setting);
      return { state: breakerAtRest(counted, nowMs) ? undefined : counted, answer: undefined };
    }
    const { latest } = seen;
    if (latest === undefined || state.probeUntilMs === null) return { state, answer: undefined };
    // Nothing but probes was let through since it was half-open first, so what began after that
    // is one of them; also one that took longer than it was waited for. By ages, because the clocks
    // of a replica and of the store are not the same.
    const startedAtMs = nowMs - (flushedAtMs - latest.startedAtMs);
    if (startedAtMs < (state.openUntilMs ?? 0) - SLACK_MS) return { state, answer: undefined };
    const outcome = probeOutcome(latest.failureClass, seen.counts);
    const next = settleProbe(state, state.probe, outcome, nowMs, random, seen.setting);
    return { state: next, answer: undefined };
  };

const dynamicStep =
  ({ setting, ...seen }: SeenType, inUse: number): StateStep =>
  (stored, nowMs) => {
    const before = (stored as ConcurrencyState | undefined) ?? newConcurrency(setting, nowMs);
    return { state: adjust(before, { ...seen, inUse }, setting, nowMs), answer: undefined };
  };
