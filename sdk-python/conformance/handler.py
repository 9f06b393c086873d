"""Runs the script of one attempt."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NoReturn

from _gen import driver_pb2 as driver
from emit import Emit
from from_wire import to_job_request, to_run_job
from gates import Gates
from plans_wire import to_appended
from wire import duration, to_enqueue_result, to_error, to_lease, to_window

from stellaops_orchestrator import (
    JobContext,
    OrchestratorError,
    RetryableError,
    TerminalError,
    ThrottledError,
)


class Abort(BaseException):
    """What a handler raises that is no ordinary error."""


class ScriptedHandler:
    """One attempt.

    The SDK cancels a handler's task. What a step awaits must not be cut by that, so the steps
    run in a task of their own, and the cancellation becomes an event that Hold looks at.
    """

    def __init__(self, job: JobContext, emit: Emit, gates: Gates) -> None:
        self._job = job
        self._emit = emit
        self._gates = gates
        self._told_to_stop = asyncio.Event()
        self._was_reported = False
        self._ignores = False

    async def run(self, handler: driver.Handler) -> bytes | None:
        """Returns the result, or raises what the script says."""
        script = handler.attempts[min(self._job.attempt, len(handler.attempts)) - 1]
        steps = asyncio.create_task(self._run(script))
        while True:
            try:
                return await asyncio.shield(steps)
            except asyncio.CancelledError:
                if steps.done():
                    raise
                self._told_to_stop.set()

    async def _run(self, script: driver.Script) -> bytes | None:
        self._started()
        for index, step in enumerate(script.steps):
            match step.WhichOneof("step"):
                case "return_result":
                    self._ended(driver.HOW_RETURNED)
                    return step.return_result.result or None
                case "fail":
                    self._ended(driver.HOW_FAILED)
                    raise_failure(step.fail)
                case "panic":
                    self._ended(driver.HOW_PANICKED)
                    raise Abort(step.panic.message)
                case _:
                    await self._step(index, step)
        self._ended(driver.HOW_RETURNED)
        return None

    async def _step(self, index: int, step: driver.Step) -> None:
        match step.WhichOneof("step"):
            case "hold":
                await self._hold(step.hold)
            case "progress":
                await self._progress(step.progress)
            case "throttle":
                retry_after = duration(step.throttle.retry_after_ms)
                self._job.throttle(step.throttle.resource_key, retry_after=retry_after)
            case "artifact":
                await self._report(index, lambda: self._upload(step.artifact))
            case "enqueue":
                await self._report(index, lambda: self._enqueue(step.enqueue))
            case "fan_out":
                await self._report(index, lambda: self._fan_out(step.fan_out))
            case "load_payload":
                await self._report(index, self._load_payload)

    async def _progress(self, step: driver.ReportProgress) -> None:
        times = step.times or 1
        for number in range(1, times + 1):
            if number > 1 and step.pause_ms:
                await asyncio.sleep(step.pause_ms / 1000)
            self._job.progress(
                step.fraction * number / times,
                message=step.message,
                checkpoint=step.checkpoint,
            )

    async def _upload(self, step: driver.JobArtifact) -> dict[str, Any]:
        artifact = await self._job.upload_artifact(
            step.name, Path(step.path), media_type=step.media_type
        )
        return {
            "artifact": driver.Artifact(
                digest=artifact.digest,
                size_bytes=artifact.size_bytes,
                already_existed=artifact.already_existed,
            )
        }

    async def _enqueue(self, step: driver.JobRequest) -> dict[str, Any]:
        request = to_job_request(step)
        result = await self._job.orchestrator.enqueue(
            request.job_type, request.payload, **request.options
        )
        return {"enqueued": to_enqueue_result(result)}

    async def _fan_out(self, step: driver.FanOut) -> dict[str, Any]:
        appended = await self._job.fan_out([to_run_job(job) for job in step.jobs])
        return {"appended": to_appended(appended)}

    async def _load_payload(self) -> dict[str, Any]:
        return {"payload": await self._job.load_payload()}

    async def _report(self, index: int, act: Callable[[], Awaitable[dict[str, Any]]]) -> None:
        try:
            value = await act()
        except OrchestratorError as error:
            value = {"error": to_error(error)}
        lease = to_lease(self._job.lease)
        self._emit(driver.Event(handler_step=driver.HandlerStep(lease=lease, step=index, **value)))

    async def _hold(self, hold: driver.Hold) -> None:
        gate = self._gates.wait(self._job.job_id, self._job.attempt)
        waits = [asyncio.ensure_future(gate.opened.wait())]
        if hold.for_ms:
            waits.append(asyncio.ensure_future(asyncio.sleep(hold.for_ms / 1000, result=True)))
        stop = asyncio.ensure_future(self._told_to_stop.wait())
        try:
            await asyncio.wait(
                waits if self._ignores else [*waits, stop],
                return_when=asyncio.FIRST_COMPLETED,
            )
            if any(wait.done() for wait in waits):
                return
            self._cancelled()
            if hold.on_cancel == driver.ON_CANCEL_IGNORE:
                self._ignores = True
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            elif hold.on_cancel != driver.ON_CANCEL_NEXT:
                self._ended(driver.HOW_CANCELLED)
                raise asyncio.CancelledError
        finally:
            for future in (*waits, stop):
                future.cancel()
            self._gates.leave(gate)

    def _started(self) -> None:
        job = self._job
        started = driver.HandlerStarted(
            lease=to_lease(job.lease),
            job_type=job.job_type,
            payload=job.payload,
            payload_media_type=job.payload_media_type,
            payload_artifact=job.payload_artifact,
            checkpoint=job.checkpoint,
            traceparent=job.traceparent,
            tracestate=job.tracestate,
            correlation_id=job.correlation_id,
            labels=job.labels,
            run_id=job.run_id,
            name=job.name,
            project=job.project,
            source=job.source,
            window=to_window(job.window),
            concurrency_key=job.concurrency_key,
        )
        self._emit(driver.Event(handler_started=started))

    def _cancelled(self) -> None:
        if self._was_reported:
            return
        self._was_reported = True
        cancelled = driver.HandlerCancelled(
            lease=to_lease(self._job.lease), reason=self._job.stop_reason or ""
        )
        self._emit(driver.Event(handler_cancelled=cancelled))

    def _ended(self, how: driver.How) -> None:
        ended = driver.HandlerEnded(lease=to_lease(self._job.lease), how=how)
        self._emit(driver.Event(handler_ended=ended))


def raise_failure(fail: driver.Fail) -> NoReturn:
    """Raises what a Fail step names."""
    retry_after = duration(fail.retry_after_ms)
    said = {"failure_class": fail.failure_class} if fail.failure_class else {}
    match fail.kind:
        case driver.FAIL_KIND_TERMINAL:
            raise TerminalError(fail.message, **said)
        case driver.FAIL_KIND_RETRYABLE:
            raise RetryableError(fail.message, retry_after=retry_after, **said)
        case driver.FAIL_KIND_THROTTLED:
            raise ThrottledError(
                fail.message, resource_key=fail.resource_key, retry_after=retry_after or 0.0
            )
        case _:
            raise RuntimeError(fail.message)
