"""The conformance program of the Python SDK: see test/conformance/README.md."""

import asyncio
import logging
import os
import sys
import traceback

from _gen import driver_pb2 as driver
from emit import commands, emit
from program import Program

from stellaops_orchestrator import __version__

_BUG = 2


def _exit_with(code: int) -> None:
    """Ends the process at once, whatever still runs."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


async def main() -> None:
    """Does commands until stdin ends."""
    emit(driver.Event(ready=driver.Ready(protocol_version=1, sdk=f"sdk-python/{__version__}")))
    program = Program(emit, _exit_with)
    running: set[asyncio.Task[None]] = set()

    def on_end(task: asyncio.Task[None]) -> None:
        running.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            traceback.print_exception(error)
            _exit_with(_BUG)

    async for command in commands():
        task = asyncio.create_task(program.run(command))
        running.add(task)
        task.add_done_callback(on_end)
    _exit_with(0)


if __name__ == "__main__":
    logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
    asyncio.run(main())
