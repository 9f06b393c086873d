import { type FlowScope, scopeKey } from "../../domain/flow/settings.ts";
import { type PageScope, readPageToken, writePageToken } from "../../domain/page-token.ts";
import { cutPage, pageSizeOf } from "./page.ts";

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

/** A page of states, by kind and name of their scope. */
export type ListStatesResult =
  | {
      readonly kind: "page";
      readonly states: readonly FlowStateView[];
      /** Empty on the last page. */
      readonly nextPageToken: string;
    }
  | { readonly kind: "page_token_invalid" };

/** What {@link listStates} needs. */
export interface ListStatesPorts {
  /** All states of a tenant, in any order. */
  readonly readStates: (tenant: string) => Promise<readonly FlowStateView[]>;
}

/** Lists what limiters and breakers of a tenant, or of one scope, found out by themselves. */
export const listStates =
  (ports: ListStatesPorts) =>
  async (
    tenant: string,
    scope: FlowScope | undefined,
    pageSize: number,
    pageToken: string,
  ): Promise<ListStatesResult> => {
    const only = scope === undefined ? undefined : scopeKey(scope);
    const page: PageScope = { tenant, list: "flow_states", query: only ?? null };
    const after = pageToken === "" ? "" : readPageToken(page, pageToken);
    if (after === undefined) return { kind: "page_token_invalid" };
    const found = (await ports.readStates(tenant))
      .filter((state) => {
        const key = scopeKey(state.scope);
        return key > after && (only === undefined || key === only);
      })
      .sort((a, b) => (scopeKey(a.scope) < scopeKey(b.scope) ? -1 : 1));
    const { items, continueAfter } = cutPage(found, pageSizeOf(pageSize));
    const nextPageToken =
      continueAfter === undefined ? "" : writePageToken(page, scopeKey(continueAfter.scope));
    return { kind: "page", states: items, nextPageToken };
  };
