"""The worker."""

import asyncio
import os
import re
import socket
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Self

import grpc

from stellaops_orchestrator._gen import limits
from stellaops_orchestrator.client.connection import resolve_endpoint
from stellaops_orchestrator.contract.text import truncate
from stellaops_orchestrator.contract.time import Duration, seconds
from stellaops_orchestrator.orchestrator import Orchestrator
from stellaops_orchestrator.trace_context import TraceHook
from stellaops_orchestrator.worker.engine import Engine, EngineOptions
from stellaops_orchestrator.worker.job_runner import Handler, check_handler
from stellaops_orchestrator.worker.pools import Pool, plan_pools
from stellaops_orchestrator.worker.signals import on_stop_signals


def default_worker_id() -> str:
    """The host's name and the process id, in the characters that the contract allows."""
    host = re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname()).lstrip("._-")
    return f"{host or 'worker'}:{os.getpid()}"


class Worker:
    """Runs async handlers for jobs: claims, renews, reports, reconnects, drains.

    It holds one stream and never gives it up for good: whatever happens to the server or the
    network, it reconnects for ever, handlers run on meanwhile, and what they produce is resent
    until it is answered. ``run()`` it, or use it as an async context manager, which works in the
    background and drains at the end of the block.

    Args:
        handlers: An async handler per job type.
        url: As for ``Orchestrator``.
        tenant: As for ``Orchestrator``.
        headers: As for ``Orchestrator``.
        credentials: As for ``Orchestrator``.
        worker_id: Which worker this is, for people; the host's name and the process id unless
            told.
        concurrency: How many jobs run at once. Not used when ``pools`` is given.
        queues: The queues to take from; ``"default"`` unless told. Not used with ``pools``.
        pools: Separate slots for separate job types, by name.
        host: The machine that it runs on, which an operator can take out as a whole; its host
            name unless told, empty for none.
        labels: For people, up to 32.
        drain_grace: How long a drain lets jobs run on; the lease policy's unless told.
        lease_at_once: Whether jobs come with an active lease instead of an offer: handlers begin
            one commit and one round trip earlier, and a job that is lost on its way here counts
            as interrupted. For many short jobs.
        trace_context: The trace context of ``job.orchestrator``; the job's own unless told.

    Raises:
        InvalidArgumentError: URL_INVALID.
        ValueError, TypeError: Settings that cannot work.
    """

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        *,
        url: str | None = None,
        tenant: str = "default",
        headers: Mapping[str, str] | None = None,
        credentials: grpc.ChannelCredentials | None = None,
        worker_id: str | None = None,
        concurrency: int = 8,
        queues: Sequence[str] = (),
        pools: Mapping[str, Pool] | None = None,
        host: str | None = None,
        labels: Mapping[str, str] | None = None,
        drain_grace: Duration | None = None,
        lease_at_once: bool = False,
        trace_context: TraceHook | None = None,
    ) -> None:
        for job_type, handler in handlers.items():
            check_handler(job_type, handler)
        self._options = EngineOptions(
            endpoint=resolve_endpoint(url, tenant, headers, credentials),
            handlers=dict(handlers),
            pools=plan_pools(pools, handlers.keys(), concurrency, queues),
            worker_id=worker_id or default_worker_id(),
            host=truncate(socket.gethostname() if host is None else host, limits.HOST_BYTES),
            labels=dict(labels or {}),
            drain_grace=None if drain_grace is None else seconds(drain_grace),
            lease_at_once=lease_at_once,
        )
        self._orchestrator = Orchestrator(
            url,
            tenant=tenant,
            headers=headers,
            credentials=credentials,
            trace_context=trace_context,
        )
        self._stop = asyncio.Event()
        self._stop_reason = ""
        self._has_run = False
        self._background: asyncio.Task[None] | None = None

    @property
    def worker_id(self) -> str:
        """Which worker this is."""
        return self._options.worker_id

    async def run(self, *, handle_signals: bool = True) -> None:
        """Works until it is told to stop, then drains; returns after the drain.

        Can be called once. Cancelling it abandons what it holds; ``stop()`` does not.

        Args:
            handle_signals: Whether SIGTERM and SIGINT drain, and a second one ends the process.

        Raises:
            OrchestratorError: Working is pointless: SESSION_SUPERSEDED (a newer instance of the
                same worker id runs), or the server refuses the very first Hello.
        """
        if self._has_run:
            raise RuntimeError("a Worker runs once: make a new one")
        self._has_run = True
        async with AsyncExitStack() as stack:
            if handle_signals:
                stack.enter_context(on_stop_signals(self.stop))
            stack.push_async_callback(self._orchestrator.close)
            await Engine(self._options, self._orchestrator).run(self._stopped())

    def stop(self, reason: str = "stopped by its process") -> None:
        """Begins the drain; call it in the event loop. ``run`` returns when it is over."""
        self._stop_reason = self._stop_reason or reason
        self._stop.set()

    async def __aenter__(self) -> Self:
        self._background = asyncio.create_task(self.run(handle_signals=False))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stop()
        if self._background is not None:
            await self._background

    async def _stopped(self) -> str:
        await self._stop.wait()
        return self._stop_reason
