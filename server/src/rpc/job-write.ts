import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import type { Audit } from "../app/audit.ts";
import type { EnqueueItem, EnqueueResult } from "../app/jobs/enqueue-jobs.ts";
import type { CancelOutcome, RetryOutcome } from "../app/jobs/operate-jobs.ts";
import {
  CancelOutcome as CancelOutcomeMessage,
  EnqueueOutcome,
  EnqueueResultSchema,
  type JobService,
  RetryOutcome as RetryOutcomeMessage,
} from "../gen/stellaops/orchestrator/v1/job_pb.ts";
import { auditOf } from "./audit.ts";
import { msIfSet } from "./durations.ts";
import { alreadyExists, failedPrecondition, invalidArgument, toStatus } from "./errors.ts";
import { tenantOf } from "./interceptors/tenant.ts";
import { readJobSpec } from "./job-spec.ts";
import { stateMessage } from "./job-view.ts";
import { refusalError } from "./refusals.ts";

/** The use cases that change jobs. */
export interface JobWritePorts {
  readonly enqueue: (tenant: string, items: readonly EnqueueItem[]) => Promise<EnqueueResult[]>;
  readonly cancel: (
    tenant: string,
    jobIds: readonly string[],
    audit: Audit,
    graceMs: number | undefined,
  ) => Promise<readonly CancelOutcome[]>;
  readonly retry: (
    tenant: string,
    jobIds: readonly string[],
    audit: Audit,
  ) => Promise<readonly RetryOutcome[]>;
}

type Writes = Pick<ServiceImpl<typeof JobService>, "enqueueJobs" | "cancelJobs" | "retryJobs">;

/** The half of JobService that changes jobs. */
export const jobWrites = (ports: JobWritePorts): Writes => ({
  async enqueueJobs(request, context) {
    const items = request.jobs.map((spec, index) => ({
      jobId: spec.jobId === "" ? undefined : spec.jobId,
      spec: readJobSpec(spec, `jobs[${index}]`),
    }));
    const results = await ports.enqueue(tenantOf(context), items);
    return { results: results.map(writeEnqueueResult) };
  },

  async cancelJobs(request, context) {
    const jobIds = request.jobIds.map((id) => id.toLowerCase());
    const graceMs = msIfSet(request.grace);
    const outcomes = await ports.cancel(
      tenantOf(context),
      jobIds,
      auditOf(request, context),
      graceMs,
    );
    return {
      results: outcomes.map(({ jobId, kind, state }) => ({
        jobId,
        outcome: CANCEL_OUTCOMES[kind],
        ...(state === undefined ? {} : { state: stateMessage(state) }),
      })),
    };
  },

  async retryJobs(request, context) {
    const outcomes = await ports.retry(
      tenantOf(context),
      request.jobIds.map((id) => id.toLowerCase()),
      auditOf(request, context),
    );
    return {
      results: outcomes.map(({ jobId, kind, state }) => ({
        jobId,
        outcome: RETRY_OUTCOMES[kind],
        ...(state === undefined ? {} : { state: stateMessage(state) }),
      })),
    };
  },
});

const CANCEL_OUTCOMES = {
  cancelled: CancelOutcomeMessage.CANCELLED,
  requested: CancelOutcomeMessage.REQUESTED,
  already_finished: CancelOutcomeMessage.ALREADY_FINISHED,
  not_found: CancelOutcomeMessage.NOT_FOUND,
} as const;

const RETRY_OUTCOMES = {
  ready: RetryOutcomeMessage.READY,
  already_active: RetryOutcomeMessage.ALREADY_ACTIVE,
  not_retryable: RetryOutcomeMessage.NOT_RETRYABLE,
  discarded: RetryOutcomeMessage.NOT_RETRYABLE,
  not_found: RetryOutcomeMessage.NOT_FOUND,
} as const;

function writeEnqueueResult(result: EnqueueResult) {
  switch (result.kind) {
    case "created":
      return create(EnqueueResultSchema, { outcome: EnqueueOutcome.CREATED, jobId: result.jobId });
    case "duplicate":
      return create(EnqueueResultSchema, {
        outcome: EnqueueOutcome.DUPLICATE,
        jobId: result.jobId,
      });
    default:
      return create(EnqueueResultSchema, {
        outcome: EnqueueOutcome.REJECTED,
        error: toStatus(enqueueError(result)),
      });
  }
}

type Rejected = Exclude<EnqueueResult, { kind: "created" | "duplicate" }>;

/** The error for a job that was not enqueued. */
export function enqueueError(result: Rejected) {
  switch (result.kind) {
    case "idempotency_conflict":
    case "job_id_conflict": {
      const { jobId, existingDigest, sentDigest } = result;
      const reason = result.kind === "job_id_conflict" ? "JOB_ID_CONFLICT" : "IDEMPOTENCY_CONFLICT";
      return alreadyExists(reason, { jobId, existingDigest, sentDigest });
    }
    case "payload_too_large":
      return payloadTooLarge("payload", result.bytes, result.maxBytes);
    case "payload_artifact_not_found":
      return failedPrecondition("PAYLOAD_ARTIFACT_NOT_FOUND", { digest: result.digest });
    case "window_series_not_found":
      return failedPrecondition("WINDOW_SERIES_NOT_FOUND", {
        source: result.source,
        scope: result.scope,
      });
    case "window_invalid":
      return windowInvalid("window", result.fault);
    case "queue_full":
    case "quota_exceeded":
      return refusalError(result);
  }
}

/** INVALID_ARGUMENT (WINDOW_INVALID) for the window at a path, which is none of its series. */
export const windowInvalid = (field: string, description: string) =>
  invalidArgument("WINDOW_INVALID", [{ field, description }]);

/** INVALID_ARGUMENT (PAYLOAD_TOO_LARGE) for the payload at a path. */
export const payloadTooLarge = (field: string, bytes: number, maxBytes: number) => {
  const description =
    `has ${bytes} bytes, at most ${maxBytes} fit; ` +
    "upload it as an artifact and name that in payload_artifact";
  return invalidArgument("PAYLOAD_TOO_LARGE", [{ field, description }], { bytes, maxBytes });
};
