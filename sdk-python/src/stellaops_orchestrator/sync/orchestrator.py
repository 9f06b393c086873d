"""The client, for programs that do not use asyncio."""

from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from typing import Self, Unpack

import grpc

from stellaops_orchestrator.artifacts.artifacts import Artifacts, UploadedArtifact
from stellaops_orchestrator.artifacts.source import ArtifactSource
from stellaops_orchestrator.artifacts.upload import OnUploadProgress
from stellaops_orchestrator.client.answers import (
    CancelledJob,
    CheckedLease,
    EnqueuedJob,
    Lease,
    RetriedJob,
)
from stellaops_orchestrator.client.explaining import Explanation
from stellaops_orchestrator.client.job_spec import JobOptions, JobRequest
from stellaops_orchestrator.client.listing import JobFilter
from stellaops_orchestrator.client.run_spec import RunJob
from stellaops_orchestrator.client.run_views import CreatedRun, RunDetail
from stellaops_orchestrator.client.views import Job, JobDetail, JobEvent
from stellaops_orchestrator.contract.time import Duration
from stellaops_orchestrator.orchestrator import Orchestrator
from stellaops_orchestrator.payload import NOTHING
from stellaops_orchestrator.sync.event_time import SyncBackfills, SyncWatermarks
from stellaops_orchestrator.sync.portal import LoopThread, Portal
from stellaops_orchestrator.sync.runs import SyncPipelines, SyncRuns
from stellaops_orchestrator.trace_context import TraceHook


class SyncArtifacts:
    """Bytes that jobs produce or read. Reach it as ``SyncOrchestrator.artifacts``.

    Every method raises what the one of ``Artifacts`` raises.
    """

    def __init__(self, artifacts: Artifacts, portal: Portal) -> None:
        self._artifacts = artifacts
        self._portal = portal

    def upload(
        self,
        source: ArtifactSource,
        *,
        media_type: str = "",
        on_progress: OnUploadProgress | None = None,
    ) -> UploadedArtifact:
        """Uploads bytes or a file unless the tenant has them already.

        ``on_progress`` is called in the SDK's own thread. See ``Artifacts.upload``.
        """
        return self._portal.call(
            self._artifacts.upload(source, media_type=media_type, on_progress=on_progress)
        )

    def download(self, digest: str) -> Iterator[bytes]:
        """Streams an artifact's bytes, verified at the end. See ``Artifacts.download``."""
        return self._portal.iterate(lambda: self._artifacts.download(digest))

    def download_to(self, digest: str, path: str | PathLike[str]) -> None:
        """Writes an artifact to a file that appears complete and verified, or not at all."""
        self._portal.call(self._artifacts.download_to(digest, path))

    def read(self, digest: str) -> bytes:
        """An artifact's bytes, verified, in memory."""
        return self._portal.call(self._artifacts.read(digest))


class SyncOrchestrator:
    """Puts work in, looks at it, stops it, runs it again: ``Orchestrator`` without asyncio.

    Every method blocks, takes the arguments of its namesake there and raises the same. It is
    safe to use from many threads, and concurrent ``enqueue`` calls share batches. Use it as a
    context manager, or ``close()`` it.

    Args:
        url: As for ``Orchestrator``, and so are all others.
    """

    artifacts: SyncArtifacts
    """Bytes that jobs produce or read."""
    runs: SyncRuns
    """Appends to live runs, cancels and replays them."""
    pipelines: SyncPipelines
    """Named runs that the ledger keeps."""
    watermarks: SyncWatermarks
    """Up to which event time sources are complete."""
    backfills: SyncBackfills
    """Covers event time that was missed."""

    def __init__(
        self,
        url: str | None = None,
        *,
        tenant: str = "default",
        timeout: Duration = 60.0,
        headers: Mapping[str, str] | None = None,
        credentials: grpc.ChannelCredentials | None = None,
        trace_context: TraceHook | None = None,
        max_queued_jobs: int = 100_000,
        max_queued_bytes: int = 256 * 2**20,
    ) -> None:
        client = Orchestrator(
            url,
            tenant=tenant,
            timeout=timeout,
            headers=headers,
            credentials=credentials,
            trace_context=trace_context,
            max_queued_jobs=max_queued_jobs,
            max_queued_bytes=max_queued_bytes,
        )
        self._thread: LoopThread | None = LoopThread()
        self._bind(client, self._thread.portal)

    @classmethod
    def over(cls, client: Orchestrator, portal: Portal) -> Self:
        """A blocking view of a client that lives in another loop, which stays its owner."""
        view = cls.__new__(cls)
        view._thread = None  # noqa: SLF001 - its own
        view._bind(client, portal)  # noqa: SLF001
        return view

    def _bind(self, client: Orchestrator, portal: Portal) -> None:
        self._client = client
        self._portal = portal
        self.artifacts = SyncArtifacts(client.artifacts, portal)
        self.runs = SyncRuns(client.runs, portal)
        self.pipelines = SyncPipelines(client.pipelines, portal)
        self.watermarks = SyncWatermarks(client.watermarks, portal)
        self.backfills = SyncBackfills(client.backfills, portal)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Waits for what is being enqueued, then closes the connection. Idempotent."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._portal.call(self._client.close())
            thread.stop()

    def enqueue(
        self,
        job_type: str,
        payload: object = NOTHING,
        *,
        timeout: Duration | None = None,
        **options: Unpack[JobOptions],
    ) -> EnqueuedJob:
        """Puts one job into the ledger. See ``Orchestrator.enqueue``."""
        return self._portal.call(
            self._client.enqueue(job_type, payload, timeout=timeout, **options)
        )

    def enqueue_many(
        self, requests: Sequence[JobRequest], *, timeout: Duration | None = None
    ) -> list[EnqueuedJob]:
        """Puts many jobs into the ledger; a result per job. See ``Orchestrator.enqueue_many``."""
        return self._portal.call(self._client.enqueue_many(requests, timeout=timeout))

    def create_run(
        self,
        jobs: Sequence[RunJob],
        *,
        display_name: str = "",
        project: str = "",
        correlation_id: str | None = None,
        keep_open: bool = False,
        timeout: Duration | None = None,
    ) -> CreatedRun:
        """Makes a run of jobs with edges between them. See ``Orchestrator.create_run``."""
        return self._portal.call(
            self._client.create_run(
                jobs,
                display_name=display_name,
                project=project,
                correlation_id=correlation_id,
                keep_open=keep_open,
                timeout=timeout,
            )
        )

    def get_run(self, run_id: str, *, timeout: Duration | None = None) -> RunDetail:
        """A run with its jobs (without payloads) and edges. Raises RUN_NOT_FOUND."""
        return self._portal.call(self._client.get_run(run_id, timeout=timeout))

    def get_job(self, job_id: str, *, timeout: Duration | None = None) -> JobDetail:
        """A job with its attempts and artifacts. Raises JOB_NOT_FOUND."""
        return self._portal.call(self._client.get_job(job_id, timeout=timeout))

    def list_jobs(
        self, job_filter: JobFilter | None = None, *, page_size: int = 0
    ) -> Iterator[Job]:
        """Lists jobs, newest first, without payloads, fetching pages as they are wanted."""
        return self._portal.iterate(lambda: self._client.list_jobs(job_filter, page_size=page_size))

    def watch_jobs(self, job_ids: Sequence[str] = (), *, run_id: str = "") -> Iterator[Job]:
        """Yields each job as it is, then after each change. See ``Orchestrator.watch_jobs``."""
        return self._portal.iterate(lambda: self._client.watch_jobs(job_ids, run_id=run_id))

    def wait_for_job(self, job_id: str) -> JobDetail:
        """Waits until a job has finished, however it ends. Raises JOB_NOT_FOUND."""
        return self._portal.call(self._client.wait_for_job(job_id))

    def cancel_jobs(
        self,
        job_ids: Sequence[str],
        *,
        reason: str = "",
        ticket: str = "",
        grace: Duration | None = None,
        timeout: Duration | None = None,
    ) -> list[CancelledJob]:
        """Cancels jobs; a result per job, in order. See ``Orchestrator.cancel_jobs``."""
        return self._portal.call(
            self._client.cancel_jobs(
                job_ids, reason=reason, ticket=ticket, grace=grace, timeout=timeout
            )
        )

    def retry_jobs(
        self,
        job_ids: Sequence[str],
        *,
        reason: str = "",
        ticket: str = "",
        timeout: Duration | None = None,
    ) -> list[RetriedJob]:
        """Makes dead jobs ready again, scheduled ones now. See ``Orchestrator.retry_jobs``."""
        return self._portal.call(
            self._client.retry_jobs(job_ids, reason=reason, ticket=ticket, timeout=timeout)
        )

    def explain_job(self, job_id: str, *, timeout: Duration | None = None) -> Explanation:
        """Says why a job does not run. Raises JOB_NOT_FOUND."""
        return self._portal.call(self._client.explain_job(job_id, timeout=timeout))

    def job_events(self, job_id: str) -> Iterator[JobEvent]:
        """A job's append-only history, oldest first, fetching pages as they are wanted."""
        return self._portal.iterate(lambda: self._client.job_events(job_id))

    def check_lease(self, lease: Lease, *, timeout: Duration | None = None) -> CheckedLease:
        """Says whether a lease is the current one. See ``Orchestrator.check_lease``."""
        return self._portal.call(self._client.check_lease(lease, timeout=timeout))
