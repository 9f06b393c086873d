"""Runs as the ledger has them. Empty strings mean "none"."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stellaops_orchestrator.client.views import Job, to_job
from stellaops_orchestrator.contract import pb
from stellaops_orchestrator.contract.time import moment_of, to_datetime
from stellaops_orchestrator.names import (
    EdgeCondition,
    JobState,
    OnFailure,
    OperationKind,
    OperationState,
    ReplayCause,
    RunState,
    name_of,
)


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
class AppendedJobs:
    """What was appended to a run."""

    job_ids: Mapping[str, str]
    """The jobs' ids by their names."""
    existing: int
    """How many of them were there already, with the same content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A dependency between two jobs of a run."""

    from_job_id: str
    """The job that must end first."""
    to_job_id: str
    """The job that waits."""
    on_failure: OnFailure
    """What happens when the first does not succeed."""
    when: EdgeCondition
    """Which end of the first lets the second go."""
    includes_fan_out: bool
    """Whether the second waits for what the first fans out, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run as the ledger has it, without what its jobs sum up to."""

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
    is_open: bool
    """True: ``runs.append`` can add to it."""
    is_cancel_requested: bool
    """True: somebody cancelled it as a whole."""
    is_building: bool
    """True: a replay whose jobs are still being written. None of them starts before."""
    replay_of: str
    """The run that this one replays."""
    pipeline: str
    """The pipeline that it was made from."""
    pipeline_version: int
    """The pipeline's version; 0 without one."""
    schedule: str
    """The schedule that made it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDetail(Run):
    """A run with its jobs (without payloads) and edges."""

    state: RunState
    """The sum of its jobs."""
    counts: Mapping[JobState, int]
    """How many jobs stand where; states without jobs are missing."""
    skipped: int
    """How many of the cancelled jobs were skipped: the run did not need them."""
    jobs: Sequence[Job]
    """In the order in which they were asked for. Of a replay also those of the first run that it
    reuses; their ``run_id`` tells."""
    edges: Sequence[Edge]
    """The dependencies between its jobs."""
    is_truncated: bool
    """True: it has more than 1,000 jobs, and ``jobs`` and ``edges`` are empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A change to many jobs that the server does in batches."""

    operation_id: str
    """The operation."""
    kind: OperationKind | None
    """What it does; None for a kind that is newer than this SDK."""
    state: OperationState
    """Where it stands."""
    actor: str
    """Who started it."""
    reason: str
    """Why."""
    ticket: str
    """The ticket that asked for it."""
    run_id: str
    """The run that it is about; empty if it is about none."""
    matching: int
    """How many jobs matched when it began."""
    applied: int
    """How many were changed."""
    unchanged: int
    """How many needed no change."""
    refused: int
    """How many could not be changed."""
    create_time: datetime | None
    """When it was started."""
    finish_time: datetime | None
    """When it ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedJob:
    """A job of the first run and what a replay does with it."""

    name: str
    """Its name."""
    job_id: str
    """Its id in the first run."""
    cause: ReplayCause | None
    """Why it is part of the replay; None for a cause that is newer than this SDK."""
    state: JobState
    """Where it stood in the first run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A replay, or what one would be."""

    run_id: str | None
    """The new run; None after a dry run."""
    jobs: Sequence[ReplayedJob]
    """What runs again and what is reused, the first 1,000."""
    running_count: int
    """How many jobs run again."""
    reused_count: int
    """How many are reused."""


def _run_fields(run: pb.run.Run) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "tenant": run.tenant,
        "display_name": run.display_name,
        "project": run.project,
        "correlation_id": run.correlation_id,
        "create_time": to_datetime(run.create_time),
        "is_open": run.open,
        "is_cancel_requested": run.cancel_requested,
        "is_building": run.building,
        "replay_of": run.replay_of,
        "pipeline": run.pipeline,
        "pipeline_version": run.pipeline_version,
        "schedule": run.schedule,
    }


def to_run(run: pb.run.Run) -> Run:
    """A run of the contract as a plain object."""
    return Run(**_run_fields(run))


def _edge(edge: pb.run.Edge) -> Edge:
    return Edge(
        from_job_id=edge.from_job_id,
        to_job_id=edge.to_job_id,
        on_failure=name_of(OnFailure, edge.on_failure, OnFailure.CANCEL),
        when=name_of(EdgeCondition, edge.condition, EdgeCondition.SUCCESS),
        includes_fan_out=edge.include_fan_out,
    )


def to_run_detail(response: pb.run.GetRunResponse) -> RunDetail:
    """A run of the contract, with its jobs and edges, as a plain object."""
    run = response.run
    return RunDetail(
        **_run_fields(run),
        state=name_of(RunState, run.state, RunState.ACTIVE),
        counts={name_of(JobState, c.state, JobState.BLOCKED): c.count for c in run.counts},
        skipped=run.skipped,
        jobs=tuple(to_job(job) for job in response.jobs),
        edges=tuple(_edge(edge) for edge in response.edges),
        is_truncated=response.truncated,
    )


def to_operation(operation: pb.operation.Operation) -> Operation:
    """An operation of the contract as a plain object."""
    return Operation(
        operation_id=operation.operation_id,
        kind=name_of(OperationKind, operation.kind, None),
        state=name_of(OperationState, operation.state, OperationState.RUNNING),
        actor=operation.actor,
        reason=operation.reason,
        ticket=operation.ticket,
        run_id=operation.run_id,
        matching=operation.matching,
        applied=operation.applied,
        unchanged=operation.unchanged,
        refused=operation.refused,
        create_time=moment_of(operation, "create_time"),
        finish_time=moment_of(operation, "finish_time"),
    )


def to_replay(response: pb.run.ReplayRunResponse) -> Replay:
    """A replay of the contract as a plain object."""
    return Replay(
        run_id=response.run.run_id if response.HasField("run") else None,
        jobs=tuple(
            ReplayedJob(
                name=job.name,
                job_id=job.job_id,
                cause=name_of(ReplayCause, job.cause, None),
                state=name_of(JobState, job.state, JobState.BLOCKED),
            )
            for job in response.jobs
        ),
        running_count=response.running_count,
        reused_count=response.reused_count,
    )
