"""A chaos worker in Python, for all tenants: its settings are the JSON in its argument.

It says in a journal what it does, and works until its standard input ends. See ../../worker.ts,
which is the same in TypeScript.
"""

import asyncio
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from stellaops_orchestrator import JobContext, TerminalError, Worker

HEARD = {"result dropped: the lease is stale": "refused", "lease lost": "lost"}

Doing = Callable[[JobContext, Mapping[str, Any]], Awaitable[object]]


class Journal:
    """The process's own log: a line of JSON a write, so that a kill loses no line."""

    def __init__(self, path: str, process: str) -> None:
        """Appends to the file."""
        self._file = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o644)
        self._process = process
        self._seq = 0

    def note(self, tenant: str, event: str, fields: Mapping[str, object]) -> None:
        """Writes a line; the monotonic clock is the machine's, the same for all processes."""
        self._seq += 1
        line = {
            "process": self._process,
            "tenant": tenant,
            "event": event,
            "seq": self._seq,
            "monoNs": str(time.monotonic_ns()),
            "clockMs": time.time_ns() // 1_000_000,
            **fields,
        }
        os.write(self._file, (json.dumps(line) + "\n").encode())


class Hearing(logging.Handler):
    """Hears from the SDK's log what became of results, which no handler is told."""

    def __init__(self, journal: Journal, tenants: Mapping[str, str]) -> None:
        """``tenants`` is asked whose a job is: the log does not say."""
        super().__init__()
        self._journal = journal
        self._tenants = tenants

    def emit(self, record: logging.LogRecord) -> None:
        """Notes the lines that matter."""
        event = HEARD.get(record.getMessage())
        job_id = getattr(record, "job_id", None)
        if event is None or job_id is None:
            return
        facts = {
            "jobId": job_id,
            "attempt": getattr(record, "attempt", 0),
            "leaseEpoch": getattr(record, "lease_epoch", 0),
        }
        self._journal.note(self._tenants.get(job_id, ""), event, facts)


async def work(job: JobContext, payload: Mapping[str, Any]) -> object:
    """Works for a while; cancelled when it is to stop."""
    await asyncio.sleep(payload["workMs"] / 1_000)
    return {"worked": payload["workMs"]}


async def deaf(job: JobContext, payload: Mapping[str, Any]) -> object:
    """Does not hear that it is to stop, as a handler in a system call."""
    await asyncio.to_thread(time.sleep, payload["workMs"] / 1_000)
    return {"worked": payload["workMs"]}


async def flaky(job: JobContext, payload: Mapping[str, Any]) -> object:
    """Fails as often as it is told."""
    if job.attempt <= payload["failures"]:
        raise ValueError(f"attempt {job.attempt} of {payload['failures']} that fail")
    return {"attempt": job.attempt}


async def hopeless(job: JobContext, payload: Mapping[str, Any]) -> object:
    """Fails for good."""
    raise TerminalError("no attempt could succeed")


async def poison(job: JobContext, payload: Mapping[str, Any]) -> object:
    """Takes its process down."""
    os.kill(os.getpid(), signal.SIGKILL)
    return None


DOINGS: Mapping[str, Doing] = {
    "chaos.quick": work,
    "chaos.work": work,
    "chaos.deaf": deaf,
    "chaos.flaky": flaky,
    "chaos.hopeless": hopeless,
    "chaos.poison": poison,
}


def telling(
    tenant: str, doing: Doing, journal: Journal, marks: list[str], tenants: dict[str, str]
) -> Callable[[JobContext], Awaitable[object]]:
    """A handler that notes what happens to it."""

    async def handle(job: JobContext) -> object:
        tenants[job.job_id] = tenant
        payload = job.json()
        facts = {"jobId": job.job_id, "attempt": job.attempt, "leaseEpoch": job.lease.lease_epoch}
        text = f"{job.payload!r} {job.labels} {job.source}"
        found = [mark for mark in marks if mark in text]
        begun = {"leaseToken": job.lease.lease_token, "nonce": payload["nonce"], "marks": found}
        journal.note(tenant, "started", {**facts, **begun})
        try:
            result = await doing(job, payload)
        except BaseException as error:
            journal.note(tenant, "thrown", {**facts, "why": repr(error)})
            raise
        journal.note(tenant, "finished", facts)
        return result

    return handle


async def main() -> None:
    """Works until the standard input ends."""
    settings = json.loads(sys.argv[-1])
    process = f"{settings['workerId']}#{settings['incarnation']}"
    journal = Journal(settings["journal"], process)
    tenants: dict[str, str] = {}
    logging.getLogger("stellaops_orchestrator").addHandler(Hearing(journal, tenants))
    workers = [
        Worker(
            {
                job_type: telling(tenant, doing, journal, settings["marks"], tenants)
                for job_type, doing in DOINGS.items()
            },
            url=settings["url"],
            tenant=tenant,
            worker_id=settings["workerId"],
            concurrency=settings["concurrency"],
        )
        for tenant in settings["tenants"]
    ]
    loop = asyncio.get_running_loop()

    def wait_for_the_end() -> None:
        # Not through sys.stdin: its lock, held by this thread, would abort the interpreter's end.
        while os.read(0, 4096):
            pass
        for worker in workers:
            loop.call_soon_threadsafe(worker.stop, "the run is over")

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    await asyncio.gather(*(worker.run(handle_signals=False) for worker in workers))


if __name__ == "__main__":
    asyncio.run(main())
