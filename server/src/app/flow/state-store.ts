import type { FlowScope } from "../../domain/flow/settings.ts";

/** What is kept about a scope besides its settings. */
export type FlowStateKind = "bucket" | "breaker" | "dynamic";

/** Names a state within its tenant, such as "bucket:host:osv.dev". */
export const stateKey = (kind: FlowStateKind, scope: FlowScope): string =>
  `${kind}:${scope.kind}:${scope.name}`;

/** What a {@link stateKey} names. */
export function parseStateKey(key: string): { kind: FlowStateKind; scope: FlowScope } {
  const [kind, scopeKind, ...name] = key.split(":");
  return {
    kind: kind as FlowStateKind,
    scope: { kind: scopeKind as FlowScope["kind"], name: name.join(":") },
  };
}

/**
 * A step of a state, pure, for it may be run again: from what is stored (undefined: nothing) at a
 * moment of the store's clock to what is to be stored (undefined: nothing) and an answer.
 */
export type StateStep = (
  state: unknown,
  nowMs: number,
) => { readonly state: unknown; readonly answer: unknown };

/** The states of a tenant, by key. */
export type TenantStates = ReadonlyMap<string, unknown>;

/**
 * Keeps the states that all replicas share: one bucket for a host, not one per replica. States
 * are plain JSON. What is lost here delays or hurries a job by some seconds and no more.
 */
export interface FlowStateStore {
  /**
   * Steps several states of a tenant, each atomically against everybody else's steps of it.
   * Answers the new states with the steps' answers, by key.
   */
  readonly update: (
    tenant: string,
    steps: ReadonlyMap<string, StateStep>,
  ) => Promise<ReadonlyMap<string, { readonly state: unknown; readonly answer: unknown }>>;
  /** All states of these tenants. */
  readonly read: (tenants: readonly string[]) => Promise<ReadonlyMap<string, TenantStates>>;
}
