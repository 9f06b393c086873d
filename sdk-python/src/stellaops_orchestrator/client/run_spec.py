"""Runs as their producer describes them: jobs with edges between them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Unpack

from stellaops_orchestrator.client.job_spec import JobOptions, JobRequest, to_job_spec
from stellaops_orchestrator.contract import pb
from stellaops_orchestrator.contract.ids import uuid7
from stellaops_orchestrator.names import EdgeCondition, OnFailure, name_of, number_of
from stellaops_orchestrator.payload import NOTHING
from stellaops_orchestrator.trace_context import TraceHook, correlation_of


@dataclass(frozen=True, slots=True)
class DependsOn:
    """A dependency, and what its end means."""

    name: str
    """The name of the job that must end first."""
    on_failure: OnFailure | None = None
    """What happens to the waiting job when it does not succeed: it is cancelled unless told.
    Goes with ``when=EdgeCondition.SUCCESS`` only."""
    when: EdgeCondition = EdgeCondition.SUCCESS
    """Which end of it lets the waiting job go."""
    include_fan_out: bool = False
    """A declared join: the waiting job also waits for every job that this one fans out."""

    def to_message(self) -> pb.run.Dependency:
        """The dependency as the contract carries it; what is the default is left out."""
        message = pb.run.Dependency(name=self.name, include_fan_out=self.include_fan_out)
        if self.on_failure is not None:
            message.on_failure = number_of(OnFailure(self.on_failure))  # type: ignore[assignment]
        when = EdgeCondition(self.when)
        if when is not EdgeCondition.SUCCESS:
            message.condition = number_of(when)  # type: ignore[assignment]
        return message


def from_depends_on(dependency: str | DependsOn) -> pb.run.Dependency:
    """A dependency, or a plain name, as the contract carries it."""
    given = DependsOn(dependency) if isinstance(dependency, str) else dependency
    return given.to_message()


def to_depends_on(message: pb.run.Dependency) -> DependsOn:
    """A dependency of the contract as a plain object."""
    when = name_of(EdgeCondition, message.condition, EdgeCondition.SUCCESS)
    # Where any end or a failure lets the job go, the contract has no place for on_failure.
    said = name_of(OnFailure, message.on_failure, None) if when is EdgeCondition.SUCCESS else None
    return DependsOn(message.name, said, when, message.include_fan_out)


class RunJob(JobRequest):
    """A job of a run that is to be made.

    Args:
        name: Its name, unique in the run.
        job_type: A dotted name such as ``"sbom.scan"``.
        payload: As for ``JobRequest``.
        depends_on: What must end before it starts: names, or ``DependsOn``.
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


def _run_job(job: RunJob, hook: TraceHook | None) -> pb.run.RunJob:
    spec = to_job_spec(job, hook)
    # Not the handler's correlation id: the job inherits the run's, which has it already.
    spec.correlation_id = job.options.get("correlation_id", "")
    return pb.run.RunJob(
        name=job.name, spec=spec, depends_on=[from_depends_on(d) for d in job.depends_on]
    )


def to_create_run(
    jobs: Sequence[RunJob],
    *,
    display_name: str,
    project: str,
    correlation_id: str | None,
    keep_open: bool,
    hook: TraceHook | None,
) -> pb.run.CreateRunRequest:
    """The CreateRun request, with a run id of the SDK's own so that it can be repeated."""
    return pb.run.CreateRunRequest(
        run_id=uuid7(),
        display_name=display_name,
        project=project,
        correlation_id=correlation_of(correlation_id),
        jobs=[_run_job(job, hook) for job in jobs],
        keep_open=keep_open,
    )


def to_appended_jobs(jobs: Sequence[RunJob], hook: TraceHook | None) -> list[pb.run.RunJob]:
    """Jobs for a live run.

    They have no ids of the SDK's choosing: a run knows a job by its name, so that a handler's
    second attempt finds what the first one fanned out.
    """
    messages = [_run_job(job, hook) for job in jobs]
    for message in messages:
        message.spec.job_id = ""
    return messages


def ids_by_name(names: Iterable[str], job_ids: Iterable[str]) -> Mapping[str, str]:
    """Job ids by the jobs' names, of an answer that lists them in the same order."""
    return dict(zip(names, job_ids, strict=False))
