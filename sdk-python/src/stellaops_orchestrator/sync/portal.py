"""The way from threads into an event loop."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar

from stellaops_orchestrator.client.connection import client_closed

T = TypeVar("T")


class Portal:
    """Runs coroutines in an event loop and waits for them in the calling thread.

    Context variables of the calling thread are seen by the coroutine.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> "Future[T]":
        """Starts a coroutine. Raises FailedPreconditionError (CLIENT_CLOSED)."""
        if self.loop.is_closed():
            coroutine.close()
            raise client_closed()
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Runs a coroutine to its end; an interrupted wait (Ctrl-C) cancels it."""
        future = self.submit(coroutine)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def iterate(self, start: Callable[[], AsyncIterator[T]]) -> Iterator[T]:
        """Iterates in the loop, one item per step; a loop that is left early is closed."""
        items = start()

        async def step() -> tuple[T] | None:
            try:
                return (await anext(items),)
            except StopAsyncIteration:
                return None

        async def close() -> None:
            aclose = getattr(items, "aclose", None)
            if aclose is not None:
                await aclose()

        try:
            while (item := self.call(step())) is not None:
                yield item[0]
        finally:
            self.call(close())


class LoopThread:
    """An event loop in a daemon thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="stellaops-orchestrator", daemon=True
        )
        self._thread.start()
        self.portal = Portal(self._loop)

    def stop(self) -> None:
        """Ends the loop and its thread. Idempotent."""
        if self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
