import type { LaneLimits } from "./lane-limits.ts";
import type { FlowScope } from "./settings.ts";

/** A limit that lets nothing out until somebody changes it. */
export interface ShutForGood {
  readonly scope: FlowScope;
  readonly by: "pause" | "max_concurrency" | "quota";
}

const TENANT: FlowScope = { kind: "tenant", name: "" };

/**
 * What shuts a lane for good, as its settings have it: a pause that never expires, or a limit of
 * zero. Undefined: whatever holds it back ends by itself.
 */
export function shutForGood(limits: LaneLimits): ShutForGood | undefined {
  const pause = limits.pauses.find((one) => one.pause.expiresAtMs === undefined);
  if (pause !== undefined) return { scope: pause.scope, by: "pause" };
  const none = limits.concurrency.find(({ limit }) => limit === 0);
  if (none !== undefined) return { scope: none.scope, by: "max_concurrency" };
  const { activeJobs, jobsPerHour, jobsPerDay } = limits.quotas ?? {};
  if ([activeJobs, jobsPerHour, jobsPerDay].includes(0)) return { scope: TENANT, by: "quota" };
  return undefined;
}
