import { create } from "@bufbuild/protobuf";
import type { FlowScope, FlowScopeKind } from "../domain/flow/settings.ts";
import {
  FlowScopeKind as FlowScopeKindMessage,
  type FlowScope as FlowScopeMessage,
  FlowScopeSchema,
} from "../gen/stellaops/orchestrator/v1/flow_control_pb.ts";

const KINDS: Readonly<Record<FlowScopeKind, FlowScopeKindMessage>> = {
  tenant: FlowScopeKindMessage.TENANT,
  queue: FlowScopeKindMessage.QUEUE,
  job_type: FlowScopeKindMessage.JOB_TYPE,
  source: FlowScopeKindMessage.SOURCE,
  host: FlowScopeKindMessage.HOST,
  concurrency_key: FlowScopeKindMessage.CONCURRENCY_KEY,
};

const KIND_NAMES: ReadonlyMap<FlowScopeKindMessage, FlowScopeKind> = new Map(
  Object.entries(KINDS).map(([name, value]) => [value, name as FlowScopeKind]),
);

/** A kind as the domain names it; undefined if it is not said. */
export const scopeKindOf = (kind: FlowScopeKindMessage): FlowScopeKind | undefined =>
  KIND_NAMES.get(kind);

/** A scope off the wire; undefined if there is none. */
export function scopeIfSet(message: FlowScopeMessage | undefined): FlowScope | undefined {
  const kind = message && scopeKindOf(message.kind);
  return kind === undefined ? undefined : { kind, name: message?.name ?? "" };
}

/** A scope off the wire that the contract's rules require. */
export function scopeOf(message: FlowScopeMessage | undefined): FlowScope {
  const scope = scopeIfSet(message);
  if (scope === undefined) throw new Error("validation let a message without a scope through");
  return scope;
}

/** A scope as the contract writes it. */
export const scopeMessage = (scope: FlowScope): FlowScopeMessage =>
  create(FlowScopeSchema, { kind: KINDS[scope.kind], name: scope.name });
