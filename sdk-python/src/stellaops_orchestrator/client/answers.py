"""What the client's calls answer."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from stellaops_orchestrator.client.enqueuer import Answer
from stellaops_orchestrator.contract import pb
from stellaops_orchestrator.contract.time import to_timedelta
from stellaops_orchestrator.errors import OrchestratorError, from_status
from stellaops_orchestrator.names import (
    CancelOutcome,
    JobState,
    RetryOutcome,
    name_of,
)


class EnqueueOutcome(StrEnum):
    """What became of a job that was enqueued."""

    CREATED = "created"
    """It is in the ledger."""
    DUPLICATE = "duplicate"
    """The idempotency key was known; the id is the first job's."""
    REJECTED = "rejected"
    """Nothing was written; the error says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnqueuedJob:
    """What became of one job."""

    job_id: str
    """Empty when it was rejected."""
    outcome: EnqueueOutcome
    """What became of it."""
    error: OrchestratorError | None = None
    """Why it was rejected; set in ``enqueue_many`` only: ``enqueue`` raises it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelledJob:
    """What became of a request to cancel one job."""

    job_id: str
    """The job."""
    outcome: CancelOutcome
    """What became of the request."""
    state: JobState | None
    """Where the job stands now; None if there is no such job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetriedJob:
    """What became of a request to retry one job."""

    job_id: str
    """The job."""
    outcome: RetryOutcome
    """What became of the request."""
    state: JobState | None
    """Where the job stands now; None if there is no such job."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease with its fence: hand it to a store that must refuse a stale writer."""

    job_id: str
    """The job."""
    attempt: int
    """For people."""
    lease_epoch: int
    """Grows with every lease of the job; a store can order by it."""
    lease_token: str
    """Opaque; compared for equality."""

    def to_message(self) -> pb.task_runner.LeaseRef:
        """The lease as the contract carries it."""
        return pb.task_runner.LeaseRef(
            job_id=self.job_id,
            attempt=self.attempt,
            lease_epoch=self.lease_epoch,
            lease_token=self.lease_token,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedLease:
    """Whether a lease is the current one, true of the moment at which the database said so."""

    is_current: bool
    """True: no newer lease of the job exists, and it has not ended."""
    newest_lease_epoch: int
    """The newest epoch that was handed out for the job."""
    expires_in: timedelta | None
    """How long the lease lives unless it is renewed; None when it is not current."""


def to_enqueued(spec: pb.job.JobSpec, answer: Answer) -> EnqueuedJob:
    """The public form of an answer. A DUPLICATE of our own id is our own earlier, lost try."""
    if isinstance(answer, OrchestratorError):
        return EnqueuedJob(job_id="", outcome=EnqueueOutcome.REJECTED, error=answer)
    if answer.outcome == pb.job.ENQUEUE_OUTCOME_CREATED or answer.job_id == spec.job_id:
        return EnqueuedJob(job_id=answer.job_id, outcome=EnqueueOutcome.CREATED)
    if answer.outcome == pb.job.ENQUEUE_OUTCOME_DUPLICATE:
        return EnqueuedJob(job_id=answer.job_id, outcome=EnqueueOutcome.DUPLICATE)
    error = from_status(answer.error)
    return EnqueuedJob(job_id="", outcome=EnqueueOutcome.REJECTED, error=error)


def _state(number: int) -> JobState | None:
    return name_of(JobState, number, JobState.BLOCKED) if number else None


def to_cancelled(result: pb.job.CancelResult) -> CancelledJob:
    """One result of CancelJobs."""
    outcome = name_of(CancelOutcome, result.outcome, CancelOutcome.REQUESTED)
    return CancelledJob(job_id=result.job_id, outcome=outcome, state=_state(result.state))


def to_retried(result: pb.job.RetryResult) -> RetriedJob:
    """One result of RetryJobs."""
    outcome = name_of(RetryOutcome, result.outcome, RetryOutcome.NOT_RETRYABLE)
    return RetriedJob(job_id=result.job_id, outcome=outcome, state=_state(result.state))


def to_checked_lease(response: pb.task_runner.CheckLeaseResponse) -> CheckedLease:
    """The answer of CheckLease."""
    has_expiry = response.HasField("expires_in")
    return CheckedLease(
        is_current=response.current,
        newest_lease_epoch=response.newest_lease_epoch,
        expires_in=to_timedelta(response.expires_in) if has_expiry else None,
    )
