import { type FlowScope, scopeKey } from "../../domain/flow/settings.ts";
import { type PageRequest, readPage } from "../page.ts";

/** A token bucket as an operator sees it. Rates are jobs a second. */
export interface LimiterView {
  readonly ratePerSecond: number;
  readonly ceilingPerSecond: number;
  readonly lastCutAt: Date | undefined;
  /** Empty: it was never cut. */
  readonly cutReason: string;
  readonly blockedUntil: Date | undefined;
}

/** A circuit breaker as an operator sees it. */
export interface BreakerView {
  readonly phase: "closed" | "open" | "half_open";
  readonly openUntil: Date | undefined;
  readonly timesOpened: number;
  readonly reason: string;
}

/** What the server found out about a scope by itself. */
export interface FlowStateView {
  readonly scope: FlowScope;
  readonly limiter?: LimiterView;
  readonly breaker?: BreakerView;
  /** The concurrency that dynamic concurrency came to. */
  readonly dynamicLimit?: number;
}

/** What {@link listStates} needs. */
export interface ListStatesPorts {
  /** All states of a tenant, in any order. */
  readonly readStates: (tenant: string) => Promise<readonly FlowStateView[]>;
}

/** Lists what limiters and breakers of a tenant, or of one scope, found out by themselves. */
export const listStates =
  (ports: ListStatesPorts) =>
  (tenant: string, scope: FlowScope | undefined, asked: PageRequest) => {
    const only = scope === undefined ? undefined : scopeKey(scope);
    return readPage(asked, {
      scope: { tenant, list: "flow_states", query: only ?? null },
      read: async (after) =>
        (await ports.readStates(tenant))
          .filter((state) => {
            const key = scopeKey(state.scope);
            return key > after && (only === undefined || key === only);
          })
          .sort((a, b) => (scopeKey(a.scope) < scopeKey(b.scope) ? -1 : 1)),
      positionOf: (state) => scopeKey(state.scope),
    });
  };
