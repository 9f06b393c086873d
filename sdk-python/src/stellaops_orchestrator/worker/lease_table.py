"""The leases of a worker and where each stands, as a table of legal moves."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

from stellaops_orchestrator.contract import pb
from stellaops_orchestrator.job_errors import StopReason

if TYPE_CHECKING:
    from stellaops_orchestrator.worker.job_context import JobContext


class LeaseState(Enum):
    """Where a lease stands in this worker."""

    OFFERED = auto()
    """Its accept has no answer yet, the handler has not begun."""
    RUNNING = auto()
    """The handler runs."""
    STOPPING = auto()
    """The handler runs and was asked to stop; the lease is still ours."""
    LINGERING = auto()
    """The handler still runs although the lease is lost."""
    REPORTING = auto()
    """The handler is done with; the server has not answered the outcome yet."""
    GONE = auto()
    """It left the table."""


class LeaseEvent(Enum):
    """What can happen to a lease."""

    ACCEPTED = auto()
    """The server applied the accept, or the lease came active."""
    REFUSED = auto()
    """The server refused the accept."""
    STOP = auto()
    """The handler is asked to stop."""
    LOST = auto()
    """The job moved on without this lease."""
    FINISHED = auto()
    """The handler ended, or will never begin."""
    GAVE_UP = auto()
    """The handler ignored its cancellation until the grace was over."""
    ANSWERED = auto()
    """The server answered the outcome."""


_S, _E = LeaseState, LeaseEvent

LEASE_MOVES: dict[tuple[LeaseState, LeaseEvent], LeaseState] = {
    (_S.OFFERED, _E.ACCEPTED): _S.RUNNING,
    (_S.OFFERED, _E.REFUSED): _S.GONE,
    (_S.OFFERED, _E.LOST): _S.GONE,
    (_S.OFFERED, _E.FINISHED): _S.REPORTING,
    (_S.RUNNING, _E.STOP): _S.STOPPING,
    (_S.RUNNING, _E.LOST): _S.LINGERING,
    (_S.RUNNING, _E.FINISHED): _S.REPORTING,
    (_S.STOPPING, _E.LOST): _S.LINGERING,
    (_S.STOPPING, _E.FINISHED): _S.REPORTING,
    (_S.STOPPING, _E.GAVE_UP): _S.REPORTING,
    (_S.LINGERING, _E.FINISHED): _S.GONE,
    (_S.LINGERING, _E.GAVE_UP): _S.GONE,
    (_S.REPORTING, _E.ANSWERED): _S.GONE,
}
"""Every legal move; an absent entry is illegal."""

LeaseKey = tuple[str, int]
"""Job id and epoch: a job can be here twice, under an old epoch and its successor."""


def key_of(ref: pb.task_runner.LeaseRef) -> LeaseKey:
    """The key of a lease."""
    return ref.job_id, ref.lease_epoch


@dataclass(eq=False, slots=True)
class HeldLease:
    """A lease that this worker holds, or held until its handler ends."""

    offer: pb.task_runner.Offer
    state: LeaseState = LeaseState.OFFERED
    stop_reason: StopReason | None = None
    """Why the handler was asked to stop, the first reason; a lost lease overrides it."""
    job: "JobContext | None" = None
    """What the handler was given; set while it runs."""
    task: "asyncio.Task[object] | None" = None
    """The handler's task; set while it runs."""
    timer: asyncio.TimerHandle | None = field(default=None, repr=False)
    """The attempt's deadline, or the grace of its stop."""

    @property
    def ref(self) -> pb.task_runner.LeaseRef:
        """The lease with its fence."""
        return self.offer.lease

    @property
    def key(self) -> LeaseKey:
        """The key of the lease."""
        return key_of(self.offer.lease)

    def set_timer(self, delay: float | None, on_time: Callable[[], None]) -> None:
        """Replaces the timer; None takes it away."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        if delay is not None:
            self.timer = asyncio.get_running_loop().call_later(max(0.0, delay), on_time)

    def clear_timer(self) -> None:
        """Takes the timer away."""
        self.set_timer(None, lambda: None)


class LeaseTable:
    """The leases of one worker, each moved along its state machine."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._leases: dict[LeaseKey, HeldLease] = {}
        self._newest: dict[str, HeldLease] = {}
        self._counts: Counter[LeaseState] = Counter()

    def __len__(self) -> int:
        return len(self._leases)

    def get(self, key: LeaseKey) -> HeldLease | None:
        """The lease of a key."""
        return self._leases.get(key)

    def newest_of(self, job_id: str) -> HeldLease | None:
        """The newest lease of a job that this worker knows."""
        return self._newest.get(job_id)

    def add(self, offer: pb.task_runner.Offer) -> HeldLease:
        """Adds what was offered."""
        lease = HeldLease(offer)
        self._leases[lease.key] = lease
        self._newest[lease.ref.job_id] = lease
        self._counts[lease.state] += 1
        self._changed()
        return lease

    def move(self, lease: HeldLease, event: LeaseEvent) -> bool:
        """Moves a lease; False if the event means nothing in its state."""
        target = LEASE_MOVES.get((lease.state, event))
        if target is None:
            return False
        self._counts[lease.state] -= 1
        lease.state = target
        if target is LeaseState.GONE:
            self._forget(lease)
        else:
            self._counts[target] += 1
        self._changed()
        return True

    def within(self, *states: LeaseState) -> list[HeldLease]:
        """The leases in any of these states, oldest first."""
        return [lease for lease in self._leases.values() if lease.state in states]

    def count(self, *states: LeaseState) -> int:
        """How many leases are in any of these states."""
        return sum(self._counts[state] for state in states)

    def _forget(self, lease: HeldLease) -> None:
        lease.clear_timer()
        del self._leases[lease.key]
        if self._newest.get(lease.ref.job_id) is lease:
            del self._newest[lease.ref.job_id]
