/**
 * The TypeScript SDK of StellaOps Orchestrator: put jobs in with {@link Orchestrator}, run
 * handlers for them with {@link Worker}.
 */
export { Artifacts, UploadedArtifact } from "./artifacts/artifacts.ts";
export type { DownloadOptions } from "./artifacts/download.ts";
export type { ArtifactSource } from "./artifacts/source.ts";
export type { UploadOptions, UploadProgress } from "./artifacts/upload.ts";
export type { ConnectionOptions } from "./client/connection.ts";
export type { BlockedBy, BlockedByFlow, Explanation, FlowScope } from "./client/explaining.ts";
export type { JobOptions, JobRequest, RetryOverrides } from "./client/job-spec.ts";
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
export type { BreakerPhase, FlowScopeKind, JobState, RunState } from "./client/names.ts";
export type {
  CreatedRun,
  DependsOn,
  Edge,
  Run,
  RunDetail,
  RunJobRequest,
  RunRequest,
} from "./client/runs.ts";
export type { WatchTarget } from "./client/watching.ts";
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
  type CallOptions,
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
