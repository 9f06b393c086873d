"""Jobs as the ledger has them. Empty strings mean "none"."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from stellaops_orchestrator.client.window import EventWindow, window_of
from stellaops_orchestrator.contract import pb
from stellaops_orchestrator.contract.time import length_of, moment_of
from stellaops_orchestrator.names import AttemptOutcome, FailureClass, JobState, name_of
from stellaops_orchestrator.payload import decode_json


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundArtifact:
    """An artifact as the product of a job."""

    name: str
    """The name within the attempt."""
    digest: str
    """``"sha256:"`` and 64 hexadecimal digits."""
    size_bytes: int
    """The size in bytes."""
    media_type: str
    """What its uploader said."""
    attempt: int
    """The attempt that produced it."""
    lease_epoch: int
    """The lease epoch under which it was produced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why an attempt did not succeed."""

    failure_class: FailureClass
    """What caused it."""
    message: str
    """What went wrong, for people."""
    terminal: bool
    """True: no further attempt could succeed."""
    retry_after: timedelta | None
    """The floor under the backoff that the handler asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobProgress:
    """How far an attempt got."""

    fraction: float
    """From 0 to 1."""
    message: str
    """For people."""
    checkpoint: bytes
    """What the next attempt is handed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as the ledger has it."""

    job_id: str
    """The job."""
    tenant: str
    """The owner."""
    job_type: str
    """What kind of work it is."""
    queue: str
    """Where it waits."""
    project: str
    """The project within the tenant."""
    source: str
    """The upstream that it reads from."""
    concurrency_key: str
    """What it shares a concurrency limit by."""
    priority: int
    """-10 to 10, higher goes first."""
    labels: Mapping[str, str]
    """For people and filters."""
    idempotency_key: str
    """The key it was enqueued with."""
    correlation_id: str
    """What ties it to other jobs."""
    traceparent: str
    """W3C trace context of its producer."""
    payload: bytes
    """The input; empty in lists and watches."""
    payload_media_type: str
    """The media type of the input."""
    payload_artifact: str
    """The digest of the artifact that is the input."""
    state: JobState
    """Where it stands."""
    attempt: int
    """The number of the newest attempt; 0 before the first."""
    failures: int
    """Failed attempts since it was enqueued or retried by an operator."""
    interruptions: int
    """Interrupted attempts in the interruption window."""
    create_time: datetime | None
    """When it entered the ledger."""
    start_time: datetime | None
    """When the newest attempt started."""
    finish_time: datetime | None
    """When it finished."""
    scheduled_time: datetime | None
    """When a scheduled job becomes ready."""
    last_failure: Failure | None
    """Why the newest attempt did not succeed."""
    result: bytes
    """The inline result; see ``result_json``."""
    progress: JobProgress | None
    """The newest report."""
    run_id: str
    """The run that it belongs to."""
    name: str
    """Its name in the run."""
    worker_id: str
    """The worker that holds it, while offered or running."""
    artifacts: Sequence[BoundArtifact]
    """What its successful attempt produced."""
    window: EventWindow | None
    """The event time of its source that it covers."""
    is_skipped: bool
    """True: cancelled because its run did not need it."""

    @property
    def is_terminal(self) -> bool:
        """Whether the state is succeeded, dead or cancelled."""
        return self.state.is_terminal

    def result_json(self) -> Any:
        """The result as JSON. Raises ValueError when it is not JSON."""
        return decode_json(self.result)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One ended try at a job."""

    attempt: int
    """1 for the first."""
    lease_epoch: int
    """The lease epoch it ran under."""
    worker_id: str
    """The worker that ran it."""
    start_time: datetime | None
    """When it was accepted."""
    finish_time: datetime | None
    """When it ended."""
    outcome: AttemptOutcome
    """How it ended."""
    failure: Failure | None
    """Why it did not succeed; None if it did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDetail(Job):
    """A job with its ended attempts, oldest first, the newest 100."""

    attempts: Sequence[Attempt]
    """The ended attempts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEvent:
    """One change of a job, with its provenance."""

    event_id: int
    """Grows along a job's history; not dense."""
    time: datetime | None
    """When, by the database's clock."""
    kind: str
    """The kind of change: "enqueued", "offered", "started", "succeeded" and so on."""
    from_state: JobState | None
    """Where the job stood before; None for the first event."""
    to_state: JobState | None
    """Where it stands since."""
    tenant: str
    """The owner."""
    project: str
    """The project, if any."""
    job_id: str
    """The job."""
    job_type: str
    """Its type."""
    correlation_id: str
    """Its correlation id."""
    worker_id: str
    """The worker involved, if any."""
    attempt: int
    """The attempt involved; 0 if none."""
    lease_epoch: int
    """The lease epoch involved; 0 if none."""
    actor: str
    """"producer", "worker", "operator" or a loop of the server."""
    reason: str
    """Why, if there is a reason to tell."""


def _failure(message: Any, name: str) -> Failure | None:
    if not message.HasField(name):
        return None
    failure: pb.failure.Failure = getattr(message, name)
    return Failure(
        failure_class=name_of(FailureClass, failure.failure_class, FailureClass.USER),
        message=failure.message,
        terminal=failure.terminal,
        retry_after=length_of(failure, "retry_after"),
    )


def _artifact(binding: pb.artifact.ArtifactBinding) -> BoundArtifact:
    return BoundArtifact(
        name=binding.name,
        digest=binding.digest,
        size_bytes=binding.size_bytes,
        media_type=binding.media_type,
        attempt=binding.attempt,
        lease_epoch=binding.lease_epoch,
    )


def _job_fields(job: pb.job.Job) -> dict[str, Any]:
    spec, progress = job.spec, job.progress
    return {
        "job_id": job.job_id,
        "tenant": job.tenant,
        "job_type": spec.job_type,
        "queue": spec.queue,
        "project": spec.project,
        "source": spec.source,
        "concurrency_key": spec.concurrency_key,
        "priority": spec.priority,
        "labels": dict(spec.labels),
        "idempotency_key": spec.idempotency_key,
        "correlation_id": spec.correlation_id,
        "traceparent": spec.traceparent,
        "payload": spec.payload,
        "payload_media_type": spec.payload_media_type,
        "payload_artifact": spec.payload_artifact,
        "state": name_of(JobState, job.state, JobState.BLOCKED),
        "attempt": job.attempt,
        "failures": job.failures,
        "interruptions": job.interruptions,
        "create_time": moment_of(job, "create_time"),
        "start_time": moment_of(job, "start_time"),
        "finish_time": moment_of(job, "finish_time"),
        "scheduled_time": moment_of(job, "scheduled_time"),
        "last_failure": _failure(job, "last_failure"),
        "result": job.result,
        "progress": JobProgress(
            fraction=progress.fraction, message=progress.message, checkpoint=progress.checkpoint
        )
        if job.HasField("progress")
        else None,
        "run_id": job.run_id,
        "name": job.name,
        "worker_id": job.worker_id,
        "artifacts": tuple(_artifact(binding) for binding in job.artifacts),
        "window": window_of(spec),
        "is_skipped": job.skipped,
    }


def to_job(job: pb.job.Job) -> Job:
    """A job of the contract as a plain object."""
    return Job(**_job_fields(job))


def to_job_detail(response: pb.job.GetJobResponse) -> JobDetail:
    """A job of the contract, with its attempts, as a plain object."""
    attempts = tuple(_attempt(attempt) for attempt in response.attempts)
    return JobDetail(**_job_fields(response.job), attempts=attempts)


def _attempt(attempt: pb.job.Attempt) -> Attempt:
    return Attempt(
        attempt=attempt.attempt,
        lease_epoch=attempt.lease_epoch,
        worker_id=attempt.worker_id,
        start_time=moment_of(attempt, "start_time"),
        finish_time=moment_of(attempt, "finish_time"),
        outcome=name_of(AttemptOutcome, attempt.outcome, AttemptOutcome.INTERRUPTED),
        failure=_failure(attempt, "failure"),
    )


def to_job_event(event: pb.job.JobEvent) -> JobEvent:
    """An event of the contract as a plain object."""
    has_from, has_to = event.from_state != 0, event.to_state != 0
    return JobEvent(
        event_id=event.event_id,
        time=moment_of(event, "time"),
        kind=event.kind,
        from_state=name_of(JobState, event.from_state, JobState.BLOCKED) if has_from else None,
        to_state=name_of(JobState, event.to_state, JobState.BLOCKED) if has_to else None,
        tenant=event.tenant,
        project=event.project,
        job_id=event.job_id,
        job_type=event.job_type,
        correlation_id=event.correlation_id,
        worker_id=event.worker_id,
        attempt=event.attempt,
        lease_epoch=event.lease_epoch,
        actor=event.actor,
        reason=event.reason,
    )
