import { blackoutNow } from "../../domain/flow/lane-gate.ts";
import { hostOf } from "../../domain/flow/lane-limits.ts";
import {
  type Blackout,
  type FlowConfig,
  type FlowScope,
  scopeKey,
} from "../../domain/flow/settings.ts";
import type { FlowConfigs } from "./config-cache.ts";

/** A running job that has to make way. */
export interface Preempted {
  readonly tenant: string;
  readonly jobId: string;
  readonly leaseEpoch: number;
}

/** What {@link stopForBlackouts} needs. */
export interface BlackoutStopPorts {
  readonly configs: Pick<FlowConfigs, "peek">;
  /** The sources that running jobs of a tenant read from. */
  readonly runningSources: (tenant: string) => Promise<readonly string[]>;
  /** Asks running jobs to make way; all of the tenant's if no sources are named. */
  readonly preempt: (
    tenant: string,
    sources: readonly string[] | undefined,
    note: string,
  ) => Promise<readonly Preempted[]>;
  /** Tells the worker. */
  readonly stop: (job: Preempted) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * Asks running jobs to stop whose blackout says so. Safe to repeat, and by several replicas: who
 * was asked is not asked again.
 */
export const stopForBlackouts =
  (ports: BlackoutStopPorts) =>
  async (tenants: readonly string[]): Promise<number> => {
    let stopped = 0;
    for (const tenant of tenants) {
      const config = ports.configs.peek(tenant);
      if (config === undefined) continue;
      for (const { scope, note } of stopping(config, ports.now())) {
        const sources = await sourcesOf(ports, config, scope);
        if (sources?.length === 0) continue;
        const jobs = await ports.preempt(tenant, sources, note);
        for (const job of jobs) ports.stop(job);
        stopped += jobs.length;
      }
    }
    return stopped;
  };

/** Scopes in whose blackout nothing may run. */
function stopping(config: FlowConfig, nowMs: number): { scope: FlowScope; note: string }[] {
  const scopes: { scope: FlowScope; note: string }[] = [];
  for (const [key, { blackouts }] of config.settings) {
    const active = blackouts && blackoutNow(thatStop(blackouts), nowMs);
    if (active === undefined) continue;
    const [kind, ...name] = key.split(":");
    const scope = { kind: kind as FlowScope["kind"], name: name.join(":") };
    scopes.push({ scope, note: `blackout ${active.window.name} of ${scopeKey(scope)}` });
  }
  return scopes;
}

// The same list every time, by which it is remembered when it changes.
const stops = new WeakMap<readonly Blackout[], readonly Blackout[]>();

/** Of windows that overlap one that stops jobs must not hide behind one that does not. */
function thatStop(windows: readonly Blackout[]): readonly Blackout[] {
  const known = stops.get(windows) ?? windows.filter(({ stopRunning }) => stopRunning);
  stops.set(windows, known);
  return known;
}

/** Undefined: all there are. */
async function sourcesOf(
  ports: BlackoutStopPorts,
  config: FlowConfig,
  scope: FlowScope,
): Promise<string[] | undefined> {
  if (scope.kind === "tenant") return undefined;
  if (scope.kind === "source") return [scope.name];
  const running = await ports.runningSources(config.tenant);
  return running.filter((source) => source !== "" && hostOf(config, source) === scope.name);
}
