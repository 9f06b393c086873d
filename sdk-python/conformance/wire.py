"""Between the SDK's objects and the suite's messages."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta

from _gen import driver_pb2 as driver

from stellaops_orchestrator import (
    CONTRACT_POLICY,
    EnqueuedJob,
    EventWindow,
    Failure,
    Job,
    JobDetail,
    Lease,
    LeasePolicy,
    OrchestratorError,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def milliseconds(length: timedelta | None) -> int | None:
    """A duration as the suite has it; None stays None."""
    return None if length is None else round(length / timedelta(milliseconds=1))


def duration(ms: int) -> timedelta | None:
    """A duration of the suite; None if it is not said."""
    return timedelta(milliseconds=ms) if ms else None


def moment(ms: int) -> datetime:
    """A moment of the suite: milliseconds since the Unix epoch."""
    return _EPOCH + timedelta(milliseconds=ms)


def epoch_ms(found: datetime) -> int:
    """A moment as the suite has it."""
    return milliseconds(found - _EPOCH) or 0


def to_window(window: EventWindow | None) -> driver.Window | None:
    """A span of event time; None stays None."""
    if window is None:
        return None
    start_ms, end_ms = epoch_ms(window.start), epoch_ms(window.end)
    return driver.Window(scope=window.scope, start_ms=start_ms, end_ms=end_ms)


def to_error(error: OrchestratorError) -> driver.Error:
    """The public fields of the SDK's error."""
    return driver.Error(
        code=error.kind,
        reason=error.reason,
        domain=error.domain,
        metadata=error.metadata,
        violations=[
            driver.Violation(field=v.field, description=v.description) for v in error.violations
        ],
        retry_after_ms=milliseconds(error.retry_after),
        is_retryable=error.is_retryable,
        message=error.message,
    )


def to_lease(lease: Lease) -> driver.Lease:
    """A lease."""
    return driver.Lease(
        job_id=lease.job_id,
        attempt=lease.attempt,
        lease_epoch=lease.lease_epoch,
        lease_token=lease.lease_token,
    )


def to_enqueue_result(result: EnqueuedJob) -> driver.EnqueueResult:
    """What became of one enqueued job."""
    error = to_error(result.error) if result.error else None
    return driver.EnqueueResult(outcome=result.outcome, job_id=result.job_id, error=error)


def to_failure(failure: Failure | None) -> driver.Failure | None:
    """Why an attempt did not succeed."""
    if failure is None:
        return None
    return driver.Failure(
        failure_class=failure.failure_class,
        message=failure.message,
        terminal=failure.terminal,
        retry_after_ms=milliseconds(failure.retry_after),
    )


def to_job(job: Job) -> driver.Job:
    """A job."""
    attempts = job.attempts if isinstance(job, JobDetail) else ()
    return driver.Job(
        job_id=job.job_id,
        job_type=job.job_type,
        state=job.state,
        attempt=job.attempt,
        failures=job.failures,
        interruptions=job.interruptions,
        result=job.result,
        last_failure=to_failure(job.last_failure),
        progress_fraction=job.progress.fraction if job.progress else 0,
        progress_message=job.progress.message if job.progress else "",
        artifacts=[
            driver.BoundArtifact(
                name=a.name, digest=a.digest, size_bytes=a.size_bytes, media_type=a.media_type
            )
            for a in job.artifacts
        ],
        attempts=[
            driver.Attempt(attempt=a.attempt, outcome=a.outcome, failure=to_failure(a.failure))
            for a in attempts
        ],
        run_id=job.run_id,
        name=job.name,
        labels=job.labels,
        correlation_id=job.correlation_id,
        traceparent=job.traceparent,
        priority=job.priority,
        payload=job.payload,
        skipped=job.is_skipped,
        window=to_window(job.window),
    )


def lease_defaults() -> driver.LeaseDefaults:
    """The SDK's defaults in milliseconds and bytes, under the names of LeasePolicy's fields."""
    defaults = driver.LeaseDefaults()
    # What begins with retry_ is flattened out of a message of its own: no field of LeasePolicy.
    for field in fields(LeasePolicy):
        value = getattr(CONTRACT_POLICY, field.name)
        if not field.name.startswith("retry_"):
            is_size = isinstance(value, int)
            defaults.values[field.name] = value if is_size else milliseconds(value) or 0
    return defaults
