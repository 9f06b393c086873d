"""Event time that a job covers."""

from dataclasses import dataclass
from datetime import datetime

from stellaops_orchestrator.contract import pb
from stellaops_orchestrator.contract.time import to_datetime, to_timestamp


@dataclass(frozen=True, slots=True)
class EventWindow:
    """A span of event time of a source."""

    start: datetime
    """Its first moment."""
    end: datetime
    """The first moment after it."""
    scope: str = ""
    """The partition of the source, such as an ecosystem; empty if it has none."""

    def to_message(self) -> pb.job.EventWindow:
        """The window as the contract carries it."""
        return pb.job.EventWindow(
            scope=self.scope, start_time=to_timestamp(self.start), end_time=to_timestamp(self.end)
        )


def to_window(message: pb.job.EventWindow) -> EventWindow:
    """A window of the contract as a plain object."""
    start, end = to_datetime(message.start_time), to_datetime(message.end_time)
    return EventWindow(start, end, message.scope)


def window_of(spec: pb.job.JobSpec) -> EventWindow | None:
    """The window of a job; None if it covers none."""
    return to_window(spec.window) if spec.HasField("window") else None
