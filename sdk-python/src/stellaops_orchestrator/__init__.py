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
from stellaops_orchestrator.client.job_spec import JobOptions, JobRequest, RetryOverrides
from stellaops_orchestrator.client.listing import JobFilter
from stellaops_orchestrator.client.runs import CreatedRun, DependsOn, Edge, Run, RunJob
from stellaops_orchestrator.client.views import (
    Attempt,
    BoundArtifact,
    Failure,
    Job,
    JobDetail,
    JobEvent,
    JobProgress,
)
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
    BreakerPhase,
    CancelOutcome,
    FailureClass,
    FlowScopeKind,
    JobState,
    OnFailure,
    RetryOutcome,
    RunState,
)
from stellaops_orchestrator.orchestrator import Orchestrator
from stellaops_orchestrator.payload import NOTHING, ArtifactRef, decode_json
from stellaops_orchestrator.sync.job_context import SyncJobContext
from stellaops_orchestrator.sync.orchestrator import SyncArtifacts, SyncOrchestrator
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
    "ArtifactRef",
    "ArtifactSource",
    "Artifacts",
    "Attempt",
    "AttemptOutcome",
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
    "EnqueueOutcome",
    "EnqueuedJob",
    "ErrorKind",
    "Explanation",
    "FailedPreconditionError",
    "Failure",
    "FailureClass",
    "FieldViolation",
    "FlowScope",
    "FlowScopeKind",
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
    "Lease",
    "LeasePolicy",
    "NotFoundError",
    "OnFailure",
    "Orchestrator",
    "OrchestratorError",
    "OutOfRangeError",
    "PermissionDeniedError",
    "Pool",
    "ResourceExhaustedError",
    "RetriedJob",
    "RetryOutcome",
    "RetryOverrides",
    "RetryableError",
    "Run",
    "RunJob",
    "RunState",
    "StopReason",
    "SyncArtifacts",
    "SyncHandler",
    "SyncJobContext",
    "SyncOrchestrator",
    "SyncWorker",
    "TerminalError",
    "ThrottledError",
    "TraceContext",
    "UnauthenticatedError",
    "UnavailableError",
    "UnimplementedError",
    "UploadProgress",
    "UploadedArtifact",
    "Worker",
    "__version__",
    "decode_json",
    "digest_of",
]
