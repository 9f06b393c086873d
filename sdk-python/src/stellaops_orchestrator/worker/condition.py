"""Waiting until something is true."""

import asyncio
from collections.abc import Callable


class Condition:
    """Lets code wait until something is true of a state that says when it changes."""

    def __init__(self) -> None:
        self._waiting: set[Callable[[], None]] = set()

    def changed(self) -> None:
        """Says that the state changed."""
        for look in tuple(self._waiting):
            look()

    async def until(self, holds: Callable[[], bool], timeout: float) -> bool:
        """True once ``holds`` does, False after ``timeout`` seconds."""
        if holds():
            return True
        if timeout <= 0:
            return False
        event = asyncio.Event()

        def look() -> None:
            if holds():
                event.set()

        self._waiting.add(look)
        try:
            async with asyncio.timeout(timeout):
                await event.wait()
        except TimeoutError:
            return holds()
        finally:
            self._waiting.discard(look)
        return True
