"""Events on stdout and commands on stdin, each after its length."""

import asyncio
import struct
import sys
import threading
from collections.abc import AsyncIterator, Callable

from _gen import driver_pb2 as driver

_LENGTH = struct.Struct(">I")

Emit = Callable[[driver.Event], None]
"""Writes one event."""


def emit(event: driver.Event) -> None:
    """Writes one event whole, and flushes it. Called in the event loop only."""
    data = event.SerializeToString()
    sys.stdout.buffer.write(_LENGTH.pack(len(data)) + data)
    sys.stdout.buffer.flush()


async def commands() -> AsyncIterator[driver.Command]:
    """Yields commands until stdin ends."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[driver.Command | None] = asyncio.Queue()

    def read() -> None:
        stdin = sys.stdin.buffer
        while len(head := stdin.read(_LENGTH.size)) == _LENGTH.size:
            data = stdin.read(_LENGTH.unpack(head)[0])
            loop.call_soon_threadsafe(queue.put_nowait, driver.Command.FromString(data))
        loop.call_soon_threadsafe(queue.put_nowait, None)

    threading.Thread(target=read, daemon=True).start()
    while (command := await queue.get()) is not None:
        yield command
