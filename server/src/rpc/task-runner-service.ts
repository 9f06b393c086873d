import { create } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type { ClaimRequest, claimJobs } from "../app/bridge/claim-jobs.ts";
import type { LeaseWrites } from "../app/bridge/lease-writes.ts";
import type { WriteKind, WriteResult } from "../app/bridge/session-frames.ts";
import type { LeaseRef, WriteVerdict } from "../domain/lease.ts";
import type { LeasePolicies } from "../domain/lease-policy.ts";
import {
  CheckLeaseResponseSchema,
  type ClaimJobsRequest,
  type TaskRunnerService,
} from "../gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import { msIfSet } from "./durations.ts";
import { durationOfMs, notFound } from "./errors.ts";
import { tenantOf } from "./interceptors/tenant.ts";
import { DEFAULT_QUEUE } from "./job-spec.ts";
import { toMessage } from "./lease-policy.ts";
import { type SessionStreamPorts, sessionStream } from "./session-stream.ts";
import {
  readCompletions,
  readFailures,
  readLease,
  readProgress,
  readReleases,
  writeOffer,
  writeResult,
  writeVerdict,
} from "./worker-frames.ts";

/** The use cases behind the service. */
export interface TaskRunnerPorts extends SessionStreamPorts {
  readonly writes: LeaseWrites;
  readonly claim: ReturnType<typeof claimJobs>;
  readonly checkLease: (lease: LeaseRef) => Promise<
    | {
        readonly current: boolean;
        readonly newestEpoch: number;
        readonly expiresInMs: number | undefined;
      }
    | undefined
  >;
  readonly policies: LeasePolicies;
  /** Aborted when the server stops: claims that wait end empty. */
  readonly stopping: AbortSignal;
}

/** Writes the verdicts of a batch, in the order of its items. */
const results = (
  kind: WriteKind,
  items: readonly { readonly lease: LeaseRef; readonly completionId?: string | undefined }[],
  verdicts: readonly WriteVerdict[],
) => ({
  results: items.map(({ lease, completionId }, index) =>
    writeResult({
      kind,
      lease,
      completionId,
      verdict: verdicts[index] as WriteResult["verdict"],
    }),
  ),
});

const readClaim = (
  tenant: string,
  request: ClaimJobsRequest,
  maxPayload: number,
): ClaimRequest => ({
  tenant,
  claimRequestId: request.claimRequestId,
  workerId: request.workerId,
  jobTypes: request.jobTypes,
  queues: request.queues.length > 0 ? request.queues : [DEFAULT_QUEUE],
  maxJobs: request.maxJobs || 1,
  waitMs: msIfSet(request.wait),
  maxPayloadBytes: Math.min(request.maxPayloadBytes || maxPayload, maxPayload),
});

/** TaskRunnerService: translates, and leaves the work to the bridge. */
export const taskRunnerService = (
  ports: TaskRunnerPorts,
): ServiceImpl<typeof TaskRunnerService> => ({
  session: (requests, context) => sessionStream(ports, requests, context),

  async claimJobs(request, context) {
    const signal = AbortSignal.any([context.signal, ports.stopping]);
    const claim = readClaim(tenantOf(context), request, ports.maxPayloadBytes);
    const offers = await ports.claim(claim, signal);
    return { jobs: offers.map((offer) => writeOffer("", offer)) };
  },

  async renewLeases(request, context) {
    const leases = request.leases.map((lease) => readLease(tenantOf(context), lease));
    const answers = await ports.writes.renew(
      leases.map((lease) => ({ lease, sessionId: undefined })),
    );
    return {
      verdicts: leases.map((lease, index) => {
        const { verdict = "unknown", attemptLeftMs } = answers[index] ?? {};
        return writeVerdict({ lease, verdict, attemptLeftMs });
      }),
    };
  },

  async reportProgress(request, context) {
    const writes = readProgress(tenantOf(context), request);
    return results("progress", writes, await ports.writes.progress(writes));
  },

  async completeAttempts(request, context) {
    const completions = readCompletions(tenantOf(context), request);
    return results("complete", completions, await ports.writes.complete(completions));
  },

  async failAttempts(request, context) {
    const failures = readFailures(tenantOf(context), request);
    return results("fail", failures, await ports.writes.end(failures));
  },

  async releaseLeases(request, context) {
    const releases = readReleases(tenantOf(context), request);
    return results("release", releases, await ports.writes.release(releases));
  },

  async checkLease(request, context: HandlerContext) {
    const lease = readLease(tenantOf(context), request.lease);
    const standing = await ports.checkLease(lease);
    if (standing === undefined) throw notFound("JOB_NOT_FOUND", { jobId: lease.jobId });
    return create(CheckLeaseResponseSchema, {
      current: standing.current,
      newestLeaseEpoch: BigInt(standing.newestEpoch),
      ...(standing.current && standing.expiresInMs !== undefined
        ? { expiresIn: durationOfMs(standing.expiresInMs) }
        : {}),
    });
  },

  getLeasePolicy: (request) =>
    Promise.resolve({ leasePolicy: toMessage(ports.policies.for(request.jobType)) }),
});
