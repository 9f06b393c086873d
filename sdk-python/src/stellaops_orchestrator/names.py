"""The contract's enums as string enums."""

from enum import StrEnum
from typing import TypeVar

from stellaops_orchestrator.contract import pb


class JobState(StrEnum):
    """Where a job stands."""

    BLOCKED = "blocked"
    SCHEDULED = "scheduled"
    READY = "ready"
    OFFERED = "offered"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    DEAD = "dead"
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        """Whether a job in this state has finished, unless an operator retries it."""
        return self in {JobState.SUCCEEDED, JobState.DEAD, JobState.CANCELLED}


class RunState(StrEnum):
    """The sum of a run's jobs."""

    ACTIVE = "active"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class AttemptOutcome(StrEnum):
    """How an attempt ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    CANCELLED = "cancelled"


class FailureClass(StrEnum):
    """What caused a failure, for retry decisions, limiters and error clustering."""

    USER = "user"
    HTTP_429 = "http_429"
    HTTP_5XX = "http_5xx"
    SCHEMA_MISMATCH = "schema_mismatch"
    PARSE_ERROR = "parse_error"
    TIMEOUT = "timeout"
    LEASE_EXPIRED = "lease_expired"
    DRAINED = "drained"
    CANCELLED = "cancelled"
    INCAPABLE = "incapable"
    PANIC = "panic"
    NETWORK = "network"
    OVERSIZE = "oversize"


class CancelOutcome(StrEnum):
    """What became of a request to cancel one job."""

    CANCELLED = "cancelled"
    REQUESTED = "requested"
    ALREADY_FINISHED = "already_finished"
    NOT_FOUND = "not_found"


class RetryOutcome(StrEnum):
    """What became of a request to retry one job."""

    READY = "ready"
    ALREADY_ACTIVE = "already_active"
    NOT_RETRYABLE = "not_retryable"
    NOT_FOUND = "not_found"


class OnFailure(StrEnum):
    """What a dependency's failure means for the job that waits for it."""

    CANCEL = "cancel"
    """The job is cancelled too."""
    HOLD = "hold"
    """The job stays blocked; a retry of the failed one can still let it run."""
    CONTINUE = "continue"
    """The job goes on as if the failed one had succeeded."""


class EdgeCondition(StrEnum):
    """Which end of a job lets one go that depends on it."""

    SUCCESS = "success"
    """It succeeded; ``OnFailure`` says what happens otherwise."""
    COMPLETION = "completion"
    """It ended, in whatever way."""
    FAILURE = "failure"
    """It became dead or was cancelled. When it succeeds, the job is skipped: it is not needed."""


class ReplayCause(StrEnum):
    """Why a job is part of a replay."""

    SELECTED = "selected"
    """It was named."""
    NOT_SUCCEEDED = "not_succeeded"
    """It did not succeed."""
    DOWNSTREAM = "downstream"
    """It depends on one that runs again."""
    UPSTREAM = "upstream"
    """One that runs again depends on it, and what it left is not reused."""
    REUSED = "reused"
    """It does not run: one that runs again uses what it left."""


class OperationKind(StrEnum):
    """What an operation does."""

    RETRY = "retry"
    CANCEL = "cancel"
    DISCARD = "discard"
    REPRIORITISE = "reprioritise"
    MOVE = "move"
    EXTEND_DEADLINE = "extend_deadline"
    CANCEL_RUN = "cancel_run"
    REPLAY_RUN = "replay_run"


class OperationState(StrEnum):
    """Where an operation stands."""

    RUNNING = "running"
    """It works through its jobs."""
    DONE = "done"
    """It has looked at every job."""
    STOPPED = "stopped"
    """Somebody stopped it."""


class ParameterKind(StrEnum):
    """What values a pipeline's parameter takes."""

    STRING = "string"
    INT = "int"
    """A whole number that a double holds exactly."""
    BOOL = "bool"
    JSON = "json"
    """Any JSON value."""


class BackfillState(StrEnum):
    """Where a backfill stands."""

    RUNNING = "running"
    """It makes jobs and waits for them."""
    PAUSED = "paused"
    """It makes no jobs."""
    SUCCEEDED = "succeeded"
    """Every window that was due when it was started is covered."""
    FAILED = "failed"
    """Every window that was due was tried, and some are not covered."""
    CANCELLED = "cancelled"
    """Somebody cancelled it."""


class FlowScopeKind(StrEnum):
    """What a limit can be set on."""

    TENANT = "tenant"
    QUEUE = "queue"
    JOB_TYPE = "job_type"
    SOURCE = "source"
    HOST = "host"
    """All sources that name it."""
    CONCURRENCY_KEY = "concurrency_key"
    """All jobs that name it."""


class BreakerPhase(StrEnum):
    """Where a circuit breaker stands."""

    CLOSED = "closed"
    """Everything goes."""
    OPEN = "open"
    """Nothing goes."""
    HALF_OPEN = "half_open"
    """One job goes, to see."""


ENUMS = {
    JobState: (pb.job.JobState.DESCRIPTOR, "JOB_STATE_"),
    RunState: (pb.run.RunState.DESCRIPTOR, "RUN_STATE_"),
    AttemptOutcome: (pb.job.AttemptOutcome.DESCRIPTOR, "ATTEMPT_OUTCOME_"),
    FailureClass: (pb.failure.FailureClass.DESCRIPTOR, "FAILURE_CLASS_"),
    CancelOutcome: (pb.job.CancelOutcome.DESCRIPTOR, "CANCEL_OUTCOME_"),
    RetryOutcome: (pb.job.RetryOutcome.DESCRIPTOR, "RETRY_OUTCOME_"),
    OnFailure: (pb.run.OnFailure.DESCRIPTOR, "ON_FAILURE_"),
    EdgeCondition: (pb.run.EdgeCondition.DESCRIPTOR, "EDGE_CONDITION_"),
    ReplayCause: (pb.run.ReplayCause.DESCRIPTOR, "REPLAY_CAUSE_"),
    OperationKind: (pb.operation.OperationKind.DESCRIPTOR, "OPERATION_KIND_"),
    OperationState: (pb.operation.OperationState.DESCRIPTOR, "OPERATION_STATE_"),
    ParameterKind: (pb.pipeline.ParameterKind.DESCRIPTOR, "PARAMETER_KIND_"),
    BackfillState: (pb.backfill.BackfillState.DESCRIPTOR, "BACKFILL_STATE_"),
    FlowScopeKind: (pb.flow_control.FlowScopeKind.DESCRIPTOR, "FLOW_SCOPE_KIND_"),
    BreakerPhase: (pb.flow_control.BreakerPhase.DESCRIPTOR, "BREAKER_PHASE_"),
}
"""Where each enum comes from, and the prefix of its names there."""

E = TypeVar("E", bound=StrEnum)
D = TypeVar("D")


def name_of(enum: type[E], number: int, default: D) -> E | D:
    """The member of a number; ``default`` for "not said" and for numbers newer than this SDK."""
    descriptor, prefix = ENUMS[enum]
    value = descriptor.values_by_number.get(number)
    try:
        return default if value is None else enum(value.name.removeprefix(prefix).lower())
    except ValueError:
        return default


def number_of(member: StrEnum) -> int:
    """The number of a member."""
    descriptor, prefix = ENUMS[type(member)]
    return int(descriptor.values_by_name[prefix + member.name].number)
