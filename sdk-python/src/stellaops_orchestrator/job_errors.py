"""What handlers raise to say how an attempt ends, and what is raised in them."""

from datetime import timedelta
from enum import StrEnum

from stellaops_orchestrator.contract.time import Duration, seconds
from stellaops_orchestrator.names import FailureClass


class HandlerError(Exception):
    """Base of what a handler raises to decide about the attempts after this one."""


class TerminalError(HandlerError):
    """No attempt could succeed: the job goes to the dead letters at once."""

    def __init__(
        self, message: str, *, failure_class: FailureClass | str = FailureClass.USER
    ) -> None:
        super().__init__(message)
        self.failure_class = FailureClass(failure_class)
        """What caused it."""


class RetryableError(HandlerError):
    """Try again, no earlier than ``retry_after`` from now if that is given."""

    def __init__(
        self,
        message: str,
        *,
        retry_after: Duration | None = None,
        failure_class: FailureClass | str = FailureClass.USER,
    ) -> None:
        super().__init__(message)
        self.retry_after = None if retry_after is None else timedelta(seconds=seconds(retry_after))
        """A floor under the backoff; jitter comes on top, never off."""
        self.failure_class = FailureClass(failure_class)
        """What caused it."""


class ThrottledError(HandlerError):
    """The upstream asked to slow down (HTTP 429).

    The attempt is tried again after ``retry_after``, and the limiter of ``resource_key`` hears
    of it, so that the whole fleet slows down for that host and for no other.
    """

    def __init__(
        self,
        message: str,
        *,
        resource_key: str,
        retry_after: Duration,
        remaining: int | None = None,
    ) -> None:
        super().__init__(message)
        self.resource_key = resource_key
        """What is throttled: the source's host."""
        self.retry_after = timedelta(seconds=seconds(retry_after))
        """How long the upstream asked to wait."""
        self.remaining = remaining
        """How many calls the upstream says are left, if it says."""


class StopReason(StrEnum):
    """Why a handler is asked to stop."""

    CANCELLED = "cancelled"
    """Somebody cancelled the job."""
    DEADLINE = "deadline"
    """The attempt ran past its deadline."""
    LEASE_LOST = "lease_lost"
    """The job moved on without this attempt; nothing that it does counts."""
    PREEMPTED = "preempted"
    """The slot is needed for something more urgent."""
    DRAIN = "drain"
    """The worker is stopping and its grace is over."""


STOP_MESSAGES = {
    StopReason.CANCELLED: "the job was cancelled",
    StopReason.DEADLINE: "the attempt ran past its deadline",
    StopReason.LEASE_LOST: "the lease was lost: the job moved on without this attempt",
    StopReason.PREEMPTED: "the slot is needed for something more urgent",
    StopReason.DRAIN: "the worker is draining",
}


class JobStoppedError(Exception):
    """Raised in a threaded handler by the calls of its job once it must stop."""

    def __init__(self, reason: StopReason) -> None:
        super().__init__(STOP_MESSAGES[reason])
        self.reason = reason
        """Why the handler must stop."""
