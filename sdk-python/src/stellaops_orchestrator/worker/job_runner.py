"""Runs one handler to its end."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from functools import partial

from stellaops_orchestrator.contract import pb
from stellaops_orchestrator.contract.ids import uuid7
from stellaops_orchestrator.job_errors import ThrottledError
from stellaops_orchestrator.names import FailureClass
from stellaops_orchestrator.payload import encode_result
from stellaops_orchestrator.trace_context import LINEAGE, Lineage, TraceContext
from stellaops_orchestrator.worker.failures import Outcome, failure, stop_outcome, to_failure
from stellaops_orchestrator.worker.job_context import JobContext

Handler = Callable[[JobContext], Awaitable[object]]
"""Does the work of one job.

What it returns is the job's result: None for none, bytes as they are, the rest as JSON. It
raises TerminalError (never retried), RetryableError, ThrottledError, or anything else (retried
as the job's policy says).
"""


def check_handler(job_type: str, handler: object) -> None:
    """Raises TypeError for a handler that would block the event loop, or is none at all."""
    function = handler
    while isinstance(function, partial):
        function = function.func
    call = getattr(function, "__call__", None)  # noqa: B004 - its signature matters, not its being
    if not (inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)):
        text = f"the handler of {job_type!r} must be an async function: see SyncWorker for others"
        raise TypeError(text)


def _completed(job: JobContext, result: object, max_result_bytes: int) -> Outcome:
    data = encode_result(result)
    if len(data) > max_result_bytes:
        text = f"a result of {len(data)} bytes exceeds the limit of {max_result_bytes}"
        text += ": upload it as an artifact"
        return failure(FailureClass.OVERSIZE, text, terminal=True)
    bindings = [
        pb.artifact.ArtifactBinding(name=name, digest=digest)
        for name, digest in job.artifacts.items()
    ]
    return pb.task_runner.Completion(
        lease=job.lease.to_message(), completion_id=uuid7(), result=data, artifacts=bindings
    )


async def run_handler(handler: Handler, job: JobContext, max_result_bytes: int) -> Outcome:
    """Runs a handler and says how it ended; never raises.

    A handler that succeeds although it was asked to stop has succeeded; one that raises after
    that was stopped.
    """
    trace = TraceContext(job.traceparent, job.tracestate)
    LINEAGE.set(Lineage(trace, job.correlation_id))
    try:
        return _completed(job, await handler(job), max_result_bytes)
    except asyncio.CancelledError:
        if job.stop_reason is not None:
            return stop_outcome(job.stop_reason)
        return failure(FailureClass.USER, "CancelledError: the handler cancelled itself")
    except BaseException as raised:
        if isinstance(raised, ThrottledError):
            job.throttle(
                raised.resource_key,
                retry_after=raised.retry_after,
                remaining=raised.remaining,
            )
        if job.stop_reason is not None:
            return stop_outcome(job.stop_reason, f"{type(raised).__name__}: {raised}")
        job.log.warning("attempt failed", exc_info=raised)
        return to_failure(raised)
