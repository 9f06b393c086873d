"""The outgoing half of a session's stream."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

from stellaops_orchestrator.worker.outbox import Frame

Source = Callable[[], Frame | None]


class FrameWriter:
    """Sends frames one after the other; while one is written, the next gathers.

    So an idle stream adds no delay and a busy one sends large frames.
    """

    def __init__(self) -> None:
        self._control: deque[Frame] = deque()
        self._source: Source | None = None
        self._wake = asyncio.Event()
        self._is_closed = False
        self.sent_at = time.monotonic()
        """When the last frame went out, by time.monotonic()."""

    def send(self, frame: Frame) -> None:
        """Sends a frame of the session itself, ahead of everything else."""
        self._control.append(frame)
        self._wake.set()

    def pull_from(self, source: Source) -> None:
        """Lets frames come from ``source``, too."""
        self._source = source
        self._wake.set()

    def poke(self) -> None:
        """Says that there may be something to send."""
        self._wake.set()

    def close(self) -> None:
        """Ends the outgoing half once the frames of the session itself have gone."""
        self._is_closed = True
        self._source = None
        self._wake.set()

    async def run(self, write: Callable[[Frame], Awaitable[None]]) -> None:
        """Writes until it is closed; raises what ``write`` raises."""
        while True:
            frame = self._next()
            if frame is not None:
                self.sent_at = time.monotonic()
                await write(frame)
            elif self._is_closed:
                return
            else:
                self._wake.clear()
                await self._wake.wait()
                # What other callbacks of this turn produce shall share the frame.
                await asyncio.sleep(0)

    def _next(self) -> Frame | None:
        if self._control:
            return self._control.popleft()
        return self._source() if self._source else None
