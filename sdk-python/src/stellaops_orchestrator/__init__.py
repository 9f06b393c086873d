"""The Python SDK of StellaOps Orchestrator.

Put jobs in with ``Orchestrator``, run handlers for them with ``Worker``; both are for asyncio.
``SyncOrchestrator`` and ``SyncWorker`` are for programs without it.
"""

from stellaops_orchestrator._version import __version__
from stellaops_orchestrator.artifacts.artifacts import Artifacts, UploadedArtifact
from stellaops_orchestrator.artifacts.source import ArtifactSource, digest_of
from stellaops_orchestrator.artifacts.upload import UploadProgress
from stellaops_orchestrator.client.answers import (
    CancelledJob,
    CheckedLease,
    EnqueuedJob,
    EnqueueOutcome,
    Lease,
    RetriedJob,
)
from stellaops_orchestrator.client.backfill_views import Backfill, BackfillPreview, BackfillSpec
from stellaops_orchestrator.client.backfills import Backfills
from stellaops_orchestrator.client.explaining import (
    BlockedBy,
    BlockedByBlackout,
    BlockedByBreaker,
    BlockedByConcurrency,
    BlockedByDependency,
    BlockedByLimiter,
    BlockedByPause,
    BlockedByQuota,
    BlockedBySchedule,
    BlockedByWorkers,
    Explanation,
    FlowScope,
)
from stellaops_orchestrator.client.job_spec import (
    JobOptions,
    JobRequest,
    JobTemplate,
    RetryOverrides,
    TemplateOptions,
)
from stellaops_orchestrator.client.listing import JobFilter
from stellaops_orchestrator.client.pipeline_spec import (
    Pipeline,
    PipelineHead,
    PipelineJob,
    PipelineParameter,
    StoredPipeline,
)
from stellaops_orchestrator.client.pipelines import Pipelines
from stellaops_orchestrator.client.run_spec import DependsOn, RunJob
from stellaops_orchestrator.client.run_views import (
    AppendedJobs,
    CreatedRun,
    Edge,
    Operation,
    Replay,
    ReplayedJob,
    Run,
    RunDetail,
)
from stellaops_orchestrator.client.runs import Runs
from stellaops_orchestrator.client.views import (
    Attempt,
    BoundArtifact,
    Failure,
    Job,
    JobDetail,
    JobEvent,
    JobProgress,
)
from stellaops_orchestrator.client.watermarks import Gap, Watermark, Watermarks
from stellaops_orchestrator.client.window import EventWindow
from stellaops_orchestrator.contract.lease_policy import CONTRACT_POLICY, LeasePolicy
from stellaops_orchestrator.contract.time import Duration
from stellaops_orchestrator.errors import (
    AbortedError,
    AlreadyExistsError,
    CallCancelledError,
    DataLossError,
    DeadlineExceededError,
    ErrorKind,
    FailedPreconditionError,
    FieldViolation,
    InternalError,
    InvalidArgumentError,
    NotFoundError,
    OrchestratorError,
    OutOfRangeError,
    PermissionDeniedError,
    ResourceExhaustedError,
    UnauthenticatedError,
    UnavailableError,
    UnimplementedError,
)
from stellaops_orchestrator.job_errors import (
    HandlerError,
    JobStoppedError,
    RetryableError,
    StopReason,
    TerminalError,
    ThrottledError,
)
from stellaops_orchestrator.names import (
    AttemptOutcome,
    BackfillState,
    BreakerPhase,
    CancelOutcome,
    EdgeCondition,
    FailureClass,
    FlowScopeKind,
    JobState,
    OnFailure,
    OperationKind,
    OperationState,
    ParameterKind,
    ReplayCause,
    RetryOutcome,
    RunState,
)
from stellaops_orchestrator.orchestrator import Orchestrator
from stellaops_orchestrator.payload import NOTHING, ArtifactRef, decode_json
from stellaops_orchestrator.sync.event_time import SyncBackfills, SyncWatermarks
from stellaops_orchestrator.sync.job_context import SyncJobContext
from stellaops_orchestrator.sync.orchestrator import SyncArtifacts, SyncOrchestrator
from stellaops_orchestrator.sync.runs import SyncPipelines, SyncRuns
from stellaops_orchestrator.sync.worker import SyncHandler, SyncWorker
from stellaops_orchestrator.trace_context import TraceContext
from stellaops_orchestrator.worker.job_context import JobContext
from stellaops_orchestrator.worker.job_runner import Handler
from stellaops_orchestrator.worker.pools import Pool
from stellaops_orchestrator.worker.worker import Worker

__all__ = [
    "CONTRACT_POLICY",
    "NOTHING",
    "AbortedError",
    "AlreadyExistsError",
    "AppendedJobs",
    "ArtifactRef",
    "ArtifactSource",
    "Artifacts",
    "Attempt",
    "AttemptOutcome",
    "Backfill",
    "BackfillPreview",
    "BackfillSpec",
    "BackfillState",
    "Backfills",
    "BlockedBy",
    "BlockedByBlackout",
    "BlockedByBreaker",
    "BlockedByConcurrency",
    "BlockedByDependency",
    "BlockedByLimiter",
    "BlockedByPause",
    "BlockedByQuota",
    "BlockedBySchedule",
    "BlockedByWorkers",
    "BoundArtifact",
    "BreakerPhase",
    "CallCancelledError",
    "CancelOutcome",
    "CancelledJob",
    "CheckedLease",
    "CreatedRun",
    "DataLossError",
    "DeadlineExceededError",
    "DependsOn",
    "Duration",
    "Edge",
    "EdgeCondition",
    "EnqueueOutcome",
    "EnqueuedJob",
    "ErrorKind",
    "EventWindow",
    "Explanation",
    "FailedPreconditionError",
    "Failure",
    "FailureClass",
    "FieldViolation",
    "FlowScope",
    "FlowScopeKind",
    "Gap",
    "Handler",
    "HandlerError",
    "InternalError",
    "InvalidArgumentError",
    "Job",
    "JobContext",
    "JobDetail",
    "JobEvent",
    "JobFilter",
    "JobOptions",
    "JobProgress",
    "JobRequest",
    "JobState",
    "JobStoppedError",
    "JobTemplate",
    "Lease",
    "LeasePolicy",
    "NotFoundError",
    "OnFailure",
    "Operation",
    "OperationKind",
    "OperationState",
    "Orchestrator",
    "OrchestratorError",
    "OutOfRangeError",
    "ParameterKind",
    "PermissionDeniedError",
    "Pipeline",
    "PipelineHead",
    "PipelineJob",
    "PipelineParameter",
    "Pipelines",
    "Pool",
    "Replay",
    "ReplayCause",
    "ReplayedJob",
    "ResourceExhaustedError",
    "RetriedJob",
    "RetryOutcome",
    "RetryOverrides",
    "RetryableError",
    "Run",
    "RunDetail",
    "RunJob",
    "RunState",
    "Runs",
    "StopReason",
    "StoredPipeline",
    "SyncArtifacts",
    "SyncBackfills",
    "SyncHandler",
    "SyncJobContext",
    "SyncOrchestrator",
    "SyncPipelines",
    "SyncRuns",
    "SyncWatermarks",
    "SyncWorker",
    "TemplateOptions",
    "TerminalError",
    "ThrottledError",
    "TraceContext",
    "UnauthenticatedError",
    "UnavailableError",
    "UnimplementedError",
    "UploadProgress",
    "UploadedArtifact",
    "Watermark",
    "Watermarks",
    "Worker",
    "__version__",
    "decode_json",
    "digest_of",
]
