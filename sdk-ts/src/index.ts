/**
 * The TypeScript SDK of StellaOps Orchestrator: put jobs in with {@link Orchestrator}, run
 * handlers for them with {@link Worker}.
 */
export { Artifacts, UploadedArtifact } from "./artifacts/artifacts.ts";
export type { DownloadOptions } from "./artifacts/download.ts";
export type { ArtifactSource } from "./artifacts/source.ts";
export type { UploadOptions, UploadProgress } from "./artifacts/upload.ts";
export {
  type Backfill,
  type BackfillPreview,
  type BackfillSpec,
  Backfills,
} from "./client/backfills.ts";
export type { ActionOptions, CallOptions } from "./client/call.ts";
export type { ConnectionOptions } from "./client/connection.ts";
export type { BlockedBy, BlockedByFlow, Explanation, FlowScope } from "./client/explaining.ts";
export type { JobOptions, JobRequest, JobTemplate, RetryOverrides } from "./client/job-spec.ts";
export type {
  Attempt,
  BoundArtifact,
  Failure,
  Job,
  JobDetail,
  JobEvent,
  JobProgress,
} from "./client/job-view.ts";
export { isTerminalState } from "./client/job-view.ts";
export type { CheckedLease, Lease } from "./client/lease.ts";
export type { JobFilter } from "./client/listing.ts";
export type {
  BackfillState,
  BreakerPhase,
  EdgeCondition,
  FlowScopeKind,
  JobState,
  OnFailure,
  OperationKind,
  OperationState,
  ParameterKind,
  ReplayCause,
  RunState,
} from "./client/names.ts";
export type {
  Pipeline,
  PipelineHead,
  PipelineJob,
  PipelineParameter,
  StoredPipeline,
} from "./client/pipeline-spec.ts";
export { Pipelines, type RunPipelineOptions } from "./client/pipelines.ts";
export type { DependsOn, RunJobRequest, RunRequest } from "./client/run-spec.ts";
export type {
  AppendedJobs,
  CreatedRun,
  Edge,
  Operation,
  Replay,
  ReplayedJob,
  Run,
  RunDetail,
} from "./client/run-view.ts";
export {
  type AppendOptions,
  type CancelRunOptions,
  type ReplayOptions,
  type RunFilter,
  Runs,
} from "./client/runs.ts";
export type { WatchTarget } from "./client/watching.ts";
export { type Gap, type Watermark, Watermarks, type WindowSeries } from "./client/watermarks.ts";
export type { EventWindow } from "./client/window.ts";
export { contractClocks, type LeaseClocks } from "./contract/lease-policy.ts";
export {
  type ErrorCode,
  type FieldViolation,
  OrchestratorError,
  type OrchestratorErrorFields,
} from "./errors.ts";
export {
  type AbortReason,
  type FailureClass,
  type HandlerFailureClass,
  JobAbortedError,
  RetryableError,
  TerminalError,
  ThrottledError,
} from "./job-errors.ts";
export {
  type CancelledJob,
  type EnqueuedJob,
  type EnqueueManyResult,
  Orchestrator,
  type OrchestratorOptions,
  type RetriedJob,
} from "./orchestrator.ts";
export { ArtifactRef, decodeJson, type JsonPayload, type Payload } from "./payload.ts";
export type { TraceContext } from "./trace-context.ts";
export type { JobContext } from "./worker/job-context.ts";
export type { Handler } from "./worker/job-runner.ts";
export { type Logger, silentLogger, stderrLogger } from "./worker/logger.ts";
export type { PoolOptions } from "./worker/pools.ts";
export type { ProgressOptions } from "./worker/progress.ts";
export { type RunOptions, Worker, type WorkerOptions } from "./worker/worker.ts";
