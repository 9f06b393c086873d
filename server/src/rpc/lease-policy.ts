import { clone, create, getOption, type JsonValue, mergeFromJson } from "@bufbuild/protobuf";
import { type Duration, DurationSchema } from "@bufbuild/protobuf/wkt";
import { LeasePolicies, type LeasePolicy } from "../domain/lease-policy.ts";
import {
  type LeasePolicy as LeasePolicyMessage,
  LeasePolicySchema,
  lease_policy,
  RetryPolicySchema,
} from "../gen/stellaops/orchestrator/v1/lease_policy_pb.ts";
import { TaskRunnerService } from "../gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import { msOf } from "./durations.ts";
import { durationOfMs } from "./errors.ts";

/** The policy as the contract has it: the option on TaskRunnerService. */
const contractPolicy = (): LeasePolicyMessage =>
  clone(LeasePolicySchema, getOption(TaskRunnerService, lease_policy));

/**
 * Reads what an operator overrides: `{"default": {…}, "jobTypes": {"a.b": {…}}}`, each part a
 * LeasePolicy in proto JSON ("leaseTtl": "60s") of which only the fields named are overridden.
 * Throws an Error that names the field when the text is not that.
 */
export function readLeasePolicies(overrides: string | undefined): LeasePolicies {
  const { default: forAll, jobTypes, ...rest } = parse(overrides);
  const unknown = Object.keys(rest);
  if (unknown.length > 0) throw wrong(`unknown part ${unknown.join(", ")}`);
  const base = merged(contractPolicy(), forAll, "default");
  const byJobType = Object.entries(asObject(jobTypes ?? {}, "jobTypes")).map(
    ([jobType, policy]): [string, LeasePolicy] => [
      jobType,
      fromMessage(merged(clone(LeasePolicySchema, base), policy, `jobTypes.${jobType}`)),
    ],
  );
  return new LeasePolicies(fromMessage(base), new Map(byJobType));
}

function parse(text: string | undefined): Record<string, JsonValue> {
  if (text === undefined) return {};
  try {
    return asObject(JSON.parse(text) as JsonValue, "it");
  } catch (error) {
    throw error instanceof SyntaxError ? wrong(error.message) : error;
  }
}

function asObject(value: JsonValue, what: string): Record<string, JsonValue> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw wrong(`${what} must be a JSON object`);
}

function merged(
  policy: LeasePolicyMessage,
  overrides: JsonValue | undefined,
  path: string,
): LeasePolicyMessage {
  if (overrides === undefined) return policy;
  try {
    // A retry policy of which only some fields are named keeps the others.
    const { retry, ...rest } = asObject(overrides, path);
    mergeFromJson(LeasePolicySchema, policy, rest);
    if (retry !== undefined) {
      policy.retry ??= create(RetryPolicySchema);
      mergeFromJson(RetryPolicySchema, policy.retry, retry);
    }
    requireUsable(policy, path);
    return policy;
  } catch (error) {
    throw wrong(`${path}: ${(error as Error).message}`);
  }
}

/** The column that holds inline bytes takes no more, whatever an operator says. */
const MOST_PAYLOAD_BYTES = 262_144;

/** Longer than this neither a timer of Node's nor the ledger's integers can count: 24 days. */
const LONGEST_CLOCK_MS = 2 ** 31 - 1;

function requireUsable(message: LeasePolicyMessage, path: string): void {
  const policy = fromMessage(message);
  const { leaseTtlMs, renewIntervalMs, maxPayloadBytes, retry, maxInterruptions } = policy;
  const { offerAcceptDeadlineMs, attemptDeadlineMs, expirySweepMs, streamMaxAgeMs } = policy;
  const { artifactChunkBytes, maxMessageBytes, idempotencyRetentionMs } = policy;
  const clocks = { leaseTtlMs, renewIntervalMs, expirySweepMs, offerAcceptDeadlineMs };
  const timers = { ...clocks, attemptDeadlineMs, streamMaxAgeMs };
  const amounts = { idempotencyRetentionMs, artifactChunkBytes, maxMessageBytes, maxPayloadBytes };
  const positive = { ...timers, ...amounts, "retry.maxAttempts": retry.maxAttempts };
  for (const [name, value] of Object.entries(positive)) {
    if (!(value > 0)) throw new Error(`${name} must be more than 0`);
  }
  for (const [name, ms] of Object.entries({ ...timers, drainGraceMs: policy.drainGraceMs })) {
    if (ms > LONGEST_CLOCK_MS) throw new Error(`${name} must be at most 24 days`);
  }
  const notNegative = { drainGraceMs: policy.drainGraceMs, maxInterruptions, ...retry };
  for (const [name, value] of Object.entries(notNegative)) {
    if (!(value >= 0)) throw new Error(`${name} must not be negative`);
  }
  if (maxPayloadBytes > MOST_PAYLOAD_BYTES) {
    throw new Error(`maxPayloadBytes must be at most ${MOST_PAYLOAD_BYTES}`);
  }
  if (renewIntervalMs * 2 > leaseTtlMs) {
    throw new Error(
      `a lease of ${path} must outlive a missed renewal: leaseTtl ≥ 2 × renewInterval`,
    );
  }
}

const wrong = (why: string) => new Error(`ORCH_LEASE_POLICY (--lease-policy): ${why}`);

const NO_TIME: Duration = create(DurationSchema);

const fromMessage = (message: LeasePolicyMessage): LeasePolicy => {
  const ms = (duration: Duration | undefined) => msOf(duration ?? NO_TIME);
  const retry = message.retry ?? create(RetryPolicySchema);
  return {
    offerAcceptDeadlineMs: ms(message.offerAcceptDeadline),
    leaseTtlMs: ms(message.leaseTtl),
    renewIntervalMs: ms(message.renewInterval),
    expirySweepMs: ms(message.expirySweep),
    attemptDeadlineMs: ms(message.attemptDeadline),
    drainGraceMs: ms(message.drainGrace),
    unaryPollDefaultMs: ms(message.unaryPollDefault),
    unaryPollMaxMs: ms(message.unaryPollMax),
    streamMaxAgeMs: ms(message.streamMaxAge),
    goawayNoticeMs: ms(message.goawayNotice),
    reconnectMinMs: ms(message.reconnectMin),
    reconnectMaxMs: ms(message.reconnectMax),
    retry: {
      maxAttempts: retry.maxAttempts,
      initialBackoffMs: ms(retry.initialBackoff),
      multiplier: retry.multiplier,
      maxBackoffMs: ms(retry.maxBackoff),
      maxElapsedMs: ms(retry.maxElapsed),
    },
    maxInterruptions: message.maxInterruptions,
    interruptionWindowMs: ms(message.interruptionWindow),
    artifactChunkBytes: message.artifactChunkBytes,
    maxMessageBytes: message.maxMessageBytes,
    maxPayloadBytes: message.maxPayloadBytes,
    idempotencyRetentionMs: ms(message.idempotencyRetention),
  };
};

/** A policy as a message. */
export const toMessage = (policy: LeasePolicy): LeasePolicyMessage =>
  create(LeasePolicySchema, {
    offerAcceptDeadline: durationOfMs(policy.offerAcceptDeadlineMs),
    leaseTtl: durationOfMs(policy.leaseTtlMs),
    renewInterval: durationOfMs(policy.renewIntervalMs),
    expirySweep: durationOfMs(policy.expirySweepMs),
    attemptDeadline: durationOfMs(policy.attemptDeadlineMs),
    drainGrace: durationOfMs(policy.drainGraceMs),
    unaryPollDefault: durationOfMs(policy.unaryPollDefaultMs),
    unaryPollMax: durationOfMs(policy.unaryPollMaxMs),
    streamMaxAge: durationOfMs(policy.streamMaxAgeMs),
    goawayNotice: durationOfMs(policy.goawayNoticeMs),
    reconnectMin: durationOfMs(policy.reconnectMinMs),
    reconnectMax: durationOfMs(policy.reconnectMaxMs),
    retry: {
      maxAttempts: policy.retry.maxAttempts,
      initialBackoff: durationOfMs(policy.retry.initialBackoffMs),
      multiplier: policy.retry.multiplier,
      maxBackoff: durationOfMs(policy.retry.maxBackoffMs),
      maxElapsed: durationOfMs(policy.retry.maxElapsedMs),
    },
    maxInterruptions: policy.maxInterruptions,
    interruptionWindow: durationOfMs(policy.interruptionWindowMs),
    artifactChunkBytes: policy.artifactChunkBytes,
    maxMessageBytes: policy.maxMessageBytes,
    maxPayloadBytes: policy.maxPayloadBytes,
    idempotencyRetention: durationOfMs(policy.idempotencyRetentionMs),
  });
