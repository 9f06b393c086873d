import { readFileSync } from "node:fs";
import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { LeasePolicySchema } from "../gen/stellaops/orchestrator/v1/lease_policy_pb.ts";
import { clocksOf, contractClocks } from "./lease-policy.ts";

/** The value of a knob as the contract's text has it, in milliseconds or bytes. */
function inProto(knob: string): number {
  const path = "../../../proto/stellaops/orchestrator/v1/task_runner.proto";
  const text = readFileSync(new URL(path, import.meta.url), "utf8");
  const value = new RegExp(`^ {4}${knob}: (.+)$`, "m").exec(text)?.[1] ?? "";
  const [, unit, digits] = /\{(seconds|nanos): (\d+)\}/.exec(value) ?? [];
  if (digits === undefined) return Number(value);
  return unit === "seconds" ? Number(digits) * 1000 : Number(digits) / 1e6;
}

test("the defaults in use are the contract's", () => {
  expect(contractClocks).toEqual({
    offerAcceptDeadlineMs: inProto("offer_accept_deadline"),
    leaseTtlMs: inProto("lease_ttl"),
    renewIntervalMs: inProto("renew_interval"),
    attemptDeadlineMs: inProto("attempt_deadline"),
    drainGraceMs: inProto("drain_grace"),
    reconnectMinMs: inProto("reconnect_min"),
    reconnectMaxMs: inProto("reconnect_max"),
    artifactChunkBytes: inProto("artifact_chunk_bytes"),
    maxMessageBytes: inProto("max_message_bytes"),
    maxPayloadBytes: inProto("max_payload_bytes"),
  });
});

test("what a server sends wins, what it leaves out stays", () => {
  const welcome = create(LeasePolicySchema, {
    renewInterval: { seconds: 3n },
    maxPayloadBytes: 1024,
  });
  expect(clocksOf(welcome, contractClocks)).toEqual({
    ...contractClocks,
    renewIntervalMs: 3_000,
    maxPayloadBytes: 1024,
  });
  expect(clocksOf(undefined, contractClocks)).toEqual(contractClocks);
});
