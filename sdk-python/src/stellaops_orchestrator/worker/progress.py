"""The progress of one attempt."""

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from stellaops_orchestrator._gen import limits
from stellaops_orchestrator.contract import pb
from stellaops_orchestrator.contract.text import truncate
from stellaops_orchestrator.job_errors import TerminalError
from stellaops_orchestrator.names import FailureClass
from stellaops_orchestrator.worker.outbox import Kind, Outbox, Result

MIN_INTERVAL = 0.5
"""Seconds between two reports of a job, unless the later one carries a checkpoint."""

_APPLIED = {
    pb.task_runner.WRITE_VERDICT_APPLIED,
    pb.task_runner.WRITE_VERDICT_ALREADY_APPLIED,
}


@dataclass(frozen=True, slots=True)
class _Report:
    fraction: float
    message: str
    checkpoint: bytes


class ProgressReporter:
    """Sends the newest of what is reported: a handler may report as often as it likes.

    At most one report is on its way; what is said meanwhile is merged into the next.
    """

    def __init__(
        self, outbox: Outbox, lease: pb.task_runner.LeaseRef, max_checkpoint_bytes: int
    ) -> None:
        self._outbox = outbox
        self._lease = lease
        self._max_checkpoint_bytes = max_checkpoint_bytes
        self._next: _Report | None = None
        self._waiting: list[asyncio.Future[bool]] = []
        self._on_its_way: list[asyncio.Future[bool]] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._sent_at = -math.inf
        self._is_closed = False
        self._then: Callable[[], None] | None = None

    def report(self, fraction: float, message: str, checkpoint: bytes) -> asyncio.Future[bool]:
        """True once the ledger has this or a newer report, False if it never will."""
        if len(checkpoint) > self._max_checkpoint_bytes:
            text = f"a checkpoint of {len(checkpoint)} bytes exceeds the limit of"
            raise TerminalError(
                f"{text} {self._max_checkpoint_bytes}", failure_class=FailureClass.OVERSIZE
            )
        stored: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        if self._is_closed:
            stored.set_result(False)
            return stored
        last = self._next or _Report(0, "", b"")
        self._next = _Report(
            min(1.0, max(0.0, fraction)) if math.isfinite(fraction) else 0.0,
            truncate(message or last.message, limits.PROGRESS_MESSAGE_BYTES),
            checkpoint or last.checkpoint,
        )
        self._waiting.append(stored)
        self._send_if_due()
        return stored

    def flush(self, then: Callable[[], None], patience: float) -> None:
        """Sends what is left, for the next attempt to have the newest checkpoint.

        Calls ``then`` when what follows may be sent: at once, or when a report that is on its
        way was answered (for ``patience`` seconds at most), for a server may store two reports
        that it has at the same time in any order.
        """
        self._is_closed = True
        self._stop_timer()
        self._then = then
        if self._next is None or self._on_its_way is None:
            self._end()
        else:
            self._timer = asyncio.get_running_loop().call_later(patience, self._end)

    def drop(self) -> None:
        """There is nothing left to report on."""
        self._is_closed = True
        self._next = self._then = None
        self._stop_timer()
        self._outbox.drop(Kind.PROGRESS, self._lease)
        self._settle([*(self._on_its_way or ()), *self._waiting], is_stored=False)
        self._on_its_way, self._waiting = None, []

    def _end(self) -> None:
        self._send()
        then, self._then = self._then, None
        if then is not None:
            then()

    def _send_if_due(self) -> None:
        if self._next is None or self._on_its_way is not None or self._is_closed:
            return
        wait = self._sent_at + MIN_INTERVAL - time.monotonic()
        if self._next.checkpoint or wait <= 0:
            self._send()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(wait, self._send)

    def _send(self) -> None:
        self._stop_timer()
        report, self._next = self._next, None
        if report is None:
            return
        # What replaces a report that is on its way answers for it, too.
        waiting = [*(self._on_its_way or ()), *self._waiting]
        self._on_its_way, self._waiting = waiting, []
        self._sent_at = time.monotonic()
        write = pb.task_runner.ProgressReport(
            lease=self._lease,
            progress=pb.job.Progress(
                fraction=report.fraction, message=report.message, checkpoint=report.checkpoint
            ),
        )

        def on_answer(result: Result) -> None:
            self._on_its_way = None
            self._settle(waiting, is_stored=result.verdict in _APPLIED)
            if self._then is not None:
                self._end()
            else:
                self._send_if_due()

        self._outbox.add(Kind.PROGRESS, write, on_answer)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    @staticmethod
    def _settle(waiting: list[asyncio.Future[bool]], *, is_stored: bool) -> None:
        for future in waiting:
            if not future.done():
                future.set_result(is_stored)
