"""A worker with handlers that do nothing, for the benchmarks.

The Python twin of bench/src/programs/worker.ts: it takes commands as lines of JSON and answers
likewise, and ends with its standard input.
"""

import asyncio
import json
import logging
import sys
import time
from typing import Any

from stellaops_orchestrator import JobContext, Worker

COUNT_INTERVAL_SECONDS = 0.004
"""Bounds how often handled jobs are told: a line for each would be a load of its own."""


def tell(line: dict[str, Any]) -> None:
    """Prints a line for the benchmark's main process."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


class Fleet:
    """A worker that runs."""

    def __init__(self, asked: dict[str, Any]) -> None:
        self.handled = 0
        self.latencies_us: list[int] = []
        self._telling = False
        self._worker = Worker(
            {"bench.noop": self._noop, "bench.timed": self._timed},
            url=asked["url"],
            tenant=asked.get("tenant", "default"),
            worker_id=asked["workerId"],
            concurrency=asked["slots"],
        )
        self._running = asyncio.create_task(self._worker.run(handle_signals=False))

    async def stop(self) -> dict[str, Any]:
        """Drains."""
        self._worker.stop()
        await self._running
        return {"handled": self.handled, "latenciesUs": self.latencies_us}

    async def _noop(self, _job: JobContext) -> None:
        self._count()

    async def _timed(self, job: JobContext) -> None:
        # The clock that Node's process.hrtime reads, too.
        now_us = time.monotonic_ns() // 1_000
        self.latencies_us.append(now_us - job.json()["t"])
        self._count()

    def _count(self) -> None:
        self.handled += 1
        if not self._telling:
            self._telling = True
            asyncio.get_running_loop().call_later(COUNT_INTERVAL_SECONDS, self._tell_count)

    def _tell_count(self) -> None:
        self._telling = False
        tell({"done": self.handled})


async def main() -> None:
    """Serves commands until the standard input ends."""
    logging.disable(logging.CRITICAL)
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    fleet: Fleet | None = None
    while line := await reader.readline():
        asked = json.loads(line)
        try:
            if asked["do"] == "start":
                fleet = Fleet(asked)
                tell({"answer": True})
            elif asked["do"] == "stop" and fleet is not None:
                tell({"answer": await fleet.stop()})
            else:
                tell({"failed": f"cannot {asked['do']}"})
        except Exception as error:  # the main process is told, and decides
            tell({"failed": repr(error)})


if __name__ == "__main__":
    asyncio.run(main())
