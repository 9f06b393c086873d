"""The end of a worker's time."""

import time
from collections.abc import Awaitable, Callable
from typing import Protocol


class DrainPorts(Protocol):
    """What a drain needs from the worker."""

    is_drain_acknowledged: bool
    """Whether the server has said that no offer comes any more."""

    def announce_drain(self, reason: str) -> None:
        """Says Drain now and on every stream to come, and starts nothing any more."""

    def is_connected(self) -> bool:
        """Whether a session is up."""

    def running(self) -> int:
        """How many handlers run."""

    def is_idle(self) -> bool:
        """Whether nothing runs and every outcome was answered."""

    def stop_all(self, grace: float) -> None:
        """Asks every handler to stop within ``grace`` seconds."""

    def give_up_all(self) -> None:
        """Gives up the handlers that did not stop."""

    def until(self, holds: Callable[[], bool], timeout: float) -> Awaitable[bool]:
        """True once ``holds`` does, False after ``timeout`` seconds."""


async def drain(ports: DrainPorts, reason: str, grace: float) -> None:
    """Ends a worker's time without losing anything.

    No new offers, then what is held ends by itself within the grace (in seconds), then the rest
    is asked to stop and released, then the answers are waited for. After the grace come two
    short waits of a tenth of it each, so with the contract's 25 s all is over in 30 s, which is
    what Kubernetes gives.
    """
    deadline = time.monotonic() + grace
    short = grace / 10

    def left() -> float:
        return deadline - time.monotonic()

    ports.announce_drain(reason)
    # The barrier: after it, every offer that was on its way has arrived.
    await ports.until(
        lambda: ports.is_drain_acknowledged or (not ports.is_connected() and ports.is_idle()),
        left(),
    )
    await ports.until(lambda: ports.running() == 0, left())
    if ports.running() > 0:
        ports.stop_all(short)
        await ports.until(lambda: ports.running() == 0, short)
        ports.give_up_all()
    await ports.until(ports.is_idle, max(left(), short))
