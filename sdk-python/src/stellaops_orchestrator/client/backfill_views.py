"""Backfills as they are asked for and as the ledger has them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from stellaops_orchestrator.client.explaining import FlowScope, to_flow_scope
from stellaops_orchestrator.client.job_spec import JobTemplate, to_template, to_template_spec
from stellaops_orchestrator.client.window import EventWindow, to_window
from stellaops_orchestrator.contract import pb
from stellaops_orchestrator.contract.time import length_of, moment_of, to_datetime, to_timestamp
from stellaops_orchestrator.names import BackfillState, name_of


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillSpec:
    """What a backfill does."""

    source: str
    """The source."""
    scope: str = ""
    """The partition of the source; empty if it has none."""
    start: datetime
    """From this event time on; rounded down to the start of a window."""
    end: datetime
    """Up to this event time; rounded up to the end of a window."""
    job: JobTemplate
    """The job of each window; its source is the backfill's."""
    max_parallel: int = 0
    """The most of its jobs that may be unfinished at once; 10 if 0."""
    repeat_covered: bool = False
    """Whether windows that are covered are covered again."""

    def to_message(self) -> pb.backfill.BackfillSpec:
        """The spec as the contract carries it."""
        return pb.backfill.BackfillSpec(
            source=self.source,
            scope=self.scope,
            start_time=to_timestamp(self.start),
            end_time=to_timestamp(self.end),
            job=to_template_spec(self.job),
            max_parallel=self.max_parallel,
            repeat_covered=self.repeat_covered,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillPreview:
    """What a backfill would do."""

    windows: int
    """How many windows the range has."""
    covered: int
    """How many of them are covered."""
    in_progress: int
    """How many unfinished jobs are to cover already."""
    not_due: int
    """How many are not due yet; they are left out."""
    jobs: int
    """How many jobs it would make."""
    start: datetime
    """Where the range begins, rounded."""
    end: datetime
    """Where the range ends, rounded."""
    mean_job_duration: timedelta | None
    """How long one job takes by the newest attempts of the series; None if there are none."""
    estimated_duration: timedelta | None
    """How long all of it takes at that pace, if nothing limits it."""
    limited_by: Sequence[FlowScope]
    """What has limits that apply to its jobs."""
    sample: Sequence[EventWindow]
    """The first 10 windows that it would cover."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill:
    """A backfill as the ledger has it."""

    backfill_id: str
    """The backfill."""
    spec: BackfillSpec
    """What it does, its range rounded."""
    state: BackfillState
    """Where it stands."""
    actor: str
    """Who started it."""
    reason: str
    """Why."""
    ticket: str
    """The ticket that asked for it."""
    windows: int
    """How many windows the range has."""
    covered: int
    """How many its jobs covered."""
    shared: int
    """How many were covered already, or by jobs that are not its own."""
    in_progress: int
    """How many of its jobs are unfinished."""
    failed: int
    """How many failed: their job is dead or was cancelled."""
    create_time: datetime | None
    """When it was started."""
    finish_time: datetime | None
    """When it ended."""


def _to_spec(message: pb.backfill.BackfillSpec) -> BackfillSpec:
    return BackfillSpec(
        source=message.source,
        scope=message.scope,
        start=to_datetime(message.start_time),
        end=to_datetime(message.end_time),
        job=to_template(message.job),
        max_parallel=message.max_parallel,
        repeat_covered=message.repeat_covered,
    )


def to_backfill(message: pb.backfill.Backfill) -> Backfill:
    """A backfill of the contract as a plain object."""
    return Backfill(
        backfill_id=message.backfill_id,
        spec=_to_spec(message.spec),
        state=name_of(BackfillState, message.state, BackfillState.RUNNING),
        actor=message.actor,
        reason=message.reason,
        ticket=message.ticket,
        windows=message.windows,
        covered=message.covered,
        shared=message.shared,
        in_progress=message.in_progress,
        failed=message.failed,
        create_time=moment_of(message, "create_time"),
        finish_time=moment_of(message, "finish_time"),
    )


def to_preview(message: pb.backfill.PreviewBackfillResponse) -> BackfillPreview:
    """What a backfill would do, as a plain object."""
    return BackfillPreview(
        windows=message.windows,
        covered=message.covered,
        in_progress=message.in_progress,
        not_due=message.not_due,
        jobs=message.jobs,
        start=to_datetime(message.start_time),
        end=to_datetime(message.end_time),
        mean_job_duration=length_of(message, "mean_job_duration"),
        estimated_duration=length_of(message, "estimated_duration"),
        limited_by=tuple(to_flow_scope(settings.scope) for settings in message.limits),
        sample=tuple(to_window(window) for window in message.sample),
    )
