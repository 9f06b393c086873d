import type { Lane } from "../offer.ts";
import {
  type Blackout,
  type BreakerSetting,
  type DynamicSetting,
  type FlowConfig,
  type FlowScope,
  type FlowSettings,
  type PauseSetting,
  type QuotaSettings,
  type RateSetting,
  type SourceObjectives,
  scopeKey,
} from "./settings.ts";

/** Everything that can hold the jobs of a lane back, as settings have it. */
export interface LaneLimits {
  readonly pauses: readonly { readonly scope: FlowScope; readonly pause: PauseSetting }[];
  readonly blackouts: readonly {
    readonly scope: FlowScope;
    readonly windows: readonly Blackout[];
  }[];
  /** Buckets that have a rate, and the host's, which finds one by itself. */
  readonly buckets: readonly {
    readonly scope: FlowScope;
    readonly rate: RateSetting | undefined;
  }[];
  readonly breakers: readonly { readonly scope: FlowScope; readonly setting: BreakerSetting }[];
  readonly concurrency: readonly { readonly scope: FlowScope; readonly limit: number }[];
  readonly dynamic:
    | {
        readonly scope: FlowScope;
        readonly setting: DynamicSetting;
        readonly objectives: SourceObjectives;
      }
    | undefined;
  readonly quotas: QuotaSettings | undefined;
}

/** Who answers the requests of a source: its host, or the source itself if it is not registered. */
export const hostOf = (config: FlowConfig, source: string): string =>
  config.sources.get(source)?.host ?? source;

/** What settings can tell lanes apart by. */
type LimitedLane = Pick<Lane, "queue" | "jobType" | "source" | "concurrencyKey">;

/** The scopes that a lane's jobs are of. */
function scopesOf(config: FlowConfig, lane: LimitedLane): FlowScope[] {
  const { queue, jobType, source, concurrencyKey } = lane;
  return [
    { kind: "tenant", name: "" },
    { kind: "queue", name: queue },
    { kind: "job_type", name: jobType },
    ...(source === ""
      ? []
      : [
          { kind: "source", name: source } as const,
          { kind: "host", name: hostOf(config, source) } as const,
        ]),
    ...(concurrencyKey === "" ? [] : [{ kind: "concurrency_key", name: concurrencyKey } as const]),
  ];
}

/** Lanes of a configuration whose limits are remembered. */
const MAX_REMEMBERED = 20_000;

// A configuration is replaced and never changed, and every claim and every outcome asks.
const remembered = new WeakMap<FlowConfig, Map<string, LaneLimits>>();

/** What the settings say about a lane; remembered for as long as the configuration is. */
export function limitsOf(config: FlowConfig, lane: LimitedLane): LaneLimits {
  let known = remembered.get(config);
  if (known === undefined || known.size > MAX_REMEMBERED) {
    known = new Map();
    remembered.set(config, known);
  }
  const key = `${lane.queue}\0${lane.jobType}\0${lane.source}\0${lane.concurrencyKey}`;
  let limits = known.get(key);
  if (limits === undefined) {
    limits = putTogether(config, lane);
    known.set(key, limits);
  }
  return limits;
}

function putTogether(config: FlowConfig, lane: LimitedLane): LaneLimits {
  const scopes = scopesOf(config, lane).map((scope) => ({
    scope,
    set: config.settings.get(scopeKey(scope)) ?? ({} as FlowSettings),
  }));
  const tenant = config.settings.get(scopeKey({ kind: "tenant", name: "" }));
  const perKey = tenant?.maxConcurrencyPerKey;
  const jobType = scopes.find(({ scope }) => scope.kind === "job_type");
  const dynamic = jobType?.set.dynamicConcurrency;
  const quotas = tenant?.quotas;
  return {
    pauses: scopes.flatMap(({ scope, set }) =>
      set.pause === undefined ? [] : [{ scope, pause: set.pause }],
    ),
    blackouts: scopes.flatMap(({ scope, set }) =>
      (set.blackouts ?? []).length === 0 ? [] : [{ scope, windows: set.blackouts ?? [] }],
    ),
    buckets: scopes.flatMap(({ scope, set }) =>
      set.rate === undefined && scope.kind !== "host" ? [] : [{ scope, rate: set.rate }],
    ),
    breakers: scopes.flatMap(({ scope, set }) => {
      const setting = set.breaker ?? (scope.kind === "host" ? { disabled: false } : undefined);
      return setting === undefined || setting.disabled ? [] : [{ scope, setting }];
    }),
    concurrency: scopes.flatMap(({ scope, set }) => {
      const limit = set.maxConcurrency ?? (scope.kind === "concurrency_key" ? perKey : undefined);
      return limit === undefined ? [] : [{ scope, limit }];
    }),
    dynamic:
      dynamic === undefined || jobType === undefined
        ? undefined
        : {
            scope: jobType.scope,
            setting: dynamic,
            objectives: config.sources.get(lane.source)?.objectives ?? {},
          },
    quotas,
  };
}
