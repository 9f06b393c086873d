import { hostOf } from "../../domain/flow/lane-limits.ts";
import { type FlowConfig, type FlowScope, scopeKey } from "../../domain/flow/settings.ts";
import { type BucketState, newBucket, throttled } from "../../domain/flow/token-bucket.ts";
import type { Admissions } from "./admissions.ts";
import type { FlowConfigs } from "./config-cache.ts";
import type { SharedStates } from "./shared-states.ts";
import { type StateStep, stateKey } from "./state-store.ts";

/** That an upstream asked to slow down. */
export interface ThrottleReport {
  readonly tenant: string;
  /** A host, or the name of a source. */
  readonly resource: string;
  readonly retryAfterMs: number | undefined;
  /** How many calls it says are left, if it says. */
  readonly remaining: number | undefined;
  /** What told us: a worker's frame, or a failure. */
  readonly reason: "throttle" | "http_429";
}

/** What {@link reportThrottle} needs. */
export interface ThrottlePorts {
  readonly configs: Pick<FlowConfigs, "ensure">;
  readonly states: SharedStates;
  readonly admissions: Admissions;
  /** Milliseconds since 1970, of this replica. */
  readonly now: () => number;
}

interface UnderWay {
  /** What was reported since; one step tells it all. */
  next: ThrottleReport | undefined;
  done: Promise<void>;
}

/**
 * One agent's 429 slows the whole fleet down for that host, and no other host. A fleet that is
 * throttled says so many times at once; of a host one step is under way at a time, and tells what
 * has come in since the last.
 */
export const reportThrottle = (ports: ThrottlePorts) => {
  const underWay = new Map<string, UnderWay>();
  return async (report: ThrottleReport): Promise<void> => {
    const config = await ports.configs.ensure(report.tenant);
    const scope: FlowScope = { kind: "host", name: hostOf(config, report.resource) };
    const key = `${report.tenant}\0${scope.name}`;
    const before = underWay.get(key);
    if (before !== undefined) {
      before.next = before.next === undefined ? report : merge(before.next, report);
      return before.done;
    }
    const one: UnderWay = { next: report, done: Promise.resolve() };
    underWay.set(key, one);
    one.done = tellAll(ports, config, scope, one).finally(() => underWay.delete(key));
    return one.done;
  };
};

async function tellAll(
  { states, admissions, now }: ThrottlePorts,
  config: FlowConfig,
  scope: FlowScope,
  one: UnderWay,
): Promise<void> {
  const rate = config.settings.get(scopeKey(scope))?.rate;
  const settings = { fixedRate: rate?.perSecond ?? null, burst: rate?.burst ?? 0 };
  while (one.next !== undefined) {
    const { retryAfterMs, remaining, reason } = one.next;
    one.next = undefined;
    const recent = admissions.recent(config.tenant, scope.name, now());
    const step: StateStep = (stored, nowMs) => {
      const before = (stored as BucketState | undefined) ?? {
        ...newBucket(settings, nowMs),
        admitted: recent,
      };
      return { state: throttled(before, { retryAfterMs, remaining, reason }, nowMs), answer: 0 };
    };
    await states.update(config.tenant, new Map([[stateKey("bucket", scope), step]]));
  }
}

/** A warning, which says how many calls are left, counts only among warnings. */
function merge(a: ThrottleReport, b: ThrottleReport): ThrottleReport {
  const isWarning = ({ remaining, retryAfterMs }: ThrottleReport) =>
    (remaining ?? 0) > 0 && (retryAfterMs ?? 0) <= 0;
  if (isWarning(a) !== isWarning(b)) return isWarning(a) ? b : a;
  const waits = [a, b].flatMap((one) => one.retryAfterMs ?? []);
  const left = [a, b].flatMap((one) => one.remaining ?? []);
  return {
    ...a,
    retryAfterMs: waits.length === 0 ? undefined : Math.max(...waits),
    remaining: left.length === 0 ? undefined : Math.min(...left),
  };
}
