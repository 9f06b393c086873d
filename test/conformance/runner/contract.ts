import { getOption, type JsonObject, toJson } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import { type LeasePolicy, LeasePolicySchema, lease_policy, TaskRunnerService } from "./api.ts";

const policy: LeasePolicy = getOption(TaskRunnerService, lease_policy);

/** What every SDK must be able to tell. */
const required = [
  "offer_accept_deadline",
  "lease_ttl",
  "renew_interval",
  "attempt_deadline",
  "drain_grace",
  "reconnect_min",
  "reconnect_max",
  "artifact_chunk_bytes",
  "max_message_bytes",
  "max_payload_bytes",
] as const;

/** The contract's defaults by field name: durations in milliseconds, sizes and counts as are. */
export function contractDefaults(): { all: Map<string, number>; required: readonly string[] } {
  const all = new Map<string, number>();
  for (const field of LeasePolicySchema.fields) {
    if (field.fieldKind === "scalar") all.set(field.name, Number(policy[field.localName as never]));
    else if (field.message?.typeName === "google.protobuf.Duration") {
      all.set(field.name, durationMs(policy[field.localName as never]));
    }
  }
  return { all, required };
}

/**
 * The policy in the scripted server's Welcome: the contract's, with clocks short enough to see
 * them tick, and whatever the scenario says on top.
 */
export function welcomePolicy(overrides: JsonObject): JsonObject {
  const contract = toJson(LeasePolicySchema, policy) as JsonObject;
  return {
    ...contract,
    offerAcceptDeadline: "2s",
    leaseTtl: "4s",
    renewInterval: "1s",
    drainGrace: "3s",
    reconnectMin: "0.050s",
    reconnectMax: "0.400s",
    ...overrides,
  };
}
