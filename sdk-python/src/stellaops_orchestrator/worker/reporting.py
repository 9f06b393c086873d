"""Tells the server how attempts ended."""

from collections.abc import Callable

from stellaops_orchestrator.contract import pb
from stellaops_orchestrator.contract.ids import uuid7
from stellaops_orchestrator.errors import from_status
from stellaops_orchestrator.names import FailureClass
from stellaops_orchestrator.worker.failures import Ending, Outcome, failure
from stellaops_orchestrator.worker.job_context import job_logger
from stellaops_orchestrator.worker.lease_table import HeldLease
from stellaops_orchestrator.worker.outbox import Kind, Outbox, Result

OnAnswered = Callable[[HeldLease], None]


class Reporter:
    """Writes outcomes into the outbox, and deals with what the server answers.

    Args:
        outbox: Where they go.
        on_answered: Called once nothing about the lease is left to say.
    """

    def __init__(self, outbox: Outbox, on_answered: OnAnswered) -> None:
        self._outbox = outbox
        self._on_answered = on_answered

    def report(self, lease: HeldLease, outcome: Outcome) -> None:
        """Reports how an attempt ended."""
        match outcome:
            case pb.task_runner.Completion():
                self._complete(lease, outcome)
            case pb.failure.Failure():
                self._fail(lease, outcome)
            case Ending.RELEASED:
                self.release(lease, pb.task_runner.RELEASE_REASON_DRAINED)
            case Ending.DROPPED:
                self._on_answered(lease)

    def release(self, lease: HeldLease, reason: pb.task_runner.ReleaseReason) -> None:
        """Gives a lease back."""
        write = pb.task_runner.Release(lease=lease.ref, reason=reason)
        self._outbox.add(Kind.RELEASE, write, lambda result: self._on_answer(lease, result))

    def _complete(self, lease: HeldLease, completion: pb.task_runner.Completion) -> None:
        def on_answer(result: Result) -> None:
            if result.verdict != pb.task_runner.WRITE_VERDICT_REJECTED:
                self._on_answer(lease, result)
                return
            error = from_status(result.error)
            job_logger(lease.offer).error("completion rejected", extra={"reason": error.reason})
            # The lease stands. A result that can never be stored is terminal; a lost artifact
            # is not.
            is_terminal = error.reason == "RESULT_TOO_LARGE"
            cause = FailureClass.OVERSIZE if is_terminal else FailureClass.USER
            text = f"the completion was rejected: {error.reason} {error.message}"
            self._fail(lease, failure(cause, text, terminal=is_terminal))

        self._outbox.add(Kind.COMPLETE, completion, on_answer)

    def _fail(self, lease: HeldLease, reason: pb.failure.Failure) -> None:
        write = pb.task_runner.FailureReport(lease=lease.ref, completion_id=uuid7(), failure=reason)
        self._outbox.add(Kind.FAIL, write, lambda result: self._on_answer(lease, result))

    def _on_answer(self, lease: HeldLease, result: Result) -> None:
        if result.verdict == pb.task_runner.WRITE_VERDICT_STALE_LEASE:
            job_logger(lease.offer).warning("result dropped: the lease is stale")
        elif result.verdict == pb.task_runner.WRITE_VERDICT_REJECTED:
            error = from_status(result.error)
            job_logger(lease.offer).error("outcome rejected", extra={"reason": error.reason})
        self._on_answered(lease)
