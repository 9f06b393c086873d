import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type {
  CompleteRequest,
  EndRequest,
  ProgressWrite,
  ReleaseRequest,
} from "../app/bridge/lease-writes.ts";
import type {
  Hello,
  ServerFrame,
  Verdict,
  WorkerFrame,
  WriteResult,
} from "../app/bridge/session-frames.ts";
import type { LeaseRef } from "../domain/lease.ts";
import type { Offer } from "../domain/offer.ts";
import { JobState } from "../gen/stellaops/orchestrator/v1/job_pb.ts";
import {
  CancelReason,
  type CompleteAttemptsRequest,
  type FailAttemptsRequest,
  GoawayReason,
  type Hello as HelloMessage,
  type LeaseRef as LeaseRefMessage,
  LeaseRefSchema,
  LeaseVerdict,
  OfferSchema,
  type ReleaseLeasesRequest,
  ReleaseReason,
  type ReportProgressRequest,
  type ServerFrame as ServerFrameMessage,
  ServerFrameSchema,
  type WorkerFrame as WorkerFrameMessage,
  WriteKind,
  WriteResultSchema,
  WriteVerdict,
} from "../gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import { hintMessage } from "./blocked-by.ts";
import { msIfSet } from "./durations.ts";
import { durationOfMs, failedPrecondition, invalidArgument, toStatus } from "./errors.ts";
import { readFailure, storable } from "./failures.ts";
import { DEFAULT_QUEUE } from "./job-spec.ts";
import { jobSpecMessage, stateMessage } from "./job-view.ts";
import { toMessage } from "./lease-policy.ts";

/**
 * A lease off the wire. Validation has seen that it is there. Throws INVALID_ARGUMENT
 * (TEXT_INVALID) for a token that the ledger cannot compare, before anything else of the same
 * message takes effect.
 */
export function readLease(tenant: string, message: LeaseRefMessage | undefined): LeaseRef {
  const leaseToken = message?.leaseToken ?? "";
  if (leaseToken.includes("\0")) {
    const description = "must not contain the character U+0000";
    throw invalidArgument("TEXT_INVALID", [{ field: "lease_token", description }]);
  }
  return {
    tenant,
    // The rule for UUIDs allows capitals; the ledger answers in lower case.
    jobId: message?.jobId.toLowerCase() ?? "",
    attempt: message?.attempt ?? 0,
    leaseEpoch: epochOf(message?.leaseEpoch ?? 0n),
    leaseToken,
  };
}

/** No job gets that many leases: an epoch beyond what a number holds is a stale one. */
const epochOf = (epoch: bigint): number =>
  epoch > Number.MAX_SAFE_INTEGER ? Number.MAX_SAFE_INTEGER : Number(epoch);

const readLeases = (tenant: string, messages: readonly LeaseRefMessage[]): LeaseRef[] =>
  messages.map((message) => readLease(tenant, message));

/** A Hello off the wire, its defaults filled in. */
export function readHello(tenant: string, message: HelloMessage, maxPayload: number): Hello {
  requireDistinct("hello.pools", message.pools);
  return {
    workerId: message.workerId,
    instanceId: message.instanceId,
    pools: message.pools.map((pool) => ({
      name: pool.name,
      jobTypes: pool.jobTypes,
      queues: pool.queues.length > 0 ? pool.queues : [DEFAULT_QUEUE],
      slots: pool.slots,
    })),
    heldLeases: readLeases(tenant, message.heldLeases),
    maxPayloadBytes: Math.min(message.maxPayloadBytes || maxPayload, maxPayload),
    leaseAtOnce: message.leaseAtOnce,
    sdk: message.sdk,
    host: message.host,
    labels: message.labels,
  };
}

/** Completions off the wire. */
export const readCompletions = (
  tenant: string,
  message: CompleteAttemptsRequest,
): CompleteRequest[] =>
  message.completions.map(({ lease, completionId, result, artifacts }, index) => {
    requireDistinct(`completions[${index}].artifacts`, artifacts);
    return {
      lease: readLease(tenant, lease),
      completionId: completionId.toLowerCase(),
      result,
      artifacts,
    };
  });

/** What the contract calls unique by name, and no rule of its language can say. */
function requireDistinct(path: string, named: readonly { readonly name: string }[]): void {
  const seen = new Set<string>();
  named.forEach(({ name }, index) => {
    if (seen.has(name)) {
      const violation = { field: `${path}[${index}].name`, description: "stands twice" };
      throw invalidArgument("REQUEST_INVALID", [violation]);
    }
    seen.add(name);
  });
}

/** Failures off the wire. */
export const readFailures = (tenant: string, message: FailAttemptsRequest): EndRequest[] =>
  message.failures.map(({ lease, completionId, failure }) => ({
    lease: readLease(tenant, lease),
    completionId: completionId.toLowerCase(),
    cause: { kind: "failed", failure: readFailure(failure) },
    actor: "worker",
  }));

/** Releases off the wire. */
export const readReleases = (tenant: string, message: ReleaseLeasesRequest): ReleaseRequest[] =>
  message.releases.map(({ lease, reason }) => ({
    lease: readLease(tenant, lease),
    reason: reason === ReleaseReason.DRAINED ? "drained" : "unstarted",
  }));

/** Progress off the wire. */
export const readProgress = (tenant: string, message: ReportProgressRequest): ProgressWrite[] =>
  message.reports.map(({ lease, progress }) => ({
    lease: readLease(tenant, lease),
    fraction: progress?.fraction ?? 0,
    message: storable(progress?.message ?? ""),
    checkpoint: progress?.checkpoint ?? new Uint8Array(),
  }));

/** A frame off the wire, other than the first. */
export function readWorkerFrame(tenant: string, { frame }: WorkerFrameMessage): WorkerFrame {
  switch (frame.case) {
    case "credit":
      return { kind: "credit", pools: frame.value.pools };
    case "accept":
      return { kind: "accept", leases: readLeases(tenant, frame.value.leases) };
    case "heartbeat":
      return { kind: "heartbeat", leases: readLeases(tenant, frame.value.leases) };
    case "progress":
      return { kind: "progress", writes: readProgress(tenant, frame.value) };
    case "complete":
      return { kind: "complete", requests: readCompletions(tenant, frame.value) };
    case "fail":
      return { kind: "fail", requests: readFailures(tenant, frame.value) };
    case "release":
      return { kind: "release", requests: readReleases(tenant, frame.value) };
    case "throttle":
      return {
        kind: "throttle",
        resourceKey: frame.value.resourceKey,
        retryAfterMs: msIfSet(frame.value.retryAfter),
        remaining: frame.value.remaining === undefined ? undefined : Number(frame.value.remaining),
      };
    case "drain":
      return { kind: "drain", reason: frame.value.reason };
    case "ping":
    case "pong":
      return { kind: frame.case, nonce: frame.value.nonce };
    case "hello":
      throw failedPrecondition("HELLO_REPEATED");
    default:
      throw invalidArgument("REQUEST_INVALID", [{ field: "frame", description: "is required" }]);
  }
}

const writeLease = ({ jobId, attempt, leaseEpoch, leaseToken }: LeaseRef): LeaseRefMessage =>
  create(LeaseRefSchema, { jobId, attempt, leaseEpoch: BigInt(leaseEpoch), leaseToken });

/** An offer as a message. */
export const writeOffer = (pool: string, offer: Offer) =>
  create(OfferSchema, {
    lease: writeLease(offer.lease),
    pool,
    spec: jobSpecMessage(offer.lease.jobId, offer.spec),
    leaseTtl: durationOfMs(offer.leaseTtlMs),
    attemptDeadline: durationOfMs(offer.attemptDeadlineMs),
    checkpoint: (offer.checkpoint ?? new Uint8Array()) as Uint8Array<ArrayBuffer>,
    runId: offer.runId ?? "",
    name: offer.name ?? "",
    createTime: timestampFromDate(offer.createdAt),
  });

const WRITE_KINDS: Readonly<Record<WriteResult["kind"], WriteKind>> = {
  accept: WriteKind.ACCEPT,
  progress: WriteKind.PROGRESS,
  complete: WriteKind.COMPLETE,
  fail: WriteKind.FAIL,
  release: WriteKind.RELEASE,
};

/** What became of a write, as a message. */
export function writeResult({ kind, lease, completionId, verdict }: WriteResult) {
  const answer: MessageInitShape<typeof WriteResultSchema> = {
    kind: WRITE_KINDS[kind],
    jobId: lease.jobId,
    leaseEpoch: BigInt(lease.leaseEpoch),
    completionId: completionId ?? "",
  };
  const known = "state" in verdict && kind !== "progress" ? verdict.state : undefined;
  const state = known === undefined ? JobState.UNSPECIFIED : stateMessage(known);
  switch (verdict.kind) {
    case "applied":
      return create(WriteResultSchema, { ...answer, state, verdict: WriteVerdict.APPLIED });
    case "already_applied":
      return create(WriteResultSchema, { ...answer, state, verdict: WriteVerdict.ALREADY_APPLIED });
    case "stale_lease":
      return create(WriteResultSchema, { ...answer, state, verdict: WriteVerdict.STALE_LEASE });
    case "artifact_not_found":
      return create(WriteResultSchema, {
        ...answer,
        verdict: WriteVerdict.REJECTED,
        error: toStatus(
          failedPrecondition("ARTIFACT_NOT_FOUND", { digests: verdict.digests.join(",") }),
        ),
      });
    case "result_too_large": {
      const { bytes, maxBytes } = verdict;
      const description = `has ${bytes} bytes, at most ${maxBytes} fit; upload an artifact`;
      const violations = [{ field: "result", description }];
      return create(WriteResultSchema, {
        ...answer,
        verdict: WriteVerdict.REJECTED,
        error: toStatus(invalidArgument("RESULT_TOO_LARGE", violations, { bytes, maxBytes })),
      });
    }
  }
}

const LEASE_VERDICTS = {
  renewed: LeaseVerdict.RENEWED,
  superseded: LeaseVerdict.SUPERSEDED,
  cancelled: LeaseVerdict.CANCELLED,
  unknown: LeaseVerdict.UNKNOWN,
} as const;

/** What became of a renewal, as a message. */
export const writeVerdict = ({ lease, verdict, attemptLeftMs }: Verdict) => ({
  jobId: lease.jobId,
  leaseEpoch: BigInt(lease.leaseEpoch),
  verdict: LEASE_VERDICTS[verdict],
  ...(attemptLeftMs === undefined ? {} : { attemptTimeLeft: durationOfMs(attemptLeftMs) }),
});

const CANCEL_REASONS = {
  user: CancelReason.USER,
  deadline: CancelReason.DEADLINE,
  superseded: CancelReason.SUPERSEDED,
  preempted: CancelReason.PREEMPTED,
  drain: CancelReason.DRAIN,
} as const;

const GOAWAY_REASONS = {
  shutdown: GoawayReason.SHUTDOWN,
  max_age: GoawayReason.MAX_AGE,
  superseded: GoawayReason.SUPERSEDED,
} as const;

/** A frame on its way to a worker. */
export const writeServerFrame = (frame: ServerFrame, serverId: string): ServerFrameMessage =>
  create(ServerFrameSchema, { frame: frameOf(frame, serverId) });

function frameOf(
  frame: ServerFrame,
  serverId: string,
): NonNullable<MessageInitShape<typeof ServerFrameSchema>["frame"]> {
  switch (frame.kind) {
    case "welcome":
      return {
        case: "welcome",
        value: { sessionId: frame.sessionId, serverId, leasePolicy: toMessage(frame.policy) },
      };
    case "offers":
      return {
        case: "offers",
        value: {
          offers: frame.offers.map((offer) => writeOffer(frame.pool, offer)),
          active: frame.active,
        },
      };
    case "verdicts": {
      return { case: "verdicts", value: { verdicts: frame.verdicts.map(writeVerdict) } };
    }
    case "cancels": {
      const cancels = frame.cancels.map(({ jobId, leaseEpoch, reason, graceMs }) => ({
        jobId,
        leaseEpoch: BigInt(leaseEpoch),
        reason: CANCEL_REASONS[reason],
        grace: durationOfMs(graceMs),
      }));
      return { case: "cancels", value: { cancels } };
    }
    case "goaway":
      return {
        case: "goaway",
        value: {
          reason: GOAWAY_REASONS[frame.reason],
          finishBy: durationOfMs(frame.finishByMs),
          reconnectWindow: durationOfMs(frame.reconnectWindowMs),
        },
      };
    case "results":
      return { case: "results", value: { results: frame.results.map(writeResult) } };
    case "hint":
      return { case: "hint", value: hintMessage(frame) };
    case "drain_ack":
      return { case: "drainAck", value: {} };
    case "ping":
    case "pong":
      return { case: frame.kind, value: { nonce: frame.nonce } };
  }
}
