"""The worker, for handlers that are plain functions."""

import asyncio
import contextvars
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import grpc

from stellaops_orchestrator.contract.time import Duration
from stellaops_orchestrator.sync.job_context import SyncJobContext
from stellaops_orchestrator.sync.portal import Portal
from stellaops_orchestrator.trace_context import TraceHook
from stellaops_orchestrator.worker.job_context import JobContext
from stellaops_orchestrator.worker.job_runner import Handler
from stellaops_orchestrator.worker.pools import Pool
from stellaops_orchestrator.worker.worker import Worker

SyncHandler = Callable[[SyncJobContext], object]
"""Does the work of one job in a thread; returns and raises what an async handler does."""


def threaded(handler: SyncHandler) -> Handler:
    """An async handler that runs a plain one in a thread of its own.

    Daemon threads, because the standard library's executor would keep the process alive for a
    handler that was given up.
    """

    async def run(job: JobContext) -> object:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[object] = loop.create_future()
        view = SyncJobContext(job, Portal(loop))
        context = contextvars.copy_context()
        thread = threading.Thread(
            target=context.run,
            args=(_work, handler, view, done),
            name=f"job {job.job_id}",
            daemon=True,
        )
        thread.start()
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            if done.done():
                raise
            view.stop()
        # The thread goes on until it looks; the second cancellation gives it up.
        return await asyncio.shield(done)

    return run


def _work(handler: SyncHandler, view: SyncJobContext, done: "asyncio.Future[object]") -> None:
    try:
        settle = partial(_settle, done, handler(view), None)
    except BaseException as raised:  # noqa: BLE001 - handed over to the job's runner
        settle = partial(_settle, done, None, raised)
    try:
        done.get_loop().call_soon_threadsafe(settle)
    except RuntimeError:
        return  # The loop is closed: nobody waits for a handler that was given up.


def _settle(done: "asyncio.Future[object]", result: object, raised: BaseException | None) -> None:
    if done.done():
        return
    if raised is None:
        done.set_result(result)
    elif isinstance(raised, StopIteration):
        # A future refuses it: it would end a generator somewhere.
        done.set_exception(RuntimeError("the handler raised StopIteration"))
    else:
        done.set_exception(raised)
        done.exception()  # Looked at: a handler that was given up shall not warn.


class SyncWorker:
    """Runs plain functions for jobs, each in a thread: ``Worker`` without asyncio.

    Args:
        handlers: A function per job type.
        url: As for ``Worker``, and so are all others.
    """

    def __init__(
        self,
        handlers: Mapping[str, SyncHandler],
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
        self._worker = Worker(
            {job_type: threaded(handler) for job_type, handler in handlers.items()},
            url=url,
            tenant=tenant,
            headers=headers,
            credentials=credentials,
            worker_id=worker_id,
            concurrency=concurrency,
            queues=queues,
            pools=pools,
            host=host,
            labels=labels,
            drain_grace=drain_grace,
            lease_at_once=lease_at_once,
            trace_context=trace_context,
        )
        self._lock = threading.Lock()
        self._stop_reason: str | None = None
        self._running: tuple[asyncio.AbstractEventLoop, Worker] | None = None

    @property
    def worker_id(self) -> str:
        """Which worker this is."""
        return self._worker.worker_id

    def run(self, *, handle_signals: bool = True) -> None:
        """Works until it is told to stop, then drains; returns after the drain.

        Can be called once. In the main thread SIGTERM and SIGINT drain, and a second one ends
        the process, unless ``handle_signals`` is False. Raises as ``Worker.run``.
        """
        asyncio.run(self._run(handle_signals=handle_signals))

    def stop(self, reason: str = "stopped by its process") -> None:
        """Begins the drain; may be called from any thread. ``run`` returns when it is over."""
        with self._lock:
            self._stop_reason = self._stop_reason or reason
            if self._running is not None:
                loop, worker = self._running
                loop.call_soon_threadsafe(worker.stop, reason)

    async def _run(self, *, handle_signals: bool) -> None:
        worker = self._worker
        with self._lock:
            self._running = (asyncio.get_running_loop(), worker)
            if self._stop_reason is not None:
                worker.stop(self._stop_reason)
        try:
            await worker.run(handle_signals=handle_signals)
        finally:
            with self._lock:
                self._running = None
