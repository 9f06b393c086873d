import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  type Backfill,
  type BackfillSpec,
  type BackfillState,
  type BackfillWindowState,
  DEFAULT_PARALLEL,
} from "../app/backfills/backfill.ts";
import type { ScopedWindow } from "../app/backfills/list-backfills.ts";
import type { BackfillPreview } from "../app/backfills/preview-backfill.ts";
import {
  type Backfill as BackfillMessage,
  BackfillSchema,
  type BackfillSpec as BackfillSpecMessage,
  BackfillState as BackfillStateEnum,
  type BackfillWindow as BackfillWindowMessage,
  BackfillWindowSchema,
  BackfillWindowState as BackfillWindowStateEnum,
  type PreviewBackfillResponse,
  PreviewBackfillResponseSchema,
} from "../gen/stellaops/orchestrator/v1/backfill_pb.ts";
import { durationOfMs, type FieldViolation, invalidArgument } from "./errors.ts";
import { storedSettingsMessage } from "./flow-settings-write.ts";
import { readJobSpec } from "./job-spec.ts";
import { jobSpecMessage, windowMessage } from "./job-view.ts";
import { roundableMoment } from "./window-moments.ts";

const STATES: Readonly<Record<BackfillState, BackfillStateEnum>> = {
  running: BackfillStateEnum.RUNNING,
  paused: BackfillStateEnum.PAUSED,
  cancelling: BackfillStateEnum.CANCELLED,
  succeeded: BackfillStateEnum.SUCCEEDED,
  failed: BackfillStateEnum.FAILED,
  cancelled: BackfillStateEnum.CANCELLED,
};

const WINDOW_STATES: Readonly<Record<BackfillWindowState, BackfillWindowStateEnum>> = {
  in_progress: BackfillWindowStateEnum.IN_PROGRESS,
  covered: BackfillWindowStateEnum.COVERED,
  shared: BackfillWindowStateEnum.SHARED,
  failed: BackfillWindowStateEnum.FAILED,
};

/** What became of a window, off the wire; undefined: not said. */
export const windowStateOf = (state: BackfillWindowStateEnum): BackfillWindowState | undefined =>
  (Object.keys(WINDOW_STATES) as BackfillWindowState[]).find((key) => WINDOW_STATES[key] === state);

const UNSET = "must be empty in a backfill";

/** A backfill off the wire. Throws INVALID_ARGUMENT with all that is wrong with it. */
export function readBackfillSpec(message: BackfillSpecMessage | undefined): BackfillSpec {
  if (message?.job === undefined)
    throw new Error("validation let a backfill without a job through");
  const { source, scope, job, maxParallel, repeatCovered } = message;
  const violations: FieldViolation[] = [];
  const start = roundableMoment(violations, "spec.start_time", message.startTime);
  const end = roundableMoment(violations, "spec.end_time", message.endTime);
  const breaks = (field: string, description: string, reason: string) =>
    violations.push({ field: `spec.${field}`, description, reason });
  if (start !== undefined && end !== undefined && end <= start) {
    breaks("end_time", "must come after start_time", "RANGE");
  }
  const unset = {
    job_id: job.jobId !== "",
    idempotency_key: job.idempotencyKey !== "",
    not_before: job.notBefore !== undefined,
    window: job.window !== undefined,
  };
  for (const [field, isSet] of Object.entries(unset)) {
    if (isSet) breaks(`job.${field}`, UNSET, "BACKFILL_FIELD");
  }
  if (job.source !== "" && job.source !== source) {
    breaks("job.source", "must be empty or the backfill's source", "BACKFILL_FIELD");
  }
  if (violations.length > 0 || start === undefined || end === undefined) {
    throw invalidArgument("REQUEST_INVALID", violations);
  }
  const spec = { ...readJobSpec(job, "spec.job"), source };
  const parallel = maxParallel || DEFAULT_PARALLEL;
  return { source, scope, start, end, job: spec, maxParallel: parallel, repeatCovered };
}

/** A backfill as the contract writes it; without the payload, which may be large, in lists. */
export const backfillMessage = (backfill: Backfill, withPayload = true): BackfillMessage =>
  create(BackfillSchema, {
    backfillId: backfill.id,
    tenant: backfill.tenant,
    spec: specInit(backfill.spec, withPayload),
    state: STATES[backfill.state],
    actor: backfill.actor,
    reason: backfill.reason,
    ticket: backfill.ticket,
    windows: BigInt(backfill.windows),
    covered: BigInt(backfill.covered),
    shared: BigInt(backfill.shared),
    inProgress: BigInt(backfill.inProgress),
    failed: BigInt(backfill.failed),
    createTime: timestampFromDate(backfill.createdAt),
    finishTime: backfill.finishedAt && timestampFromDate(backfill.finishedAt),
  });

const specInit = (spec: BackfillSpec, withPayload: boolean) => {
  const job = withPayload ? spec.job : { ...spec.job, payload: new Uint8Array() };
  return {
    source: spec.source,
    scope: spec.scope,
    startTime: timestampFromDate(spec.start),
    endTime: timestampFromDate(spec.end),
    job: jobSpecMessage("", job),
    maxParallel: spec.maxParallel,
    repeatCovered: spec.repeatCovered,
  };
};

/** A window of a backfill as the contract writes it. */
export const backfillWindowMessage = ({
  scope,
  start,
  end,
  state,
  jobId,
}: ScopedWindow): BackfillWindowMessage =>
  create(BackfillWindowSchema, {
    window: windowMessage({ scope, start, end }),
    state: WINDOW_STATES[state],
    jobId: jobId ?? "",
  });

/** A preview as the contract writes it. */
export const previewMessage = (scope: string, preview: BackfillPreview): PreviewBackfillResponse =>
  create(PreviewBackfillResponseSchema, {
    windows: BigInt(preview.windows),
    covered: BigInt(preview.covered),
    inProgress: BigInt(preview.inProgress),
    notDue: BigInt(preview.notDue),
    jobs: BigInt(preview.jobs),
    startTime: timestampFromDate(preview.start),
    endTime: timestampFromDate(preview.end),
    meanJobDuration: preview.meanMs === undefined ? undefined : durationOfMs(preview.meanMs),
    estimatedDuration:
      preview.estimateMs === undefined ? undefined : durationOfMs(preview.estimateMs),
    limits: preview.limits.map(storedSettingsMessage),
    sample: preview.sample.map((window) => windowMessage({ scope, ...window })),
  });
