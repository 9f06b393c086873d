"""What a worker has to say and must not lose."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from stellaops_orchestrator._gen import limits
from stellaops_orchestrator.contract import pb

Frame = pb.task_runner.WorkerFrame
Result = pb.task_runner.WriteResult
OnAnswer = Callable[[Result], None]
Write = (
    pb.task_runner.LeaseRef
    | pb.task_runner.ProgressReport
    | pb.task_runner.Completion
    | pb.task_runner.FailureReport
    | pb.task_runner.Release
)
"""A write under a lease that the server answers; a LeaseRef is an accept."""


class Kind(Enum):
    """The kinds of writes, in the order in which a flush sends them.

    An attempt's checkpoint goes before its failure, so that the next attempt has it.
    """

    ACCEPT = pb.task_runner.WRITE_KIND_ACCEPT
    PROGRESS = pb.task_runner.WRITE_KIND_PROGRESS
    FAIL = pb.task_runner.WRITE_KIND_FAIL
    COMPLETE = pb.task_runner.WRITE_KIND_COMPLETE
    RELEASE = pb.task_runner.WRITE_KIND_RELEASE


Key = tuple[Kind, str, int]

# Room for a frame's own framing beside its items.
_FRAMING_BYTES = 1024


@dataclass(slots=True, eq=False)
class _Pending:
    key: Key
    write: Write
    size: int
    on_answer: OnAnswer
    sent_at: float | None = field(default=None)


def _lease_of(write: Write) -> pb.task_runner.LeaseRef:
    return write if isinstance(write, pb.task_runner.LeaseRef) else write.lease


def _completion_id(write: Write) -> str:
    ending = pb.task_runner.Completion | pb.task_runner.FailureReport
    return write.completion_id if isinstance(write, ending) else ""


def _frame(kind: Kind, writes: list[Write]) -> Frame:
    frame = Frame()
    match kind:
        case Kind.ACCEPT:
            frame.accept.leases.extend(writes)  # type: ignore[arg-type]
        case Kind.PROGRESS:
            frame.progress.reports.extend(writes)  # type: ignore[arg-type]
        case Kind.FAIL:
            frame.fail.failures.extend(writes)  # type: ignore[arg-type]
        case Kind.COMPLETE:
            frame.complete.completions.extend(writes)  # type: ignore[arg-type]
        case Kind.RELEASE:
            frame.release.releases.extend(writes)  # type: ignore[arg-type]
    return frame


class Outbox:
    """Keeps writes until they are answered, and stages them again for every new stream.

    So an outcome survives any number of broken streams. Whatever is staged when the stream takes
    a frame goes in one frame per kind.
    """

    def __init__(self, max_frame_bytes: Callable[[], int], changed: Callable[[], None]) -> None:
        self._max_frame_bytes = max_frame_bytes
        self._changed = changed
        self._pending: dict[Key, _Pending] = {}
        # Insertion-ordered sets.
        self._staged: dict[Kind, dict[_Pending, None]] = {kind: {} for kind in Kind}
        # By resource: what counts is the newest word about it.
        self._throttles: dict[str, pb.task_runner.Throttle] = {}

    @property
    def unanswered(self) -> int:
        """How many writes have no answer yet."""
        return len(self._pending)

    def add(self, kind: Kind, write: Write, on_answer: OnAnswer) -> None:
        """Adds a write; the newest of a kind for a lease replaces the one before."""
        lease = _lease_of(write)
        key = (kind, lease.job_id, lease.lease_epoch)
        self._forget(key)
        pending = _Pending(key, write, write.ByteSize() + 8, on_answer)
        self._pending[key] = pending
        self._staged[kind][pending] = None
        self._changed()

    def throttle(self, report: pb.task_runner.Throttle) -> None:
        """Reports an upstream that asked to slow down. Sent once; it is not answered."""
        self._throttles[report.resource_key] = report
        self._changed()

    def answer(self, result: Result) -> None:
        """Settles the write that a result answers; a result that answers none is dropped."""
        try:
            kind = Kind(result.kind)
        except ValueError:
            return
        pending = self._pending.get((kind, result.job_id, result.lease_epoch))
        if pending is None or pending.sent_at is None:
            return
        expected = _completion_id(pending.write)
        if expected and result.completion_id not in {"", expected}:
            return
        self._forget(pending.key)
        pending.on_answer(result)
        self._changed()

    def drop(self, kind: Kind, lease: pb.task_runner.LeaseRef) -> None:
        """Takes a write back: it means nothing any more."""
        self._forget((kind, lease.job_id, lease.lease_epoch))
        self._changed()

    def resend(self, age: float) -> None:
        """Stages again what was sent ``age`` seconds ago or longer; 0 means everything."""
        before = time.monotonic() - age
        for pending in self._pending.values():
            if pending.sent_at is not None and pending.sent_at <= before:
                self._staged[pending.key[0]][pending] = None
        self._changed()

    def take(self) -> Frame | None:
        """The next frame: as many staged writes of one kind as fit; None if none is staged."""
        for kind, staged in self._staged.items():
            if staged:
                return _frame(kind, self._take_from(staged))
        for key in self._throttles:
            return Frame(throttle=self._throttles.pop(key))
        return None

    def _take_from(self, staged: dict[_Pending, None]) -> list[Write]:
        writes: list[Write] = []
        total = _FRAMING_BYTES
        now = time.monotonic()
        for pending in tuple(staged):
            is_full = total + pending.size > self._max_frame_bytes()
            if len(writes) == limits.FRAME_ITEMS or (writes and is_full):
                break
            del staged[pending]
            pending.sent_at = now
            total += pending.size
            writes.append(pending.write)
        return writes

    def _forget(self, key: Key) -> None:
        pending = self._pending.pop(key, None)
        if pending is not None:
            self._staged[key[0]].pop(pending, None)
