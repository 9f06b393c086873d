import { hostOf } from "../../domain/flow/lane-limits.ts";
import { type FlowScope, scopeKey } from "../../domain/flow/settings.ts";
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

/** One agent's 429 slows the whole fleet down for that host, and no other host. */
export const reportThrottle =
  ({ configs, states, admissions, now }: ThrottlePorts) =>
  async (report: ThrottleReport): Promise<void> => {
    const config = await configs.ensure(report.tenant);
    const scope: FlowScope = { kind: "host", name: hostOf(config, report.resource) };
    const rate = config.settings.get(scopeKey(scope))?.rate;
    const settings = { fixedRate: rate?.perSecond ?? null, burst: rate?.burst ?? 0 };
    const recent = admissions.recent(report.tenant, scope.name, now());
    const { retryAfterMs, remaining, reason } = report;
    const step: StateStep = (stored, nowMs) => {
      const before = (stored as BucketState | undefined) ?? {
        ...newBucket(settings, nowMs),
        admitted: recent,
      };
      return { state: throttled(before, { retryAfterMs, remaining, reason }, nowMs), answer: 0 };
    };
    await states.update(report.tenant, new Map([[stateKey("bucket", scope), step]]));
  };
