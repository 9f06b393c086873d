import { getOption } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import {
  type LeasePolicy,
  lease_policy,
} from "../gen/stellaops/orchestrator/v1/lease_policy_pb.ts";
import { TaskRunnerService } from "../gen/stellaops/orchestrator/v1/task_runner_pb.ts";

/** The clocks and sizes that a client or worker goes by; durations in milliseconds. */
export interface LeaseClocks {
  /** How long an offer waits for its accept. */
  readonly offerAcceptDeadlineMs: number;
  /** How long a lease lives without a renewal. */
  readonly leaseTtlMs: number;
  /** How often leases are renewed and how often both sides ping in-band. */
  readonly renewIntervalMs: number;
  /** How long one attempt may run. */
  readonly attemptDeadlineMs: number;
  /** How long a draining worker may go on with what it holds. */
  readonly drainGraceMs: number;
  /** The smallest reconnect delay. */
  readonly reconnectMinMs: number;
  /** The largest reconnect delay. */
  readonly reconnectMaxMs: number;
  /** The largest artifact chunk, in bytes. */
  readonly artifactChunkBytes: number;
  /** The largest message that the server reads, in bytes. */
  readonly maxMessageBytes: number;
  /** The largest inline payload, result or checkpoint, in bytes. */
  readonly maxPayloadBytes: number;
}

const durations = {
  offerAcceptDeadlineMs: "offerAcceptDeadline",
  leaseTtlMs: "leaseTtl",
  renewIntervalMs: "renewInterval",
  attemptDeadlineMs: "attemptDeadline",
  drainGraceMs: "drainGrace",
  reconnectMinMs: "reconnectMin",
  reconnectMaxMs: "reconnectMax",
} as const;
const sizes = ["artifactChunkBytes", "maxMessageBytes", "maxPayloadBytes"] as const;

/**
 * The clocks of a policy laid over others: what the policy does not set (or sets to zero) stays
 * as it is in `base`. A server's Welcome is laid over the contract's defaults this way.
 */
export function clocksOf(policy: LeasePolicy | undefined, base?: LeaseClocks): LeaseClocks {
  const clocks: Record<string, number> = { ...base };
  for (const [name, field] of Object.entries(durations)) {
    const duration = policy?.[field];
    const ms = duration === undefined ? 0 : durationMs(duration);
    if (ms > 0 || clocks[name] === undefined) clocks[name] = ms;
  }
  for (const field of sizes) {
    const bytes = policy?.[field] ?? 0;
    if (bytes > 0 || clocks[field] === undefined) clocks[field] = bytes;
  }
  return clocks as unknown as LeaseClocks;
}

/**
 * The defaults as the contract states them: the `lease_policy` option on TaskRunnerService, the
 * one place where these numbers are typed.
 */
export const contractPolicy: LeasePolicy = getOption(TaskRunnerService, lease_policy);

/** {@link contractPolicy} in milliseconds and bytes. */
export const contractClocks: LeaseClocks = clocksOf(contractPolicy);
