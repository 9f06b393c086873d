"""How attempts end that do not succeed."""

from datetime import timedelta
from enum import Enum

from stellaops_orchestrator._gen import limits
from stellaops_orchestrator.contract import pb
from stellaops_orchestrator.contract.text import truncate
from stellaops_orchestrator.contract.time import to_duration
from stellaops_orchestrator.job_errors import (
    STOP_MESSAGES,
    RetryableError,
    StopReason,
    TerminalError,
    ThrottledError,
)
from stellaops_orchestrator.names import FailureClass, number_of

_LONGEST = timedelta(seconds=limits.RETRY_AFTER_SECONDS)


class Ending(Enum):
    """Endings that are no outcome of their own."""

    RELEASED = "released"
    """The lease is given back."""
    DROPPED = "dropped"
    """Nobody wants to hear of it."""


Outcome = pb.task_runner.Completion | pb.failure.Failure | Ending
"""How an attempt ended, as far as the worker is concerned."""


def failure(
    failure_class: FailureClass,
    message: str,
    *,
    terminal: bool = False,
    retry_after: timedelta | None = None,
) -> pb.failure.Failure:
    """A failure as the contract carries it, cut to what the contract allows."""
    if retry_after is not None:
        retry_after = min(max(retry_after, timedelta()), _LONGEST)
    return pb.failure.Failure(
        failure_class=number_of(failure_class),  # type: ignore[arg-type]
        message=truncate(message or failure_class, limits.FAILURE_MESSAGE_BYTES),
        terminal=terminal,
        retry_after=to_duration(retry_after),
    )


def to_failure(raised: BaseException) -> pb.failure.Failure:
    """What a handler raised, as a failure."""
    match raised:
        case TerminalError():
            return failure(raised.failure_class, str(raised), terminal=True)
        case RetryableError():
            return failure(raised.failure_class, str(raised), retry_after=raised.retry_after)
        case ThrottledError():
            return failure(FailureClass.HTTP_429, str(raised), retry_after=raised.retry_after)
        case Exception():
            return failure(FailureClass.USER, f"{type(raised).__name__}: {raised}")
        case _:
            # SystemExit, KeyboardInterrupt, GeneratorExit: not errors, and meant for the process.
            text = f"the handler raised {type(raised).__name__}: {raised}"
            return failure(FailureClass.PANIC, text)


def stop_outcome(reason: StopReason, detail: str = "") -> Outcome:
    """How an attempt ends that was asked to stop and did not succeed."""
    text = STOP_MESSAGES[reason] + (f": {detail}" if detail else "")
    match reason:
        case StopReason.CANCELLED:
            return failure(FailureClass.CANCELLED, text)
        case StopReason.DEADLINE:
            return failure(FailureClass.TIMEOUT, text)
        case StopReason.LEASE_LOST:
            return Ending.DROPPED
        case _:
            return Ending.RELEASED
