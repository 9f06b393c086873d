import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  ArtifactRef,
  type Backfill,
  type BackfillPreview,
  type DependsOn,
  type Gap,
  type Operation,
  type PipelineHead,
  type PipelineJob,
  type Run,
  type RunDetail,
  type StoredPipeline,
  type Watermark,
} from "@stellaops/orchestrator";
import type {
  BackfillPreviewSchema,
  BackfillSchema,
  GapSchema,
  JobRequestSchema,
  OperationSchema,
  PipelineSchema,
  RunSchema,
  WatermarkSchema,
} from "../../gen/driver_pb.ts";
import { toJob, toWindow } from "./to-wire.ts";

const ms = (date: Date | undefined): bigint => BigInt(date?.getTime() ?? 0);

/** A run as the suite has it. */
export const toRun = (run: Run | RunDetail): MessageInitShape<typeof RunSchema> => ({
  runId: run.runId,
  open: run.isOpen,
  cancelRequested: run.isCancelRequested,
  replayOf: run.replayOf,
  pipeline: run.pipeline,
  pipelineVersion: run.pipelineVersion,
  building: run.isBuilding,
  ...("jobs" in run && {
    state: run.state,
    skipped: run.skipped,
    jobs: run.jobs.map(toJob),
    edges: run.edges.length,
  }),
});

/** An operation as the suite has it. */
export const toOperation = (operation: Operation): MessageInitShape<typeof OperationSchema> => ({
  operationId: operation.operationId,
  kind: operation.kind ?? "",
  state: operation.state,
  reason: operation.reason,
  ticket: operation.ticket,
  runId: operation.runId,
  matching: BigInt(operation.matching),
  applied: BigInt(operation.applied),
  unchanged: BigInt(operation.unchanged),
  refused: BigInt(operation.refused),
});

const toDependency = (dependency: DependsOn) =>
  typeof dependency === "string" ? { name: dependency } : dependency;

function toJobRequest(job: PipelineJob): MessageInitShape<typeof JobRequestSchema> {
  const { payload } = job;
  return {
    jobType: job.jobType,
    queue: job.queue ?? "",
    project: job.project ?? "",
    source: job.source ?? "",
    priority: job.priority ?? 0,
    labels: { ...job.labels },
    correlationId: job.correlationId ?? "",
    concurrencyKey: job.concurrencyKey ?? "",
    ...(payload instanceof Uint8Array && { payload }),
    ...(payload instanceof ArtifactRef && { payloadArtifact: payload.digest }),
  };
}

const jsonText = (value: unknown): string => (value === undefined ? "" : JSON.stringify(value));

/** A stored pipeline as the suite has it; one of a list has no jobs. */
export const toPipeline = (
  pipeline: StoredPipeline | PipelineHead,
): MessageInitShape<typeof PipelineSchema> => ({
  name: pipeline.name,
  description: pipeline.description,
  parameters: pipeline.parameters.map(({ name, kind = "", description = "", defaultValue }) => ({
    name,
    kind,
    description,
    defaultJson: jsonText(defaultValue),
  })),
  jobs: ("jobs" in pipeline ? pipeline.jobs : []).map((job) => ({
    name: job.name,
    job: toJobRequest(job),
    payloadTemplateJson: jsonText(job.payloadTemplate),
    dependsOn: (job.dependsOn ?? []).map(toDependency),
  })),
  version: pipeline.version,
  etag: pipeline.etag,
});

/** A watermark as the suite has it. */
export const toWatermark = (watermark: Watermark): MessageInitShape<typeof WatermarkSchema> => ({
  source: watermark.source,
  scope: watermark.scope,
  widthMs: BigInt(watermark.widthMs),
  allowedLatenessMs: BigInt(watermark.allowedLatenessMs),
  originMs: ms(watermark.origin),
  watermarkMs: ms(watermark.watermark),
  dueMs: ms(watermark.due),
  lagMs: BigInt(watermark.lagMs),
  missingWindows: BigInt(watermark.missingWindows),
  gaps: BigInt(watermark.gaps),
  ...(watermark.coveredUntil && { coveredUntilMs: ms(watermark.coveredUntil) }),
});

/** A gap as the suite has it. */
export const toGap = (gap: Gap): MessageInitShape<typeof GapSchema> => ({
  startMs: ms(gap.start),
  endMs: ms(gap.end),
  windows: BigInt(gap.windows),
  inProgress: BigInt(gap.inProgress),
});

const optionalMs = (value: number | undefined) =>
  value === undefined ? undefined : BigInt(Math.round(value));

/** What a backfill would do as the suite has it. */
export function toPreview(
  preview: BackfillPreview,
): MessageInitShape<typeof BackfillPreviewSchema> {
  const meanJobMs = optionalMs(preview.meanJobMs);
  const estimatedMs = optionalMs(preview.estimatedMs);
  return {
    windows: BigInt(preview.windows),
    covered: BigInt(preview.covered),
    inProgress: BigInt(preview.inProgress),
    notDue: BigInt(preview.notDue),
    jobs: BigInt(preview.jobs),
    startMs: ms(preview.start),
    endMs: ms(preview.end),
    ...(meanJobMs !== undefined && { meanJobMs }),
    ...(estimatedMs !== undefined && { estimatedMs }),
    sample: preview.sample.map(toWindow),
  };
}

/** A backfill as the suite has it. */
export const toBackfill = (backfill: Backfill): MessageInitShape<typeof BackfillSchema> => ({
  backfillId: backfill.backfillId,
  state: backfill.state,
  reason: backfill.reason,
  ticket: backfill.ticket,
  windows: BigInt(backfill.windows),
  covered: BigInt(backfill.covered),
  shared: BigInt(backfill.shared),
  inProgress: BigInt(backfill.inProgress),
  failed: BigInt(backfill.failed),
  startMs: ms(backfill.spec.start),
  endMs: ms(backfill.spec.end),
});
