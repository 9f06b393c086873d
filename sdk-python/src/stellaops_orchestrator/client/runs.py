"""Runs: jobs that belong together, with edges between them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Unpack

from stellaops_orchestrator.client.job_spec import JobOptions, JobRequest, to_job_spec
from stellaops_orchestrator.client.views import Job, to_job
from stellaops_orchestrator.contract import pb
from stellaops_orchestrator.contract.ids import uuid7
from stellaops_orchestrator.contract.time import to_datetime
from stellaops_orchestrator.names import JobState, OnFailure, RunState, name_of, number_of
from stellaops_orchestrator.payload import NOTHING
from stellaops_orchestrator.trace_context import TraceHook, correlation_of


@dataclass(frozen=True, slots=True)
class DependsOn:
    """A dependency, and what its failure means."""

    name: str
    """The name of the job that must succeed first."""
    on_failure: OnFailure = OnFailure.CANCEL
    """What happens to the waiting job when it does not."""


class RunJob(JobRequest):
    """A job of a run that is to be made.

    Args:
        name: Its name, unique in the run.
        job_type: A dotted name such as ``"sbom.scan"``.
        payload: As for ``JobRequest``.
        depends_on: What must succeed before it starts: names, or ``DependsOn``.
        options: See ``JobOptions``.
    """

    def __init__(
        self,
        name: str,
        job_type: str,
        payload: object = NOTHING,
        *,
        depends_on: Sequence[str | DependsOn] = (),
        **options: Unpack[JobOptions],
    ) -> None:
        super().__init__(job_type, payload, **options)
        self.name = name
        self.depends_on = tuple(depends_on)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedRun:
    """The run that was made."""

    run_id: str
    """The run."""
    job_ids: Mapping[str, str]
    """The jobs' ids by their names."""
    already_existed: bool
    """True: an earlier try of the same call had made it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A dependency between two jobs of a run."""

    from_job_id: str
    """The job that must succeed first."""
    to_job_id: str
    """The job that waits."""
    on_failure: OnFailure
    """What happens when the first does not succeed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run as the ledger has it, with its jobs (without payloads) and edges."""

    run_id: str
    """The run."""
    tenant: str
    """The owner."""
    display_name: str
    """For people."""
    project: str
    """The project, if any."""
    correlation_id: str
    """What jobs without one inherited."""
    create_time: datetime
    """When it was made."""
    state: RunState
    """The sum of its jobs."""
    counts: Mapping[JobState, int]
    """How many jobs stand where; states without jobs are missing."""
    jobs: Sequence[Job]
    """In the order of the request that made it."""
    edges: Sequence[Edge]
    """The dependencies between its jobs."""


def _dependency(dependency: str | DependsOn) -> pb.run.Dependency:
    if isinstance(dependency, str):
        return pb.run.Dependency(name=dependency)
    message = pb.run.Dependency(name=dependency.name)
    message.on_failure = number_of(OnFailure(dependency.on_failure))  # type: ignore[assignment]
    return message


def _run_job(job: RunJob, hook: TraceHook | None) -> pb.run.RunJob:
    spec = to_job_spec(job, hook)
    # Not the handler's correlation id: the job inherits the run's, which has it already.
    spec.correlation_id = job.options.get("correlation_id", "")
    return pb.run.RunJob(
        name=job.name, spec=spec, depends_on=[_dependency(d) for d in job.depends_on]
    )


def to_create_run(
    jobs: Sequence[RunJob],
    *,
    display_name: str,
    project: str,
    correlation_id: str | None,
    hook: TraceHook | None,
) -> pb.run.CreateRunRequest:
    """The CreateRun request, with a run id of the SDK's own so that it can be repeated."""
    return pb.run.CreateRunRequest(
        run_id=uuid7(),
        display_name=display_name,
        project=project,
        correlation_id=correlation_of(correlation_id),
        jobs=[_run_job(job, hook) for job in jobs],
    )


def to_run(response: pb.run.GetRunResponse) -> Run:
    """A run of the contract as a plain object."""
    run = response.run
    return Run(
        run_id=run.run_id,
        tenant=run.tenant,
        display_name=run.display_name,
        project=run.project,
        correlation_id=run.correlation_id,
        create_time=to_datetime(run.create_time),
        state=name_of(RunState, run.state, RunState.ACTIVE),
        counts={name_of(JobState, c.state, JobState.BLOCKED): c.count for c in run.counts},
        jobs=tuple(to_job(job) for job in response.jobs),
        edges=tuple(
            Edge(
                from_job_id=edge.from_job_id,
                to_job_id=edge.to_job_id,
                on_failure=name_of(OnFailure, edge.on_failure, OnFailure.CANCEL),
            )
            for edge in response.edges
        ),
    )
