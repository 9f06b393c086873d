import type { BreakerState } from "../../domain/flow/breaker.ts";
import type { ConcurrencyState } from "../../domain/flow/concurrency.ts";
import type { KnownStates } from "../../domain/flow/lane-gate.ts";
import type { FlowScope } from "../../domain/flow/settings.ts";
import type { BucketState } from "../../domain/flow/token-bucket.ts";
import { stateKey, type TenantStates } from "./state-store.ts";

/** A tenant's states with their types: here what a store keeps is said to be what it is. */
export interface TypedStates extends KnownStates {
  readonly dynamic: (scope: FlowScope) => ConcurrencyState | undefined;
}

/** Reads states by scope. */
export const knownStates = (states: TenantStates): TypedStates => ({
  bucket: (scope) => states.get(stateKey("bucket", scope)) as BucketState | undefined,
  breaker: (scope) => states.get(stateKey("breaker", scope)) as BreakerState | undefined,
  dynamic: (scope) => states.get(stateKey("dynamic", scope)) as ConcurrencyState | undefined,
});
