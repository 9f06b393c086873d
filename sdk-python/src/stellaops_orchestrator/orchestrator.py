"""The client."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Self, Unpack

import grpc

from stellaops_orchestrator.artifacts.artifacts import Artifacts
from stellaops_orchestrator.client import rpcs
from stellaops_orchestrator.client.answers import (
    CancelledJob,
    CheckedLease,
    EnqueuedJob,
    Lease,
    RetriedJob,
    to_cancelled,
    to_checked_lease,
    to_enqueued,
    to_retried,
)
from stellaops_orchestrator.client.backfills import Backfills
from stellaops_orchestrator.client.caller import Caller
from stellaops_orchestrator.client.connection import Connection, client_closed, resolve_endpoint
from stellaops_orchestrator.client.enqueuer import Enqueuer, batches_of, send_isolated
from stellaops_orchestrator.client.explaining import Explanation, to_explanation
from stellaops_orchestrator.client.job_spec import JobOptions, JobRequest, to_job_spec
from stellaops_orchestrator.client.listing import JobFilter, pages
from stellaops_orchestrator.client.pipelines import Pipelines
from stellaops_orchestrator.client.run_spec import RunJob, ids_by_name, to_create_run
from stellaops_orchestrator.client.run_views import CreatedRun, RunDetail, to_run_detail
from stellaops_orchestrator.client.runs import Runs
from stellaops_orchestrator.client.views import (
    Job,
    JobDetail,
    JobEvent,
    to_job,
    to_job_detail,
    to_job_event,
)
from stellaops_orchestrator.client.watching import watch
from stellaops_orchestrator.client.watermarks import Watermarks
from stellaops_orchestrator.contract import pb
from stellaops_orchestrator.contract.time import Duration, seconds, to_duration
from stellaops_orchestrator.errors import DeadlineExceededError
from stellaops_orchestrator.payload import NOTHING
from stellaops_orchestrator.trace_context import TraceHook


class Orchestrator:
    """Puts work in, looks at it, stops it, runs it again.

    Every method raises ``OrchestratorError`` for what the server or the network says. Calls that
    fail for a passing reason are repeated until the timeout is over; every call is safe to
    repeat. One HTTP/2 connection is opened by the first call; an object belongs to the event
    loop of that call. Use it as an async context manager, or ``close()`` it.

    Args:
        url: The server's address; ``ORCH_URL`` of the environment unless told, else
            ``http://127.0.0.1:7400``.
        tenant: Who owns the work.
        timeout: How long a call may take with all its repetitions, and how long a transfer may
            stall.
        headers: Go with every call, for proxies and authentication.
        credentials: TLS credentials for an https address; the system's roots unless told.
        trace_context: The trace context of the caller, asked at every enqueue that names none.
        max_queued_jobs: How many jobs may wait to be enqueued before QUEUE_FULL is raised.
        max_queued_bytes: How many bytes of jobs may wait before QUEUE_FULL is raised.

    Raises:
        InvalidArgumentError: URL_INVALID.
    """

    artifacts: Artifacts
    """Bytes that jobs produce or read."""
    runs: Runs
    """Appends to live runs, cancels and replays them."""
    pipelines: Pipelines
    """Named runs that the ledger keeps."""
    watermarks: Watermarks
    """Up to which event time sources are complete."""
    backfills: Backfills
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
        self._connection = Connection(resolve_endpoint(url, tenant, headers, credentials))
        self._trace_context = trace_context
        self._enqueuer = Enqueuer(self._send_batch, max_queued_jobs, max_queued_bytes)
        self._is_closed = False
        caller = Caller(self._connection, seconds(timeout), trace_context)
        self._call = caller.call
        self.artifacts = Artifacts(self._connection, caller.timeout)
        self.runs = Runs(caller)
        self.pipelines = Pipelines(caller)
        self.watermarks = Watermarks(caller)
        self.backfills = Backfills(caller)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Waits for what is being enqueued, then closes the connection. Idempotent."""
        self._is_closed = True
        await self._enqueuer.idle()
        await self._connection.close()

    async def enqueue(
        self,
        job_type: str,
        payload: object = NOTHING,
        *,
        timeout: Duration | None = None,
        **options: Unpack[JobOptions],
    ) -> EnqueuedJob:
        """Puts one job into the ledger; once this returns it is durable.

        Concurrent calls share a batch. Enqueued inside a handler, the job inherits the handler's
        trace context and correlation id.

        Args:
            job_type: A dotted name such as ``"concelier.ingest.osv"``.
            payload: Bytes as they are, an ``ArtifactRef``, or a value that is sent as JSON.
            timeout: For this call; the client's unless told. What was sent may still happen.
            options: See ``JobOptions``.

        Raises:
            OrchestratorError: IDEMPOTENCY_CONFLICT, JOB_ID_CONFLICT, PAYLOAD_TOO_LARGE,
                PAYLOAD_ARTIFACT_NOT_FOUND, WINDOW_SERIES_NOT_FOUND, WINDOW_INVALID, QUEUE_FULL,
                or one with ``violations``.
            TypeError, ValueError: JSON cannot carry the payload.
        """
        self._assert_open()
        spec = to_job_spec(JobRequest(job_type, payload, **options), self._trace_context)
        limit = None if timeout is None else seconds(timeout)
        try:
            async with asyncio.timeout(limit):
                answer = await self._enqueuer.add(spec)
        except TimeoutError:
            raise DeadlineExceededError(
                f"no answer within {limit:g} s", reason="CALL_TIMEOUT", is_retryable=True
            ) from None
        result = to_enqueued(spec, answer)
        if result.error is not None:
            raise result.error
        return result

    async def enqueue_many(
        self, requests: Sequence[JobRequest], *, timeout: Duration | None = None
    ) -> list[EnqueuedJob]:
        """Puts many jobs into the ledger; a result per job, in order.

        A rejected job does not raise and does not stop its neighbours: see ``error`` of its
        result. All jobs are encoded in memory: for millions, call this in slices.

        Args:
            requests: The jobs.
            timeout: For each batch of up to 1,000; the client's unless told.
        """
        self._assert_open()
        specs = [to_job_spec(request, self._trace_context) for request in requests]

        async def send(batch: Sequence[pb.job.JobSpec]) -> Sequence[pb.job.EnqueueResult]:
            return await self._send_batch(batch, timeout)

        results: list[EnqueuedJob] = []
        for batch in batches_of(specs):
            answers = await send_isolated(send, batch)
            results += [to_enqueued(*pair) for pair in zip(batch, answers, strict=True)]
        return results

    async def create_run(
        self,
        jobs: Sequence[RunJob],
        *,
        display_name: str = "",
        project: str = "",
        correlation_id: str | None = None,
        keep_open: bool = False,
        timeout: Duration | None = None,
    ) -> CreatedRun:
        """Makes a run of up to 1,000 jobs with edges between them: all of it or nothing.

        Args:
            jobs: The jobs; a larger run is kept open and filled with ``runs.append``.
            display_name: For people.
            project: Jobs without one inherit it.
            correlation_id: Jobs without one inherit it; a handler's own, else the run's id,
                unless told.
            keep_open: Whether more is to come: the run is active until ``runs.close``.
            timeout: For this call; the client's unless told.

        Raises:
            OrchestratorError: GRAPH_CYCLE, GRAPH_UNKNOWN_JOB, GRAPH_DUPLICATE_NAME,
                GRAPH_REPEATED_EDGE, GRAPH_UNREACHABLE (``violations`` name the edges) and what
                ``enqueue`` raises.
        """
        request = to_create_run(
            jobs,
            display_name=display_name,
            project=project,
            correlation_id=correlation_id,
            keep_open=keep_open,
            hook=self._trace_context,
        )
        response = await self._call(rpcs.CREATE_RUN, request, timeout)
        return CreatedRun(
            run_id=response.run.run_id or request.run_id,
            job_ids=ids_by_name((job.name for job in jobs), response.job_ids),
            already_existed=response.already_existed,
        )

    async def get_run(self, run_id: str, *, timeout: Duration | None = None) -> RunDetail:
        """A run with its jobs (without payloads) and edges. Raises RUN_NOT_FOUND."""
        request = pb.run.GetRunRequest(run_id=run_id)
        return to_run_detail(await self._call(rpcs.GET_RUN, request, timeout))

    async def get_job(self, job_id: str, *, timeout: Duration | None = None) -> JobDetail:
        """A job with its attempts and artifacts. Raises JOB_NOT_FOUND."""
        request = pb.job.GetJobRequest(job_id=job_id)
        return to_job_detail(await self._call(rpcs.GET_JOB, request, timeout))

    def list_jobs(
        self, job_filter: JobFilter | None = None, *, page_size: int = 0
    ) -> AsyncIterator[Job]:
        """Lists jobs, newest first, without payloads, fetching pages as they are wanted.

        Args:
            job_filter: What to list; everything unless told.
            page_size: How many jobs a page has; the server's choice if 0, at most 1,000.
        """
        message = (job_filter or JobFilter()).to_message()

        async def fetch(token: str) -> tuple[list[Job], str]:
            request = pb.job.ListJobsRequest(filter=message, page_token=token, page_size=page_size)
            page = await self._call(rpcs.LIST_JOBS, request)
            return [to_job(job) for job in page.jobs], page.next_page_token

        return pages(fetch)

    def watch_jobs(self, job_ids: Sequence[str] = (), *, run_id: str = "") -> AsyncIterator[Job]:
        """Yields each job as it is, then again after each change; ends when all have finished.

        Goes on after a broken stream, for ever; cancel the task to stop it. Changes in quick
        succession may arrive as one.

        Args:
            job_ids: Up to 1,000 jobs, or
            run_id: a run, for all its jobs.

        Raises:
            OrchestratorError: JOB_NOT_FOUND, RUN_NOT_FOUND.
            ValueError: Not exactly one of the two was given.
        """
        if bool(job_ids) == bool(run_id):
            raise ValueError("watch either jobs or a run")
        return watch(self._connection, job_ids, run_id)

    async def wait_for_job(self, job_id: str) -> JobDetail:
        """Waits until a job has finished, however it ends. Raises JOB_NOT_FOUND."""
        async for _ in self.watch_jobs([job_id]):
            pass
        return await self.get_job(job_id)

    async def cancel_jobs(
        self,
        job_ids: Sequence[str],
        *,
        reason: str = "",
        ticket: str = "",
        grace: Duration | None = None,
        timeout: Duration | None = None,
    ) -> list[CancelledJob]:
        """Cancels up to 1,000 jobs; a result per job, in order.

        Args:
            job_ids: The jobs.
            reason: Why, for the history.
            ticket: The ticket that asks for it, for the history.
            grace: How long a running job may take to stop; the lease policy's drain grace
                unless told.
            timeout: For this call; the client's unless told.
        """
        request = pb.job.CancelJobsRequest(
            job_ids=job_ids, reason=reason, ticket=ticket, grace=to_duration(grace)
        )
        response = await self._call(rpcs.CANCEL_JOBS, request, timeout)
        return [to_cancelled(result) for result in response.results]

    async def retry_jobs(
        self,
        job_ids: Sequence[str],
        *,
        reason: str = "",
        ticket: str = "",
        timeout: Duration | None = None,
    ) -> list[RetriedJob]:
        """Makes dead jobs ready again with fresh budgets, and scheduled ones ready now.

        Args:
            job_ids: The jobs, up to 1,000; a result per job, in order.
            reason: Why, for the history.
            ticket: The ticket that asks for it, for the history.
            timeout: For this call; the client's unless told.
        """
        request = pb.job.RetryJobsRequest(job_ids=job_ids, reason=reason, ticket=ticket)
        response = await self._call(rpcs.RETRY_JOBS, request, timeout)
        return [to_retried(result) for result in response.results]

    async def explain_job(self, job_id: str, *, timeout: Duration | None = None) -> Explanation:
        """Says why a job does not run. Raises JOB_NOT_FOUND."""
        request = pb.job.ExplainJobRequest(job_id=job_id)
        return to_explanation(await self._call(rpcs.EXPLAIN_JOB, request, timeout))

    def job_events(self, job_id: str) -> AsyncIterator[JobEvent]:
        """A job's append-only history, oldest first, fetching pages as they are wanted."""

        async def fetch(token: str) -> tuple[list[JobEvent], str]:
            request = pb.job.ListJobEventsRequest(job_id=job_id, page_token=token)
            page = await self._call(rpcs.LIST_JOB_EVENTS, request)
            return [to_job_event(event) for event in page.events], page.next_page_token

        return pages(fetch)

    async def check_lease(self, lease: Lease, *, timeout: Duration | None = None) -> CheckedLease:
        """Says whether a lease is the current one, so that a store can refuse a stale writer.

        True of the moment at which the database answered: for a fence that holds, store the
        lease epoch with what you write and refuse a smaller one. Raises JOB_NOT_FOUND.
        """
        request = pb.task_runner.CheckLeaseRequest(lease=lease.to_message())
        return to_checked_lease(await self._call(rpcs.CHECK_LEASE, request, timeout))

    async def _send_batch(
        self, specs: Sequence[pb.job.JobSpec], timeout: Duration | None = None
    ) -> Sequence[pb.job.EnqueueResult]:
        request = pb.job.EnqueueJobsRequest(jobs=specs)
        return (await self._call(rpcs.ENQUEUE_JOBS, request, timeout)).results

    def _assert_open(self) -> None:
        if self._is_closed:
            raise client_closed()
