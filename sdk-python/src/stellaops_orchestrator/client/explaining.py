"""Why a job does not run."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from stellaops_orchestrator.contract import pb
from stellaops_orchestrator.contract.time import moment_of, to_datetime
from stellaops_orchestrator.names import BreakerPhase, FlowScopeKind, JobState, name_of


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockedByDependency:
    """The job waits for jobs that it depends on."""

    job_ids: Sequence[str]
    """Up to 100 of them."""
    count: int
    """How many in all."""
    is_held: bool
    """True: one of them can no longer succeed by itself, and the edge says hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockedBySchedule:
    """The job waits for a moment."""

    ready_time: datetime
    """The moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockedByWorkers:
    """No connected worker takes the job, or all that do are full."""

    capable_workers: int
    """Connected workers that take its type, on all replicas as of some seconds ago."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowScope:
    """What a limit is set on."""

    kind: FlowScopeKind | None
    """What kind of thing; None for one that is newer than this SDK."""
    name: str
    """Its name; empty for the tenant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockedByPause:
    """Somebody paused it."""

    scope: FlowScope
    """What is paused."""
    reason: str
    """Why."""
    expire_time: datetime | None
    """When it ends by itself, if it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockedByBlackout:
    """The job waits for the end of a window."""

    scope: FlowScope
    """Whose window it is."""
    name: str
    """The window's name."""
    end_time: datetime | None
    """When it ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockedByQuota:
    """The job waits for a quota of its tenant."""

    quota: str
    """Which one, such as ``"jobs_per_hour"``."""
    limit: int
    """What it allows."""
    used: int
    """What is used."""
    reset_time: datetime | None
    """When it starts again, unless it is about active jobs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockedByConcurrency:
    """The job waits for others to finish."""

    scope: FlowScope
    """What is limited."""
    limit: int
    """How many may be out at once."""
    active: int
    """How many are."""
    is_dynamic: bool
    """True: the server lowered the limit by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockedByLimiter:
    """The job waits for its turn under a rate."""

    scope: FlowScope
    """What is limited."""
    rate_per_second: float
    """How many go per second now."""
    retry_time: datetime | None
    """When the next one can go, at the earliest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockedByBreaker:
    """The job waits for a circuit breaker."""

    scope: FlowScope
    """What broke."""
    phase: BreakerPhase | None
    """Where the breaker stands; None for a phase that is newer than this SDK."""
    open_until: datetime | None
    """When it lets a probe out."""


BlockedBy = (
    BlockedByDependency
    | BlockedBySchedule
    | BlockedByWorkers
    | BlockedByPause
    | BlockedByBlackout
    | BlockedByQuota
    | BlockedByConcurrency
    | BlockedByLimiter
    | BlockedByBreaker
)
"""The one thing that a job waits for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a job does not run."""

    state: JobState
    """Where it stands."""
    blocked_by: BlockedBy | None
    """None when it runs, has finished, or is about to be claimed."""


def to_explanation(response: pb.job.ExplainJobResponse) -> Explanation:
    """The answer of ExplainJob."""
    state = name_of(JobState, response.state, JobState.BLOCKED)
    return Explanation(state=state, blocked_by=_to_blocked_by(response.blocked_by))


def _to_blocked_by(cause: pb.job.BlockedBy) -> BlockedBy | None:
    match cause.WhichOneof("cause"):
        case "dependency":
            found = cause.dependency
            return BlockedByDependency(
                job_ids=tuple(found.job_ids), count=found.count, is_held=found.held
            )
        case "schedule":
            return BlockedBySchedule(ready_time=to_datetime(cause.schedule.ready_time))
        case "workers":
            return BlockedByWorkers(capable_workers=cause.workers.capable_workers)
        case "quota":
            quota = cause.quota
            return BlockedByQuota(
                quota=quota.quota,
                limit=quota.limit,
                used=quota.used,
                reset_time=moment_of(quota, "reset_time"),
            )
    return _to_blocked_scope(cause)


def _to_blocked_scope(cause: pb.job.BlockedBy) -> BlockedBy | None:
    match cause.WhichOneof("cause"):
        case "pause":
            pause = cause.pause
            return BlockedByPause(
                scope=to_flow_scope(pause.scope),
                reason=pause.reason,
                expire_time=moment_of(pause, "expire_time"),
            )
        case "blackout":
            blackout = cause.blackout
            return BlockedByBlackout(
                scope=to_flow_scope(blackout.scope),
                name=blackout.name,
                end_time=moment_of(blackout, "end_time"),
            )
        case "concurrency":
            limit = cause.concurrency
            return BlockedByConcurrency(
                scope=to_flow_scope(limit.scope),
                limit=limit.limit,
                active=limit.active,
                is_dynamic=limit.dynamic,
            )
        case "limiter":
            limiter = cause.limiter
            return BlockedByLimiter(
                scope=to_flow_scope(limiter.scope),
                rate_per_second=limiter.rate_per_second,
                retry_time=moment_of(limiter, "retry_time"),
            )
        case "breaker":
            breaker = cause.breaker
            return BlockedByBreaker(
                scope=to_flow_scope(breaker.scope),
                phase=name_of(BreakerPhase, breaker.phase, None),
                open_until=moment_of(breaker, "open_until"),
            )
    return None


def to_flow_scope(scope: pb.flow_control.FlowScope) -> FlowScope:
    """A scope of the contract as a plain object."""
    return FlowScope(kind=name_of(FlowScopeKind, scope.kind, None), name=scope.name)
