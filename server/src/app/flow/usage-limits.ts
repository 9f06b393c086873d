import type { Blocked } from "../../domain/flow/blocked.ts";
import { hostOf, type LaneLimits } from "../../domain/flow/lane-limits.ts";
import { type FlowConfig, type FlowScope, scopeKey } from "../../domain/flow/settings.ts";
import type { Usage, WindowQuota } from "../bridge/claim.ts";
import type { TypedStates } from "./known-states.ts";

/** A limit that is held against the ledger: what is left of it, and what to say if nothing is. */
export interface UsageLimit {
  readonly key: string;
  readonly remaining: number;
  readonly blocked: Blocked;
}

/** What is out of a tenant, by the scopes that it counts against. */
export interface CountedUsage {
  /** Leases, by {@link scopeKey}. */
  readonly active: ReadonlyMap<string, number>;
  readonly handedOut: Usage["handedOut"];
}

/** Sums up what is out for every scope at once: lanes are many, and so are kinds of leases. */
export function countUsage(config: FlowConfig, usage: Usage): CountedUsage {
  const active = new Map<string, number>();
  const add = (kind: FlowScope["kind"], name: string, count: number) => {
    const key = `${kind}:${name}`;
    active.set(key, (active.get(key) ?? 0) + count);
  };
  for (const { queue, jobType, source, concurrencyKey, count } of usage.active) {
    add("tenant", "", count);
    add("queue", queue, count);
    add("job_type", jobType, count);
    if (concurrencyKey !== "") add("concurrency_key", concurrencyKey, count);
    if (source === "") continue;
    add("source", source, count);
    add("host", hostOf(config, source), count);
  }
  return { active, handedOut: usage.handedOut };
}

/** The quotas of a lane's tenant that are counted by windows. */
export const windowQuotas = (limits: LaneLimits): WindowQuota[] =>
  (["jobsPerHour", "jobsPerDay"] as const).filter((quota) => limits.quotas?.[quota] !== undefined);

/** Whether a lane has limits that have to be held against the ledger. */
export const needsUsage = (limits: LaneLimits): boolean =>
  limits.concurrency.length > 0 ||
  limits.dynamic !== undefined ||
  limits.quotas?.activeJobs !== undefined ||
  windowQuotas(limits).length > 0;

/** What is left of each of a lane's limits. */
export function usageLimits(
  limits: LaneLimits,
  states: TypedStates,
  usage: CountedUsage,
  nowMs: number,
): UsageLimit[] {
  const active = (scope: FlowScope): number => usage.active.get(scopeKey(scope)) ?? 0;
  const concurrency = (scope: FlowScope, limit: number, dynamic: boolean): UsageLimit => {
    const out = active(scope);
    const key = `${dynamic ? "dynamic" : "concurrency"}:${scopeKey(scope)}`;
    const blocked = { kind: "concurrency", scope, limit, active: out, dynamic } as const;
    return { key, remaining: limit - out, blocked };
  };
  const found = limits.concurrency.map(({ scope, limit }) => concurrency(scope, limit, false));
  if (limits.dynamic !== undefined) {
    const { scope, setting } = limits.dynamic;
    const state = states.dynamic(scope);
    // Bounded by what is set now: the state is of the last flush.
    const limit = Math.min(setting.max, Math.max(setting.min, state?.limit ?? setting.max));
    found.push(concurrency(scope, limit, true));
  }
  const activeJobs = limits.quotas?.activeJobs;
  if (activeJobs !== undefined) {
    const used = active({ kind: "tenant", name: "" });
    const quota = "activeJobs" as const;
    const blocked = { kind: "quota", quota, limit: activeJobs, used, untilMs: undefined } as const;
    found.push({ key: "quota:activeJobs", remaining: activeJobs - used, blocked });
  }
  for (const quota of windowQuotas(limits)) {
    const limit = limits.quotas?.[quota] ?? 0;
    const used = usage.handedOut[quota];
    const untilMs = windowEnd(quota, nowMs);
    const blocked = { kind: "quota", quota, limit, used, untilMs } as const;
    found.push({ key: `quota:${quota}`, remaining: limit - used, blocked });
  }
  return found;
}

const WINDOW_MS: Readonly<Record<WindowQuota, number>> = {
  jobsPerHour: 3_600_000,
  jobsPerDay: 86_400_000,
};

/** When the window of a quota ends: hours and days of UTC. */
const windowEnd = (quota: WindowQuota, nowMs: number): number =>
  (Math.floor(nowMs / WINDOW_MS[quota]) + 1) * WINDOW_MS[quota];
