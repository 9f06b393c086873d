"""A job as a threaded handler sees it."""

import threading
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from typing import Any, TypeVar

from stellaops_orchestrator.artifacts.artifacts import UploadedArtifact
from stellaops_orchestrator.artifacts.source import ArtifactSource
from stellaops_orchestrator.client.run_spec import RunJob
from stellaops_orchestrator.client.run_views import AppendedJobs
from stellaops_orchestrator.contract.time import Duration, seconds
from stellaops_orchestrator.job_errors import JobStoppedError, StopReason
from stellaops_orchestrator.sync.orchestrator import SyncOrchestrator
from stellaops_orchestrator.sync.portal import Portal
from stellaops_orchestrator.worker.job_context import JobContext, JobFacts

T = TypeVar("T")


class SyncJobContext(JobFacts):
    """A job as a handler in a thread sees it.

    Nobody can interrupt a thread, so a handler that runs for long asks now and then: with
    ``wait`` instead of ``time.sleep``, and with ``raise_if_stopped`` in loops. Once it must
    stop, the calls of this object raise ``JobStoppedError``. Let it pass, or clean up soon:
    after the grace the slot is given up and the result dropped.
    """

    orchestrator: SyncOrchestrator
    """A client of the same server and tenant. Jobs enqueued here inherit trace and correlation."""

    def __init__(self, job: JobContext, portal: Portal) -> None:
        # Not super().__init__(): the facts are those of the async view, not of the offer again.
        for name in JobFacts.__annotations__:
            setattr(self, name, getattr(job, name))
        self.orchestrator = SyncOrchestrator.over(job.orchestrator, portal)
        self._job = job
        self._portal = portal
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._calls: set[Future[Any]] = set()

    @property
    def stop_reason(self) -> StopReason | None:
        """Why the handler must stop; None while it may go on."""
        return self._job.stop_reason

    @property
    def artifacts(self) -> Mapping[str, str]:
        """The artifacts that the handler uploaded so far: digests by name."""
        return self._job.artifacts

    def raise_if_stopped(self) -> None:
        """Raises JobStoppedError once the handler must stop."""
        if self._stopped.is_set():
            raise JobStoppedError(self.stop_reason or StopReason.DRAIN)

    def wait(self, duration: Duration) -> None:
        """Sleeps, but not beyond the moment at which the handler must stop.

        Raises:
            JobStoppedError: The handler must stop.
        """
        self._stopped.wait(seconds(duration))
        self.raise_if_stopped()

    def load_payload(self) -> bytes:
        """The input wherever it is: inline, or downloaded and verified when it is an artifact.

        Raises:
            JobStoppedError: The handler must stop.
        """
        if not self.payload_artifact:
            return self.payload
        return self._call(self._job.load_payload())

    def progress(self, fraction: float, *, message: str = "", checkpoint: bytes = b"") -> None:
        """Says how far the attempt got; may be called as often as you like, and does not block.

        Args:
            fraction: From 0 to 1.
            message: For people.
            checkpoint: Handed to the next attempt, at most the lease policy's
                ``max_payload_bytes``; empty leaves the last one as it is.

        Raises:
            TerminalError: The checkpoint is too large (OVERSIZE).
            JobStoppedError: The handler must stop.
        """
        self.raise_if_stopped()
        self._call(self._report(fraction, message, checkpoint))

    def save(self, fraction: float, *, message: str = "", checkpoint: bytes = b"") -> bool:
        """As ``progress``, but waits: True once the ledger has it, False if it never will."""
        return self._call(self._report_and_wait(fraction, message, checkpoint))

    def upload_artifact(
        self, name: str, source: ArtifactSource, *, media_type: str = ""
    ) -> UploadedArtifact:
        """Uploads an artifact; it is bound to the job when the handler succeeds.

        A second one of the same name replaces the first. Raises as ``Artifacts.upload``, and
        JobStoppedError.
        """
        return self._call(self._job.upload_artifact(name, source, media_type=media_type))

    def fan_out(self, jobs: Sequence[RunJob], *, timeout: Duration | None = None) -> AppendedJobs:
        """Appends jobs to the job's own run, under its lease. See ``JobContext.fan_out``.

        Raises:
            JobStoppedError: The handler must stop.
        """
        return self._call(self._job.fan_out(jobs, timeout=timeout))

    def throttle(
        self,
        resource_key: str,
        *,
        retry_after: Duration | None = None,
        remaining: int | None = None,
    ) -> None:
        """Reports that an upstream asked to slow down. See ``JobContext.throttle``."""
        self._call(self._throttle(resource_key, retry_after, remaining))

    def stop(self) -> None:
        """Makes the handler's calls raise JobStoppedError; the worker calls it."""
        with self._lock:
            self._stopped.set()
            calls = tuple(self._calls)
        for call in calls:
            call.cancel()

    def _call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        with self._lock:
            if self._stopped.is_set():
                coroutine.close()
                raise JobStoppedError(self.stop_reason or StopReason.DRAIN)
            future = self._portal.submit(coroutine)
            self._calls.add(future)
        try:
            return future.result()
        except CancelledError:
            self.raise_if_stopped()
            raise
        finally:
            self._calls.discard(future)

    async def _report(self, fraction: float, message: str, checkpoint: bytes) -> None:
        self._job.progress(fraction, message=message, checkpoint=checkpoint)

    async def _report_and_wait(self, fraction: float, message: str, checkpoint: bytes) -> bool:
        return await self._job.progress(fraction, message=message, checkpoint=checkpoint)

    async def _throttle(
        self, resource_key: str, retry_after: Duration | None, remaining: int | None
    ) -> None:
        self._job.throttle(resource_key, retry_after=retry_after, remaining=remaining)
