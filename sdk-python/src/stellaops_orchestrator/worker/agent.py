"""What a worker does about its leases."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial

from google.protobuf.duration_pb2 import Duration as DurationMessage

from stellaops_orchestrator.contract import pb
from stellaops_orchestrator.contract.lease_policy import LeasePolicy
from stellaops_orchestrator.contract.time import length_of, to_timedelta
from stellaops_orchestrator.job_errors import StopReason
from stellaops_orchestrator.names import FailureClass
from stellaops_orchestrator.orchestrator import Orchestrator
from stellaops_orchestrator.worker.failures import Outcome, failure, stop_outcome
from stellaops_orchestrator.worker.job_context import JobContext, JobParts, job_logger
from stellaops_orchestrator.worker.job_runner import Handler, run_handler
from stellaops_orchestrator.worker.lease_table import (
    HeldLease,
    LeaseEvent,
    LeaseState,
    LeaseTable,
    key_of,
)
from stellaops_orchestrator.worker.outbox import Kind, Outbox, Result
from stellaops_orchestrator.worker.progress import ProgressReporter
from stellaops_orchestrator.worker.reporting import Reporter

_tr = pb.task_runner

_CANCEL_REASONS = {
    _tr.CANCEL_REASON_USER: StopReason.CANCELLED,
    _tr.CANCEL_REASON_DEADLINE: StopReason.DEADLINE,
    _tr.CANCEL_REASON_SUPERSEDED: StopReason.LEASE_LOST,
    _tr.CANCEL_REASON_PREEMPTED: StopReason.PREEMPTED,
    _tr.CANCEL_REASON_DRAIN: StopReason.DRAIN,
}
_APPLIED = {_tr.WRITE_VERDICT_APPLIED, _tr.WRITE_VERDICT_ALREADY_APPLIED}
_LOST = {_tr.LEASE_VERDICT_SUPERSEDED, _tr.LEASE_VERDICT_UNKNOWN}
_OWNED = (LeaseState.RUNNING, LeaseState.STOPPING, LeaseState.REPORTING)


class Agent:
    """Accepts what is offered, runs handlers under leases, reports how they ended.

    A handler begins when its accept is applied, or at once if the lease came active. The agent
    knows nothing of streams.

    Args:
        handlers: A handler per job type.
        orchestrator: What handlers are given.
        policy: The clocks in force.
        changed: Something can be sent, or something that was waited for may hold now.
    """

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        orchestrator: Orchestrator,
        policy: Callable[[], LeasePolicy],
        changed: Callable[[], None],
    ) -> None:
        self.leases = LeaseTable(changed)
        self.outbox = Outbox(lambda: policy().max_message_bytes, changed)
        self._handlers = handlers
        self._orchestrator = orchestrator
        self._policy = policy
        self._reporter = Reporter(self.outbox, self._on_answered)
        self._progress: dict[HeldLease, ProgressReporter] = {}
        self._is_draining = False

    def is_idle(self) -> bool:
        """Whether every handler ended or was given up, and every outcome was answered."""
        return len(self.leases) == 0 and self.outbox.unanswered == 0

    def held(self) -> list[pb.task_runner.LeaseRef]:
        """Leases to name in a Hello: everything that may still be ours."""
        return [lease.ref for lease in self.leases.within(LeaseState.OFFERED, *_OWNED)]

    def renewable(self) -> list[pb.task_runner.LeaseRef]:
        """Leases to renew.

        Offers are not: their accept is on its way, and a server that looks at both at once might
        find the lease not active yet and call it superseded.
        """
        return [lease.ref for lease in self.leases.within(*_OWNED)]

    def take(self, frame: pb.task_runner.ServerFrame) -> None:
        """Takes a frame of the server."""
        match frame.WhichOneof("frame"):
            case "offers":
                for offer in frame.offers.offers:
                    self._on_offer(offer, active=frame.offers.active)
            case "results":
                for result in frame.results.results:
                    self.outbox.answer(result)
            case "verdicts":
                for verdict in frame.verdicts.verdicts:
                    self._on_verdict(verdict)
            case "cancels":
                for cancel in frame.cancels.cancels:
                    self._on_cancel(cancel)
            case _:
                pass  # Frames newer than this SDK.

    def stop_accepting(self) -> None:
        """Starts nothing any more: what was not begun is given back."""
        self._is_draining = True

    def stop_all(self, grace: float) -> None:
        """Asks every handler to stop, for the drain; they have ``grace`` seconds."""
        for lease in self.leases.within(LeaseState.RUNNING):
            self._stop(lease, StopReason.DRAIN, grace)

    def give_up_all(self) -> None:
        """Gives up every handler that was asked to stop and still runs."""
        for lease in self.leases.within(LeaseState.STOPPING, LeaseState.LINGERING):
            self._give_up(lease)

    def lose_all(self) -> None:
        """Takes all leases for lost: another instance of this worker has them now."""
        states = (LeaseState.OFFERED, LeaseState.RUNNING, LeaseState.STOPPING)
        for lease in self.leases.within(*states):
            self._lose(lease)

    def _on_offer(self, offer: pb.task_runner.Offer, *, active: bool) -> None:
        known = self.leases.get(key_of(offer.lease))
        if known is None:
            older = self.leases.newest_of(offer.lease.job_id)
            if older is not None:
                self._lose(older)
            lease = self.leases.add(offer)
            if self._is_draining:
                self._release_unstarted(lease)
            elif active:
                self._start(lease)
            else:
                self._accept(lease)
        elif known.state is LeaseState.OFFERED:
            # The same offer again: its accept may be lost. Repeating it changes nothing otherwise.
            self._accept(known)

    def _accept(self, lease: HeldLease) -> None:
        self.outbox.add(Kind.ACCEPT, lease.ref, partial(self._on_accept, lease))

    def _on_accept(self, lease: HeldLease, result: Result) -> None:
        if result.verdict not in _APPLIED:
            self.leases.move(lease, LeaseEvent.REFUSED)
        elif lease.state is LeaseState.GONE:
            # A verdict took it away while its accept was on its way, yet it is ours.
            self._reporter.release(lease, _tr.RELEASE_REASON_UNSTARTED)
        elif lease.state is not LeaseState.OFFERED:
            return
        elif lease.stop_reason is not None:
            outcome = stop_outcome(lease.stop_reason)
            if isinstance(outcome, pb.failure.Failure):
                self._settle(lease, outcome)
            else:
                self._release_unstarted(lease)
        elif self._is_draining:
            self._release_unstarted(lease)
        else:
            self._start(lease)

    def _start(self, lease: HeldLease) -> None:
        offer = lease.offer
        handler = self._handlers.get(offer.spec.job_type)
        if handler is None:
            text = f"this worker has no handler for {offer.spec.job_type!r}"
            self._settle(lease, failure(FailureClass.INCAPABLE, text))
            return
        self.leases.move(lease, LeaseEvent.ACCEPTED)
        policy = self._policy()
        progress = ProgressReporter(self.outbox, lease.ref, policy.max_payload_bytes)
        self._progress[lease] = progress
        job = JobContext(offer, JobParts(self.outbox, progress, self._orchestrator))
        deadline = length_of(offer, "attempt_deadline")
        self._arm_deadline(lease, policy.attempt_deadline if deadline is None else deadline)
        lease.job = job
        task = asyncio.create_task(
            run_handler(handler, job, policy.max_payload_bytes), name=f"job {job.job_id}"
        )
        lease.task = task
        task.add_done_callback(partial(self._on_end, lease, job))

    def _on_end(self, lease: HeldLease, job: JobContext, task: asyncio.Task[Outcome]) -> None:
        if task.cancelled():
            # Cancelled before its first step: the handler never began.
            self._settle(lease, stop_outcome(job.stop_reason or StopReason.DRAIN))
        else:
            self._settle(lease, task.result())

    def _on_verdict(self, verdict: pb.task_runner.Verdict) -> None:
        lease = self.leases.get((verdict.job_id, verdict.lease_epoch))
        if lease is None:
            return
        if verdict.verdict == _tr.LEASE_VERDICT_RENEWED:
            if verdict.HasField("attempt_time_left"):
                self._move_deadline(lease, verdict.attempt_time_left)
        elif verdict.verdict == _tr.LEASE_VERDICT_CANCELLED:
            grace = self._policy().drain_grace.total_seconds()
            self._stop(lease, StopReason.CANCELLED, grace)
        elif verdict.verdict in _LOST:
            self._lose(lease)

    def _move_deadline(self, lease: HeldLease, time_left: DurationMessage) -> None:
        """An operator moved the attempt's deadline: what the offer said counts no longer."""
        if lease.state is LeaseState.OFFERED:
            # Not begun yet: its clock starts when it does.
            lease.offer.attempt_deadline.CopyFrom(time_left)
        elif lease.state is LeaseState.RUNNING:
            self._arm_deadline(lease, to_timedelta(time_left))

    def _arm_deadline(self, lease: HeldLease, left: timedelta) -> None:
        grace = self._policy().drain_grace.total_seconds()
        lease.set_timer(left.total_seconds(), lambda: self._stop(lease, StopReason.DEADLINE, grace))

    def _on_cancel(self, cancel: pb.task_runner.Cancel) -> None:
        lease = self.leases.get((cancel.job_id, cancel.lease_epoch))
        if lease is None:
            return
        reason = _CANCEL_REASONS.get(cancel.reason, StopReason.CANCELLED)
        if reason is StopReason.LEASE_LOST:
            self._lose(lease)
            return
        has_grace = cancel.HasField("grace")
        grace = to_timedelta(cancel.grace) if has_grace else self._policy().drain_grace
        self._stop(lease, reason, grace.total_seconds())

    def _stop(self, lease: HeldLease, reason: StopReason, grace: float) -> None:
        """Asks a handler to stop; after the grace it is given up."""
        if lease.state is LeaseState.OFFERED:
            lease.stop_reason = lease.stop_reason or reason
        if self.leases.move(lease, LeaseEvent.STOP):
            self._interrupt(lease, reason, grace)

    def _lose(self, lease: HeldLease) -> None:
        """The lease is no longer ours; whatever the handler still does comes to nothing."""
        if not self.leases.move(lease, LeaseEvent.LOST):
            return
        progress = self._progress.get(lease)
        if progress is not None:
            progress.drop()
        if lease.state is LeaseState.LINGERING:
            job_logger(lease.offer).warning("lease lost")
            self._interrupt(
                lease, StopReason.LEASE_LOST, self._policy().drain_grace.total_seconds()
            )

    def _interrupt(self, lease: HeldLease, reason: StopReason, grace: float) -> None:
        was_interrupted = lease.stop_reason is not None
        lease.stop_reason = reason
        lease.set_timer(grace, lambda: self._give_up(lease))
        if lease.job is not None:
            lease.job.stop_reason = reason
        if lease.task is not None and not was_interrupted:
            lease.task.cancel()

    def _give_up(self, lease: HeldLease) -> None:
        if not self.leases.move(lease, LeaseEvent.GAVE_UP):
            return
        lease.clear_timer()
        reason = lease.stop_reason or StopReason.DRAIN
        job_logger(lease.offer).error(
            "handler ignored its cancellation and was given up", extra={"stop_reason": reason}
        )
        if lease.task is not None:
            lease.task.cancel()
        if lease.state is LeaseState.REPORTING:
            self._report(lease, stop_outcome(reason, "the handler ignored its cancellation"))
        else:
            self._progress.pop(lease, None)

    def _settle(self, lease: HeldLease, outcome: Outcome) -> None:
        """The handler ended, or never begins. After it was given up the outcome is dropped."""
        if self.leases.move(lease, LeaseEvent.FINISHED):
            if lease.state is LeaseState.REPORTING:
                self._report(lease, outcome)
            else:
                self._progress.pop(lease, None)

    def _release_unstarted(self, lease: HeldLease) -> None:
        if self.leases.move(lease, LeaseEvent.FINISHED):
            self._reporter.release(lease, _tr.RELEASE_REASON_UNSTARTED)

    def _report(self, lease: HeldLease, outcome: Outcome) -> None:
        lease.clear_timer()
        report = partial(self._reporter.report, lease, outcome)
        progress = self._progress.get(lease)
        if progress is None:
            report()
        elif isinstance(outcome, pb.task_runner.Completion):
            progress.drop()
            report()
        else:
            progress.flush(report, self._policy().renew_interval.total_seconds())

    def _on_answered(self, lease: HeldLease) -> None:
        progress = self._progress.pop(lease, None)
        if progress is not None:
            progress.drop()
        self.leases.move(lease, LeaseEvent.ANSWERED)
