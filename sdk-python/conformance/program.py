"""Does what the runner asks for, with the SDK's public API."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from _gen import driver_pb2 as driver
from emit import Emit
from from_wire import said, to_job_request, to_run_job
from gates import Gates
from handler import ScriptedHandler
from plans import PLANS, Value
from plans_wire import to_created_run, to_run
from wire import duration, lease_defaults, to_enqueue_result, to_error, to_job

from stellaops_orchestrator import (
    BlockedByBlackout,
    BlockedByBreaker,
    BlockedByConcurrency,
    BlockedByDependency,
    BlockedByLimiter,
    BlockedByPause,
    BlockedByQuota,
    BlockedBySchedule,
    BlockedByWorkers,
    CancelledJob,
    JobContext,
    JobFilter,
    JobRequest,
    JobState,
    Lease,
    Orchestrator,
    OrchestratorError,
    RetriedJob,
    Worker,
)

T = TypeVar("T")

BLOCKED_BY: dict[type, str] = {
    BlockedBySchedule: "schedule",
    BlockedByWorkers: "workers",
    BlockedByPause: "pause",
    BlockedByBlackout: "blackout",
    BlockedByQuota: "quota",
    BlockedByConcurrency: "concurrency",
    BlockedByLimiter: "limiter",
    BlockedByBreaker: "breaker",
}
"""What the suite calls the kinds of waits."""


async def _collect(items: AsyncIterator[T], limit: int = 0) -> list[T]:
    found: list[T] = []
    async for item in items:
        found.append(item)
        if len(found) == limit:
            break
    return found


def _outcomes(results: Sequence[CancelledJob | RetriedJob]) -> Value:
    outcomes = [
        driver.Outcome(job_id=r.job_id, outcome=r.outcome, state=r.state or "") for r in results
    ]
    return {"outcomes": driver.Outcomes(outcomes=outcomes)}


class Program:
    """One process's client and worker."""

    def __init__(self, emit: Emit, exit_with: Callable[[int], None]) -> None:
        self._emit = emit
        self._exit_with = exit_with
        self._gates = Gates()
        self._client: Orchestrator | None = None
        self._worker: Worker | None = None
        self._endpoint: dict[str, str] = {}
        self._running: asyncio.Task[None] | None = None

    async def run(self, command: driver.Command) -> None:
        """Runs one command and answers it."""
        name = command.WhichOneof("command")
        if name is None:
            raise ValueError(f"unknown command {command.id}")
        act: Callable[[Any], Awaitable[Value | None]]
        if name in PLANS:
            act = partial(PLANS[name], self._orchestrator)
        elif name == "watch_jobs":
            act = partial(self._watch_jobs, command.id)
        else:
            act = getattr(self, f"_{name}")
        try:
            value = await act(getattr(command, name)) or {}
        except OrchestratorError as error:
            value = {"error": to_error(error)}
        self._emit(driver.Event(call_result=driver.CallResult(id=command.id, **value)))

    @property
    def _orchestrator(self) -> Orchestrator:
        if self._client is None:
            raise ValueError("Configure comes first")
        return self._client

    async def _configure(self, command: driver.Configure) -> None:
        self._endpoint = {"url": command.server_url, "tenant": command.tenant}
        url, tenant = command.server_url, command.tenant
        timeout = duration(command.call_timeout_ms)
        if timeout is None:
            self._client = Orchestrator(url, tenant=tenant)
        else:
            self._client = Orchestrator(url, tenant=tenant, timeout=timeout)

    async def _start_worker(self, command: driver.StartWorker) -> None:
        def handler(script: driver.Handler) -> Callable[[JobContext], Awaitable[object]]:
            async def handle(job: JobContext) -> bytes | None:
                return await ScriptedHandler(job, self._emit, self._gates).run(script)

            return handle

        self._worker = Worker(
            {script.job_type: handler(script) for script in command.handlers},
            url=self._endpoint["url"],
            tenant=self._endpoint["tenant"],
            worker_id=command.worker_id,
            concurrency=command.slots,
            queues=list(command.queues),
            labels=dict(command.labels),
            drain_grace=duration(command.drain_grace_ms),
            lease_at_once=command.lease_at_once,
            host=command.host if command.HasField("host") else None,
        )
        self._running = asyncio.create_task(
            self._work(self._worker, handle_signals=command.handle_signals)
        )

    async def _work(self, worker: Worker, *, handle_signals: bool) -> None:
        stopped = driver.WorkerStopped()
        try:
            await worker.run(handle_signals=handle_signals)
        except OrchestratorError as error:
            stopped.error.CopyFrom(to_error(error))
        self._emit(driver.Event(worker_stopped=stopped))
        if handle_signals:
            self._exit_with(1 if stopped.HasField("error") else 0)

    async def _stop_worker(self, _: driver.StopWorker) -> None:
        if self._worker is not None:
            self._worker.stop()

    async def _proceed(self, command: driver.Proceed) -> None:
        self._gates.proceed(command.job_id, command.attempt)

    async def _get_lease_defaults(self, _: driver.GetLeaseDefaults) -> Value:
        return {"lease_defaults": lease_defaults()}

    async def _enqueue(self, command: driver.Enqueue) -> Value:
        request = to_job_request(command.job)
        result = await self._orchestrator.enqueue(
            request.job_type, request.payload, **request.options
        )
        return {"enqueued": driver.EnqueueResults(results=[to_enqueue_result(result)])}

    async def _enqueue_many(self, command: driver.EnqueueMany) -> Value:
        requests = [to_job_request(job) for job in command.jobs]
        if command.HasField("repeated_job"):
            model = to_job_request(command.repeated_job)
            requests += [
                JobRequest(model.job_type, str(number).encode(), **model.options)
                for number in range(command.repeat)
            ]
        results = await self._orchestrator.enqueue_many(requests)
        found = [to_enqueue_result(result) for result in results]
        return {"enqueued": driver.EnqueueResults(results=found)}

    async def _create_run(self, command: driver.CreateRun) -> Value:
        run = await self._orchestrator.create_run(
            [to_run_job(job) for job in command.jobs],
            display_name=command.display_name,
            project=command.project,
            correlation_id=command.correlation_id or None,
            **said(keep_open=command.keep_open),
        )
        return {"created_run": to_created_run(run)}

    async def _get_run(self, command: driver.GetRun) -> Value:
        return {"run": to_run(await self._orchestrator.get_run(command.run_id))}

    async def _get_job(self, command: driver.GetJob) -> Value:
        job = await self._orchestrator.get_job(command.job_id)
        return {"jobs": driver.Jobs(jobs=[to_job(job)])}

    async def _wait_for_job(self, command: driver.WaitForJob) -> Value:
        job = await self._orchestrator.wait_for_job(command.job_id)
        return {"jobs": driver.Jobs(jobs=[to_job(job)])}

    async def _list_jobs(self, command: driver.ListJobs) -> Value:
        job_filter = JobFilter(
            states=[JobState(state) for state in command.states],
            job_types=list(command.job_types),
            run_id=command.run_id,
            labels=dict(command.labels),
        )
        jobs = await _collect(self._orchestrator.list_jobs(job_filter), command.limit)
        return {"jobs": driver.Jobs(jobs=[to_job(job) for job in jobs])}

    async def _watch_jobs(self, command_id: int, command: driver.WatchJobs) -> None:
        watch = self._orchestrator.watch_jobs(list(command.job_ids), run_id=command.run_id)
        async for job in watch:
            update = driver.WatchUpdate(id=command_id, job=to_job(job))
            self._emit(driver.Event(watch_update=update))

    async def _cancel_jobs(self, command: driver.CancelJobs) -> Value:
        results = await self._orchestrator.cancel_jobs(
            list(command.job_ids),
            **said(reason=command.reason, ticket=command.ticket),
            grace=duration(command.grace_ms),
        )
        return _outcomes(results)

    async def _retry_jobs(self, command: driver.RetryJobs) -> Value:
        why = said(reason=command.reason, ticket=command.ticket)
        return _outcomes(await self._orchestrator.retry_jobs(list(command.job_ids), **why))

    async def _explain_job(self, command: driver.ExplainJob) -> Value:
        found = await self._orchestrator.explain_job(command.job_id)
        explanation = driver.Explanation(state=found.state)
        match found.blocked_by:
            case None:
                pass
            case BlockedByDependency(job_ids=job_ids):
                explanation.blocked_by = "dependency"
                explanation.job_ids.extend(job_ids)
            case other:
                explanation.blocked_by = BLOCKED_BY[type(other)]
        return {"explanation": explanation}

    async def _list_job_events(self, command: driver.ListJobEvents) -> Value:
        events = await _collect(self._orchestrator.job_events(command.job_id))
        return {"job_events": driver.JobEvents(kinds=[event.kind for event in events])}

    async def _check_lease(self, command: driver.CheckLease) -> Value:
        lease = command.lease
        checked = await self._orchestrator.check_lease(
            Lease(lease.job_id, lease.attempt, lease.lease_epoch, lease.lease_token)
        )
        found = driver.CheckedLease(
            is_current=checked.is_current, newest_lease_epoch=checked.newest_lease_epoch
        )
        return {"checked_lease": found}

    async def _upload_artifact(self, command: driver.UploadArtifact) -> Value:
        path = Path(command.path)
        source = await asyncio.to_thread(path.read_bytes) if command.in_memory else path
        artifact = await self._orchestrator.artifacts.upload(source, media_type=command.media_type)
        found = driver.Artifact(
            digest=artifact.digest,
            size_bytes=artifact.size_bytes,
            already_existed=artifact.already_existed,
        )
        return {"artifact": found}

    async def _download_artifact(self, command: driver.DownloadArtifact) -> Value:
        artifacts, digest = self._orchestrator.artifacts, command.digest
        if command.path:
            await artifacts.download_to(digest, command.path)
            size = (await asyncio.to_thread(Path(command.path).stat)).st_size
        else:
            size = len(await artifacts.read(digest))
        return {"artifact": driver.Artifact(digest=digest, size_bytes=size)}
